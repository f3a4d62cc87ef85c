/* SPDX-License-Identifier: PostgreSQL */
#include "config.h" /* raise */

#include "base/kill_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 128 };

/* How often the point that the environment names was passed. Who passes is many threads, and none of them owns it. */
static atomic_int passages;

static const struct {
    const char *name, *meaning;
} points[] = {
#define KILL_POINT_ROW(name, meaning) {name, meaning},
#include "base/kill_points.def"
#undef KILL_POINT_ROW
};

static void trace(const char *name)
{
    char line[LINE_MAX_BYTES];
    int length = snprintf(line, sizeof line, "kill_point=%s\n", name);
    ssize_t written = write(STDERR_FILENO, line, (size_t)length);
    (void)written;
}

static int signal_of_points(void)
{
    const char *wanted = getenv("SHOUWANG_KILL_SIGNAL");
    return wanted && strcmp(wanted, "STOP") == 0 ? SIGSTOP : SIGKILL;
}

void kill_point_pass(const char *name)
{
    const char *wanted = getenv("SHOUWANG_KILL_POINT");
    if (!wanted)
        return;
    if (strcmp(wanted, "trace") == 0) {
        trace(name);
        return;
    }
    size_t length = strlen(name);
    if (strncmp(wanted, name, length) != 0 || (wanted[length] != '\0' && wanted[length] != ':'))
        return;
    int last = wanted[length] == ':' ? atoi(wanted + length + 1) : 1;
    if (atomic_fetch_add(&passages, 1) + 1 == last)
        raise(signal_of_points());
}

int kill_point_list(void)
{
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        if (printf("%s\t%s\n", points[i].name, points[i].meaning) < 0)
            return EX_IOERR;
    return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
