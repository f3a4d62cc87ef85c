/* SPDX-License-Identifier: PostgreSQL */
/*
 * Exact fractions of int64, and the saturating 128-bit arithmetic of the overflow proof. Used at compile time
 * and for display; the machine itself only adds, subtracts and multiplies int64.
 *
 * A fraction is reduced and its denominator positive.
 */
#ifndef SHOUWANG_POLICY_FRACTION_H
#define SHOUWANG_POLICY_FRACTION_H

#include <stdbool.h>
#include <stdint.h>

struct fraction {
    int64_t num, den;
};

/* GCC's and Clang's type; kept to this module's users. */
__extension__ typedef __int128 wide_t;

/* Beyond any value that still fits int64 after the checks; sums and products stop here instead of wrapping.
 */
#define WIDE_MAX ((wide_t)1 << 120)

wide_t wide_add(wide_t a, wide_t b);
wide_t wide_multiply(wide_t a, wide_t b);
bool wide_fits(wide_t a); /* in int64, INT64_MIN and INT64_MAX left out: they are markers */

struct fraction fraction_of(int64_t num);
/* False when the result does not fit; *out is then untouched. */
bool fraction_make(wide_t num, wide_t den, struct fraction *out); /* den != 0 */
struct fraction fraction_reduced(int64_t num, int64_t den);       /* den > 0 */
bool fraction_add(struct fraction a, struct fraction b, struct fraction *out);
bool fraction_multiply(struct fraction a, struct fraction b, struct fraction *out);
bool fraction_divide(struct fraction a, struct fraction b, struct fraction *out); /* b != 0 */
struct fraction fraction_inverse(struct fraction a);                              /* a != 0 */
bool fraction_to_fen(struct fraction yuan, int64_t *fen); /* yuan as written; false: no whole number of fen */
int fraction_compare(struct fraction a, struct fraction b);

int64_t fraction_gcd(int64_t a, int64_t b); /* of absolute values; 1 when both are 0 */

#endif
