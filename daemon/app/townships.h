/* SPDX-License-Identifier: PostgreSQL */
/*
 * townships.d: one CODE.conf for each receiver. Reads them all, with their secrets and keys, into endpoints that are
 * ready to be sent to.
 *
 * Ownership: the list owns everything in it; townships_free wipes the secrets. Threading: built by one thread, then
 * immutable.
 */
#ifndef SHOUWANG_APP_TOWNSHIPS_H
#define SHOUWANG_APP_TOWNSHIPS_H

#include "app/mistakes.h"
#include "app/options.h"
#include "base/arena.h"
#include "base/status.h"
#include "delivery/endpoint.h"

#include <stddef.h>

enum {
    TOWNSHIPS_MAX = 400
}; /* a county's townships have the numbers 001–399, and there is the county itself */

struct township_file {
    struct township_options values;
    struct option_set set;
};

struct townships {
    struct arena *arena;
    size_t count;
    struct endpoint_config *endpoints; /* by code, ascending */
    struct township_file *files;       /* of the same index: for the difference that a reload logs */
};

/*
 * A folder that does not exist has no townships. Mistakes are added, and the list is to be freed in any case.
 * STATUS_FATAL without memory, STATUS_RETRY when the disk fails.
 */
enum status townships_read(struct townships *townships, const struct options *options,
                           struct mistakes *mistakes, struct error *err) WARN_UNUSED;
void townships_free(struct townships *townships);

#endif
