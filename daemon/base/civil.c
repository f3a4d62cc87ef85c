/* SPDX-License-Identifier: PostgreSQL */
/* The two conversions follow Howard Hinnant's days_from_civil and civil_from_days (public domain): years that begin on
 * 1 March, so that the leap day is the last of its year. */
#include "base/civil.h"

#include "base/digits.h"

enum {
    YEAR_MIN = 1850,
    YEAR_MAX = 2999,
    DAYS_PER_ERA = 146097,
    EPOCH_FROM_ERA = 719468, /* 0000-03-01 to 1970-01-01 */
    SHORTEST_MONTH = 28,
    PG_EPOCH = 10957, /* 1970-01-01 to 2000-01-01 */
    SHANGHAI_OFFSET_S = 8 * 3600,
    SECONDS_PER_DAY = 86400,
};

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_length(int year, int month)
{
    static const unsigned char length[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : length[month];
}

/* Years above 0. */
static day_t day_of(int year, int month, int day_of_month)
{
    static const unsigned short from_march[] = {0, 306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275};
    unsigned shifted = (unsigned)year - (month <= 2), centuries = shifted / 100;
    unsigned days = shifted * (4 * 365 + 1) / 4 - centuries + centuries / 4;
    return (day_t)days + from_march[month] + day_of_month - 1 - EPOCH_FROM_ERA;
}

static day_t clamp(int64_t day)
{
    return day < DAY_MIN ? DAY_MIN : day > DAY_MAX ? DAY_MAX : (day_t)day;
}

bool civil_from_ymd(int year, int month, int day_of_month, day_t *day)
{
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12)
        return false;
    if (day_of_month < 1 || (day_of_month > SHORTEST_MONTH && day_of_month > month_length(year, month)))
        return false;
    *day = day_of(year, month, day_of_month);
    return true;
}

void civil_to_ymd(day_t day, int *year, int *month, int *day_of_month)
{
    int64_t shifted = (int64_t)day + EPOCH_FROM_ERA;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int day_of_era = (int)(shifted - era * DAYS_PER_ERA);
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int shifted_month = (5 * day_of_year + 2) / 153;
    *day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    *month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
    *year = year_of_era + (int)era * 400 + (*month <= 2);
}

bool civil_parse(struct slice text, day_t *day)
{
    if (text.length != CIVIL_TEXT_SIZE - 1)
        return false;
    /* "YYYY-MM-" at once: hyphens leave a zero byte, and nothing else may. */
    uint64_t begin = digits_load(text.bytes) ^ digits_load("0000-00-");
    unsigned tens = (unsigned)(unsigned char)text.bytes[8] - '0',
             ones = (unsigned)(unsigned char)text.bytes[9] - '0';
    if (digits_wrong(begin) || (begin & UINT64_C(0xFF0000FF00000000)) || tens > 9 || ones > 9)
        return false;
    uint64_t pairs = digits_pairs(begin, 10);
    int year = (int)((pairs & 0xFF) * 100 + (pairs >> 16 & 0xFF));
    int month = (int)((pairs >> 32 & 0xFF) * 10 + (begin >> 48 & 0xFF));
    return civil_from_ymd(year, month, (int)(tens * 10 + ones), day);
}

static void put_digits(char *out, int count, int number)
{
    for (int i = count - 1; i >= 0; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
}

const char *civil_format(day_t day, char out[CIVIL_TEXT_SIZE])
{
    if (day == DAY_NONE) {
        out[0] = '\0';
        return out;
    }
    int year, month, day_of_month;
    civil_to_ymd(clamp(day), &year, &month, &day_of_month);
    put_digits(out, 4, year);
    out[4] = '-';
    put_digits(out + 5, 2, month);
    out[7] = '-';
    put_digits(out + 8, 2, day_of_month);
    out[10] = '\0';
    return out;
}

day_t civil_add_months(day_t day, int months)
{
    if (day == DAY_NONE)
        return DAY_NONE;
    int year, month, day_of_month;
    civil_to_ymd(day, &year, &month, &day_of_month);
    int64_t month_number = (int64_t)year * 12 + (month - 1) + months;
    if (month_number < YEAR_MIN * 12)
        return DAY_MIN;
    if (month_number >= (YEAR_MAX + 1) * 12)
        return DAY_MAX;
    year = (int)(month_number / 12);
    month = (int)(month_number % 12) + 1;
    int last = month_length(year, month);
    return day_of(year, month, day_of_month < last ? day_of_month : last);
}

int civil_age_years(day_t birth, day_t on)
{
    int birth_year, birth_month, birth_day, year, month, day;
    civil_to_ymd(birth, &birth_year, &birth_month, &birth_day);
    civil_to_ymd(on, &year, &month, &day);
    bool before_birthday = month < birth_month || (month == birth_month && day < birth_day);
    return year - birth_year - before_birthday;
}

int civil_weekday(day_t day)
{
    /* 1970-01-01 was a Thursday. */
    int64_t shifted = ((int64_t)day + 4) % 7;
    return (int)(shifted < 0 ? shifted + 7 : shifted);
}

day_t civil_shanghai_day(int64_t unix_s)
{
    int64_t days = unix_s / SECONDS_PER_DAY;
    int64_t rest = unix_s % SECONDS_PER_DAY;
    if (rest < 0) {
        days--;
        rest += SECONDS_PER_DAY;
    }
    return clamp(days + (rest + SHANGHAI_OFFSET_S >= SECONDS_PER_DAY));
}

day_t civil_from_pg(int32_t pg_days)
{
    return pg_days == INT32_MIN ? DAY_NONE : clamp((int64_t)pg_days + PG_EPOCH);
}

int32_t civil_to_pg(day_t day)
{
    return day == DAY_NONE ? INT32_MIN : day - PG_EPOCH;
}
