/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory that is freed in one call. One arena serves one round, one batch, one attempt or one parse.
 *
 * An arena has a byte budget; an allocation beyond it fails (NULL) just as when memory has run out, so a
 * hostile input can cost no more than its budget. The budget bounds what is taken from the system, so that
 * the unused ends of chunks count too: leave some room. All memory is zeroed and aligned for any type.
 *
 * Ownership: the arena owns everything allocated from it. Threading: one thread at a time.
 */
#ifndef SHOUWANG_BASE_ARENA_H
#define SHOUWANG_BASE_ARENA_H

#include "base/status.h"

#include <stddef.h>

struct arena;

/* NULL when memory has run out. budget_bytes of 0 means no budget. */
struct arena *arena_new(size_t budget_bytes);
void arena_free(struct arena *arena); /* NULL is allowed */

/* NULL beyond the budget or without memory; 0 bytes give a valid pointer. */
void *arena_alloc(struct arena *arena, size_t bytes);
/* count × size with the overflow checked. */
void *arena_array(struct arena *arena, size_t count, size_t size);
char *arena_copy(struct arena *arena, const char *bytes, size_t length); /* adds a terminating zero */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
