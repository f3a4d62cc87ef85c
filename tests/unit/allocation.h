/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory that runs out on demand. A test program that calls these links with
 *     -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
 * so that the calls of our own libraries (not those inside shared libraries) can be made to fail.
 *
 *     int n = 0;
 *     bool again;
 *     do {
 *         allocation_fail_at(++n);
 *         … what must end with a clean error, or succeed …
 *         again = allocation_failed();
 *         … assertions: libcheck allocates, too, and is linked statically …
 *     } while (again);
 */
#ifndef SHOUWANG_TESTS_UNIT_ALLOCATION_H
#define SHOUWANG_TESTS_UNIT_ALLOCATION_H

#include <stdbool.h>

/* The n-th allocation from now fails, once; 0 = none. */
void allocation_fail_at(int n);
/* Did it come to that since? Ends the failing. */
bool allocation_failed(void);

#endif
