/* SPDX-License-Identifier: PostgreSQL */
#include "policy/syntax/fraction.h"

static wide_t saturate(wide_t a)
{
    if (a > WIDE_MAX)
        return WIDE_MAX;
    return a < -WIDE_MAX ? -WIDE_MAX : a;
}

wide_t wide_add(wide_t a, wide_t b)
{
    return saturate(saturate(a) + saturate(b));
}

wide_t wide_multiply(wide_t a, wide_t b)
{
    wide_t product;
    if (!__builtin_mul_overflow(a, b, &product))
        return saturate(product);
    return (a < 0) == (b < 0) ? WIDE_MAX : -WIDE_MAX;
}

bool wide_fits(wide_t a)
{
    return a > INT64_MIN && a < INT64_MAX;
}

struct fraction fraction_of(int64_t num)
{
    return (struct fraction){num, 1};
}

static wide_t wide_gcd(wide_t a, wide_t b)
{
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    while (b != 0) {
        wide_t rest = a % b;
        a = b;
        b = rest;
    }
    return a == 0 ? 1 : a;
}

bool fraction_make(wide_t num, wide_t den, struct fraction *out)
{
    wide_t divisor = wide_gcd(num, den);
    if (den < 0)
        divisor = -divisor;
    num /= divisor;
    den /= divisor;
    if (!wide_fits(num) || !wide_fits(den))
        return false;
    *out = (struct fraction){(int64_t)num, (int64_t)den};
    return true;
}

struct fraction fraction_reduced(int64_t num, int64_t den)
{
    int64_t divisor = fraction_gcd(num, den);
    return (struct fraction){num / divisor, den / divisor};
}

bool fraction_add(struct fraction a, struct fraction b, struct fraction *out)
{
    /* Each product has at most 126 bits, so the sum does not wrap. */
    return fraction_make((wide_t)a.num * b.den + (wide_t)b.num * a.den, (wide_t)a.den * b.den, out);
}

bool fraction_multiply(struct fraction a, struct fraction b, struct fraction *out)
{
    return fraction_make((wide_t)a.num * b.num, (wide_t)a.den * b.den, out);
}

bool fraction_divide(struct fraction a, struct fraction b, struct fraction *out)
{
    return fraction_make((wide_t)a.num * b.den, (wide_t)a.den * b.num, out);
}

struct fraction fraction_inverse(struct fraction a)
{
    return a.num < 0 ? (struct fraction){-a.den, -a.num} : (struct fraction){a.den, a.num};
}

bool fraction_to_fen(struct fraction yuan, int64_t *fen)
{
    wide_t hundredths = (wide_t)yuan.num * 100;
    if (hundredths % yuan.den != 0)
        return false;
    *fen = (int64_t)(hundredths / yuan.den);
    return true;
}

int fraction_compare(struct fraction a, struct fraction b)
{
    wide_t left = (wide_t)a.num * b.den, right = (wide_t)b.num * a.den;
    return (left > right) - (left < right);
}

int64_t fraction_gcd(int64_t a, int64_t b)
{
    return (int64_t)wide_gcd(a, b);
}
