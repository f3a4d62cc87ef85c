/* SPDX-License-Identifier: PostgreSQL */
/* The two conversions are Howard Hinnant's days_from_civil and civil_from_days (public domain): eras of 400
 * years that begin on 1 March, so that the leap day is the last of its year. */
#include "base/civil.h"

enum {
    YEAR_MIN = 1850,
    YEAR_MAX = 2999,
    DAYS_PER_ERA = 146097,
    EPOCH_FROM_ERA = 719468, /* 0000-03-01 to 1970-01-01 */
    PG_EPOCH = 10957,        /* 1970-01-01 to 2000-01-01 */
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

static day_t day_of(int year, int month, int day_of_month)
{
    int shifted_year = month <= 2 ? year - 1 : year;
    int era = (shifted_year >= 0 ? shifted_year : shifted_year - 399) / 400;
    int year_of_era = shifted_year - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day_of_month - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - EPOCH_FROM_ERA;
}

static day_t clamp(int64_t day)
{
    return day < DAY_MIN ? DAY_MIN : day > DAY_MAX ? DAY_MAX : (day_t)day;
}

bool civil_from_ymd(int year, int month, int day_of_month, day_t *day)
{
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12)
        return false;
    if (day_of_month < 1 || day_of_month > month_length(year, month))
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

static bool digits(const char *bytes, int count, int *number)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return false;
        value = value * 10 + (bytes[i] - '0');
    }
    *number = value;
    return true;
}

bool civil_parse(struct slice text, day_t *day)
{
    int year, month, day_of_month;
    if (text.length != CIVIL_TEXT_SIZE - 1 || text.bytes[4] != '-' || text.bytes[7] != '-')
        return false;
    if (!digits(text.bytes, 4, &year) || !digits(text.bytes + 5, 2, &month) ||
        !digits(text.bytes + 8, 2, &day_of_month))
        return false;
    return civil_from_ymd(year, month, day_of_month, day);
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
