/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory that runs out on demand. A test program that calls these links liballocation.a with $(ALLOCATION_WRAPS)
 * (tests/unit/domain.mk), so that the calls of our own libraries (not those inside shared libraries) can be made to
 * fail: malloc, calloc, realloc, strdup and anonymous maps.
 *
 *     int n = 0;
 *     bool again;
 *     do {
 *         allocation_fail_at(++n);
 *         … what must end with a clean error, or succeed …
 *         again = allocation_failed();
 *         … assertions: libcheck allocates, too, and is linked statically …
 *     } while (again);
 *
 * Allocations are counted over all threads.
 */
#ifndef SHOUWANG_TESTS_UNIT_ALLOCATION_H
#define SHOUWANG_TESTS_UNIT_ALLOCATION_H

#include <stdbool.h>

/* The n-th allocation from now fails, once; 0 = none. */
void allocation_fail_at(int n);
/* Did it come to that since? Ends the failing. */
bool allocation_failed(void);
/*
 * Of the allocations from now the first fails whose place (the innermost calls that lead to it) has not failed in this program
 * before. So a program whose allocations are too many to fail each of them once, one after the other, fails each place once; with
 * $(ARENA_WRAPS) also those of an arena that has room left. Not for several threads.
 */
void allocation_fail_at_new_place(void);
/* For what stands in for an allocation: is it to fail? */
bool allocation_fails(void);
/* How many there were since allocation_fail_at. */
int allocation_count(void);

#endif
