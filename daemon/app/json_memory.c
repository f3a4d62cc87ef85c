/* SPDX-License-Identifier: PostgreSQL */
#include "app/json_memory.h"

#include "base/log.h"

#include <jansson.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static void *take(size_t size)
{
    void *memory = malloc(size);
    if (memory)
        return memory;
    log_event(LOG_DAEMON_FAILED, log_text("reason", "out of memory for JSON"));
    _exit(EX_OSERR);
}

void json_memory_guard(void)
{
    json_set_alloc_funcs(take, free);
}
