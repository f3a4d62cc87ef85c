/* SPDX-License-Identifier: PostgreSQL */
/* Files that are compiled into the programs (migrations, the base dictionary), so that a binary is never
 * without them. */
#ifndef SHOUWANG_BASE_EMBEDDED_H
#define SHOUWANG_BASE_EMBEDDED_H

#include <stddef.h>

/* A table of these ends with an entry whose name is NULL. `bytes` is followed by a zero. */
struct embedded_file {
    const char *name; /* without folders */
    const char *bytes;
    size_t length;
};

#endif
