/* SPDX-License-Identifier: PostgreSQL */
#include "source/feed_date.h"

#include <string.h>

bool feed_date_format_ok(const char *format)
{
    int years = 0, months = 0, days = 0;
    while (*format) {
        size_t run = strspn(format, "Y");
        if (run > 0) {
            years += run == 4 ? 1 : 9;
        } else if ((run = strspn(format, "M")) > 0) {
            months += run <= 2 ? 1 : 9;
        } else if ((run = strspn(format, "D")) > 0) {
            days += run <= 2 ? 1 : 9;
        } else {
            run = 1;
        }
        format += run;
    }
    return years == 1 && months == 1 && days == 1;
}

/* Reads least to most digits. */
static bool read_digits(struct slice *text, size_t least, size_t most, int *number)
{
    size_t count = 0;
    *number = 0;
    while (count < most && count < text->length && text->bytes[count] >= '0' && text->bytes[count] <= '9')
        *number = *number * 10 + (text->bytes[count++] - '0');
    *text = (struct slice){text->bytes + count, text->length - count};
    return count >= least;
}

bool feed_date_parse(const char *format, struct slice text, day_t *day)
{
    int year = 0, month = 0, day_of_month = 0;
    while (*format) {
        bool ok;
        size_t run = 1;
        if (*format == 'Y') {
            run = 4;
            ok = read_digits(&text, 4, 4, &year);
        } else if (*format == 'M' || *format == 'D') {
            run = format[1] == *format ? 2 : 1;
            ok = read_digits(&text, run, 2, *format == 'M' ? &month : &day_of_month);
        } else {
            ok = text.length > 0 && text.bytes[0] == *format;
            if (ok)
                text = (struct slice){text.bytes + 1, text.length - 1};
        }
        if (!ok)
            return false;
        format += run;
    }
    return text.length == 0 && civil_from_ymd(year, month, day_of_month, day);
}
