/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

enum { SHANGHAI_OFFSET_MIN = 8 * 60, MS_PER_MINUTE = 60 * 1000 };
#define MS_PER_DAY INT64_C(86400000)

/* clock_gettime fails only for a wrong clock or address. */
static struct timespec now(clockid_t clock)
{
    struct timespec time = {0, 0};
    clock_gettime(clock, &time);
    return time;
}

int64_t clock_monotonic_us(void)
{
    struct timespec time = now(CLOCK_MONOTONIC);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

int64_t clock_unix_ms(void)
{
    struct timespec time = now(CLOCK_REALTIME);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

day_t clock_today(void)
{
    return civil_shanghai_day(clock_unix_ms() / 1000);
}

const char *clock_rfc3339(int64_t unix_ms, char out[CLOCK_RFC3339_SIZE])
{
    int64_t least = DAY_MIN * MS_PER_DAY;
    int64_t greatest = DAY_MAX * MS_PER_DAY;
    int64_t bounded = unix_ms < least ? least : unix_ms > greatest ? greatest : unix_ms;
    int64_t local = bounded + (int64_t)SHANGHAI_OFFSET_MIN * MS_PER_MINUTE;
    int64_t ms = local % MS_PER_DAY;
    if (ms < 0)
        ms += MS_PER_DAY;
    char date[CIVIL_TEXT_SIZE];
    civil_format((day_t)((local - ms) / MS_PER_DAY), date);
    snprintf(out, CLOCK_RFC3339_SIZE,
             "%s"
             "T%02d:%02d:%02d.%03d+08:00",
             date, (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
    return out;
}

static int digit_at(struct slice text, size_t at)
{
    return at < text.length && text.bytes[at] >= '0' && text.bytes[at] <= '9' ? text.bytes[at] - '0' : -1;
}

/* Two digits in 0..greatest, or -1. */
static int two_digits(struct slice text, size_t at, int greatest)
{
    int tens = digit_at(text, at);
    int ones = digit_at(text, at + 1);
    if (tens < 0 || ones < 0 || tens * 10 + ones > greatest)
        return -1;
    return tens * 10 + ones;
}

static bool char_is(struct slice text, size_t at, char upper, char lower)
{
    return at < text.length && (text.bytes[at] == upper || text.bytes[at] == lower);
}

/* hh:mm:ss at `at`; a leap second counts as the second after it. */
static bool parse_time(struct slice text, size_t at, int64_t *ms)
{
    int hour = two_digits(text, at, 23);
    int minute = two_digits(text, at + 3, 59);
    int second = two_digits(text, at + 6, 60);
    if (hour < 0 || minute < 0 || second < 0 || !char_is(text, at + 2, ':', ':') ||
        !char_is(text, at + 5, ':', ':'))
        return false;
    *ms = ((int64_t)hour * 3600 + minute * 60 + second) * 1000;
    return true;
}

/* ".123…" if there is one; digits beyond the millisecond are dropped. */
static bool parse_fraction(struct slice text, size_t *at, int64_t *ms)
{
    if (!char_is(text, *at, '.', '.'))
        return true;
    int scale = 100;
    size_t first = ++*at;
    for (int digit; (digit = digit_at(text, *at)) >= 0; ++*at, scale /= 10)
        *ms += digit * scale;
    return *at > first;
}

/* Z or ±hh:mm to the end of the text. */
static bool parse_offset(struct slice text, size_t at, int64_t *offset_ms)
{
    *offset_ms = 0;
    if (char_is(text, at, 'Z', 'z'))
        return at + 1 == text.length;
    int hour = two_digits(text, at + 1, 23);
    int minute = two_digits(text, at + 4, 59);
    if (!char_is(text, at, '+', '-') || !char_is(text, at + 3, ':', ':') || hour < 0 || minute < 0)
        return false;
    int64_t offset = (int64_t)(hour * 60 + minute) * MS_PER_MINUTE;
    *offset_ms = text.bytes[at] == '-' ? -offset : offset;
    return at + 6 == text.length;
}

bool clock_parse_rfc3339(struct slice text, int64_t *unix_ms)
{
    day_t day;
    int64_t ms, offset_ms;
    size_t at = sizeof "YYYY-MM-DDThh:mm:ss" - 1;
    if (text.length < at || !civil_parse((struct slice){text.bytes, 10}, &day) ||
        !char_is(text, 10, 'T', 't'))
        return false;
    if (!parse_time(text, 11, &ms) || !parse_fraction(text, &at, &ms) || !parse_offset(text, at, &offset_ms))
        return false;
    *unix_ms = day * MS_PER_DAY + ms - offset_ms;
    return true;
}
