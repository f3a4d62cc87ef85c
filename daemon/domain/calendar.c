/* SPDX-License-Identifier: PostgreSQL */
#include "domain/calendar.h"

#include "base/civil.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

enum {
    YEAR_FIRST = 1850,
    YEAR_LAST = 2999,
    EXPRESSION_MAX = 100, /* longer is no schedule; keeps error texts whole */
    SEARCH_DAYS = 3653,   /* ten years */
    SHANGHAI_OFFSET_S = 8 * 3600,
    MINUTES_PER_DAY = 1440,
};

/* A field: its name for errors, its least and greatest number. */
struct field {
    const char *name;
    int least, greatest;
};
static const struct field minute_field = {"minute", 0, 59};
static const struct field hour_field = {"hour", 0, 23};
static const struct field day_field = {"day", 1, 31};
static const struct field month_field = {"month", 1, 12};
static const struct field year_field = {"year", YEAR_FIRST, YEAR_LAST};

static const struct {
    const char *word, *expression;
} words[] = {
    {"hourly", "*-*-* *:00"},
    {"daily", "*-*-* 00:00"},
    {"weekly", "Mon *-*-* 00:00"},
    {"monthly", "*-*-01 00:00"},
    {"quarterly", "*-01,04,07,10-01 00:00"},
    {"semiannually", "*-01,07-01 00:00"},
    {"yearly", "*-01-01 00:00"},
};

static const char *const weekday_names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                            "thursday", "friday", "saturday"};

/* What a parse carries along: the whole expression, for errors. */
struct parse {
    const char *expression;
    struct error *err;
};

static enum status refuse(const struct parse *parse, struct slice found, const char *expected)
{
    return error_set(parse->err, STATUS_CONFIG, "calendar \"%s\": found \"%.*s\", expected %s",
                     parse->expression, (int)found.length, found.bytes, expected);
}

static enum status refuse_field(const struct parse *parse, const struct field *field, struct slice found)
{
    return error_set(parse->err, STATUS_CONFIG,
                     "calendar \"%s\": found \"%.*s\", expected a %s: *, a number from %d to %d, a list a,b, "
                     "a range a..b or "
                     "a repetition a/n",
                     parse->expression, (int)found.length, found.bytes, field->name, field->least,
                     field->greatest);
}

/* Takes what stands before `mark` (or all) off the front; false when nothing is left. */
static bool take_until(struct slice *rest, const char *mark, struct slice *part)
{
    if (!rest->bytes)
        return false;
    size_t width = strlen(mark);
    for (size_t at = 0; at + width <= rest->length; at++) {
        if (memcmp(rest->bytes + at, mark, width) == 0) {
            *part = (struct slice){rest->bytes, at};
            *rest = (struct slice){rest->bytes + at + width, rest->length - at - width};
            return true;
        }
    }
    *part = *rest;
    *rest = (struct slice){NULL, 0};
    return true;
}

static bool number_in(struct slice text, int least, int greatest, int *number)
{
    if (text.length == 0 || text.length > 4)
        return false;
    int value = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        value = value * 10 + (text.bytes[i] - '0');
    }
    *number = value;
    return value >= least && value <= greatest;
}

/* "a", "a..b", "a/n", "a..b/n". */
static bool parse_range(struct slice item, const struct field *field, int *first, int *last, int *step)
{
    struct slice range, from;
    *step = 0;
    take_until(&item, "/", &range);
    if (item.bytes && !number_in(item, 1, field->greatest, step))
        return false;
    take_until(&range, "..", &from);
    if (!number_in(from, field->least, field->greatest, first))
        return false;
    *last = *step ? field->greatest : *first;
    if (range.bytes && !number_in(range, *first, field->greatest, last))
        return false;
    if (!*step)
        *step = 1;
    return true;
}

/* A list of items to bits; items that begin with '~' to bits of `from_end`, where the field has it. */
static bool parse_list(struct slice list, const struct field *field, uint64_t *bits, uint64_t *from_end)
{
    struct slice item;
    while (take_until(&list, ",", &item)) {
        uint64_t *to = bits;
        if (from_end && item.length && item.bytes[0] == '~') {
            to = from_end;
            item = (struct slice){item.bytes + 1, item.length - 1};
        }
        int first = field->least, last = field->greatest, step = 1;
        if (!slice_is(item, "*") && !parse_range(item, field, &first, &last, &step))
            return false;
        for (int i = first; i <= last; i += step)
            *to |= UINT64_C(1) << i;
    }
    return true;
}

/* --- the three parts ------------------------------------------------------------------------------------------ */

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool equals_ignoring_case(struct slice text, const char *lower, size_t length)
{
    if (text.length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_letter(text.bytes[i]) || (text.bytes[i] | 0x20) != lower[i])
            return false;
    return true;
}

static int weekday_of(struct slice text)
{
    for (int i = 0; i < 7; i++)
        if (equals_ignoring_case(text, weekday_names[i], 3) ||
            equals_ignoring_case(text, weekday_names[i], strlen(weekday_names[i])))
            return i;
    return -1;
}

static enum status parse_weekdays(const struct parse *parse, struct slice text, struct calendar *calendar)
{
    static const char expected[] = "weekdays such as Mon, Mon,Wed or Mon..Fri";
    struct slice list = text, item, from;
    calendar->weekdays = 0;
    while (take_until(&list, ",", &item)) {
        take_until(&item, "..", &from);
        int first = weekday_of(from);
        int last = item.bytes ? weekday_of(item) : first;
        if (first < 0 || last < 0)
            return refuse(parse, text, expected);
        /* A range may run over the week's end: Sat..Mon. */
        for (int day = first;; day = (day + 1) % 7) {
            calendar->weekdays |= (uint8_t)(1u << day);
            if (day == last)
                break;
        }
    }
    return STATUS_OK;
}

static enum status parse_time(const struct parse *parse, struct slice text, struct calendar *calendar)
{
    struct slice minute = text, hour;
    take_until(&minute, ":", &hour);
    uint64_t hours = 0, minutes = 0;
    if (!parse_list(hour, &hour_field, &hours, NULL))
        return refuse_field(parse, &hour_field, hour);
    if (!parse_list(minute, &minute_field, &minutes, NULL))
        return refuse_field(parse, &minute_field, minute);
    calendar->hours = (uint32_t)hours;
    calendar->minutes = minutes;
    return STATUS_OK;
}

static enum status parse_year(const struct parse *parse, struct slice text, struct calendar *calendar)
{
    int step;
    if (slice_is(text, "*"))
        return STATUS_OK;
    if (!parse_range(text, &year_field, &calendar->year_first, &calendar->year_last, &step) ||
        memchr(text.bytes, '/', text.length))
        return refuse(parse, text, "a year: *, a number from 1850 to 2999 or a range a..b");
    return STATUS_OK;
}

static enum status parse_days(const struct parse *parse, struct slice text, bool all_from_end,
                              struct calendar *calendar)
{
    uint64_t days = 0, last_days = 0;
    if (!parse_list(text, &day_field, all_from_end ? &last_days : &days, &last_days))
        return refuse_field(parse, &day_field, text);
    calendar->days = (uint32_t)days;
    calendar->last_days = (uint32_t)last_days;
    return STATUS_OK;
}

/* [YEAR-]MONTH-DAY, and systemd's MONTH~DAY where all days count from the month's end. */
static enum status parse_date(const struct parse *parse, struct slice text, struct calendar *calendar)
{
    struct slice part[3], rest = text;
    int count = 0;
    bool from_end = false;
    while (count < 3 && take_until(&rest, "-", &part[count]))
        count++;
    /* "06~1": the last hyphen is a tilde. "06-~1" keeps its hyphen, and the tilde begins the day. */
    struct slice *last = &part[count - 1];
    if (!rest.bytes && count < 3 && last->length && last->bytes[0] != '~' &&
        memchr(last->bytes, '~', last->length)) {
        struct slice month;
        struct slice days = *last;
        take_until(&days, "~", &month);
        *last = month;
        part[count++] = days;
        from_end = true;
    }
    if (rest.bytes || count < 2)
        return refuse(parse, text, "a date [YEAR-]MONTH-DAY such as *-*-05, *-06,12-01 or *-*-~1");
    enum status status = count == 3 ? parse_year(parse, part[0], calendar) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    uint64_t months = 0;
    if (!parse_list(part[count - 2], &month_field, &months, NULL))
        return refuse_field(parse, &month_field, part[count - 2]);
    calendar->months = (uint16_t)months;
    return parse_days(parse, part[count - 1], from_end, calendar);
}

/* A day that no month has would never come, and silence would be mistaken for patience. */
static bool has_some_day(const struct calendar *calendar)
{
    static const int longest[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int month = 1; month <= 12; month++)
        for (int day = 1; day <= longest[month]; day++)
            if (calendar->months >> month & 1 && ((calendar->days | calendar->last_days) >> day & 1))
                return true;
    return false;
}

static enum status parse_parts(const struct parse *parse, const char *expression, struct calendar *calendar)
{
    static const char expected[] =
        "[WEEKDAYS] [[YEAR-]MONTH-DAY] [HOUR:MINUTE], or hourly, daily, weekly, monthly, quarterly, "
        "semiannually, yearly";
    enum { NOTHING, WEEKDAYS, DATE, TIME } before = NOTHING, part;
    struct slice rest = slice_trim(slice_of(expression)), token;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && take_until(&rest, " ", &token)) {
        rest = rest.bytes ? slice_trim(rest) : rest;
        if (token.length == 0)
            return refuse(parse, token, expected);
        part = is_letter(token.bytes[0]) ? WEEKDAYS : memchr(token.bytes, ':', token.length) ? TIME : DATE;
        if (part <= before)
            return refuse(parse, token, expected);
        before = part;
        status = part == WEEKDAYS ? parse_weekdays(parse, token, calendar)
                 : part == DATE   ? parse_date(parse, token, calendar)
                                  : parse_time(parse, token, calendar);
    }
    if (status == STATUS_OK && !has_some_day(calendar))
        return refuse(parse, slice_of(expression), "a day that at least one of the months has");
    return status;
}

enum status calendar_parse(const char *text, struct calendar *calendar, struct error *err)
{
    size_t length = strlen(text);
    if (length > EXPRESSION_MAX)
        return error_set(err, STATUS_CONFIG, "calendar: found %zu bytes, expected at most %d", length,
                         EXPRESSION_MAX);
    struct calendar made = {.minutes = 1,
                            .hours = 1,
                            .days = UINT32_C(0xFFFFFFFE),
                            .months = 0x1FFE,
                            .weekdays = 0x7F,
                            .year_first = YEAR_FIRST,
                            .year_last = YEAR_LAST};
    const char *expression = text;
    struct slice trimmed = slice_trim(slice_of(text));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (equals_ignoring_case(trimmed, words[i].word, strlen(words[i].word)))
            expression = words[i].expression;
    enum status status = parse_parts(&(struct parse){text, err}, expression, &made);
    if (status == STATUS_OK)
        *calendar = made;
    return status;
}

/* --- the next moment ------------------------------------------------------------------------------------------ */

static bool day_fits(const struct calendar *calendar, day_t day)
{
    int year, month, day_of_month;
    civil_to_ymd(day, &year, &month, &day_of_month);
    if (year < calendar->year_first || year > calendar->year_last || !(calendar->months >> month & 1) ||
        !(calendar->weekdays >> civil_weekday(day) & 1))
        return false;
    if (calendar->days >> day_of_month & 1)
        return true;
    /* The last day of the month is the first from its end. */
    day_t first = day - (day_of_month - 1);
    int from_end = civil_add_months(first, 1) - day;
    return calendar->last_days >> from_end & 1;
}

/* The first fitting minute of a day from `minute` on, or -1. */
static int minute_from(const struct calendar *calendar, int minute)
{
    for (; minute < MINUTES_PER_DAY; minute++)
        if (calendar->hours >> (minute / 60) & 1 && calendar->minutes >> (minute % 60) & 1)
            return minute;
    return -1;
}

int64_t calendar_next(const struct calendar *calendar, int64_t unix_s)
{
    if (unix_s < DAY_MIN * INT64_C(86400) || unix_s > (DAY_MAX - SEARCH_DAYS - 1) * INT64_C(86400))
        return -1;
    day_t day = civil_shanghai_day(unix_s);
    int64_t midnight = day * INT64_C(86400) - SHANGHAI_OFFSET_S;
    int minute = (int)((unix_s - midnight) / 60) + 1;
    for (int i = 0; i <= SEARCH_DAYS; i++, day++, midnight += 86400, minute = 0) {
        int found = day_fits(calendar, day) ? minute_from(calendar, minute) : -1;
        if (found >= 0)
            return midnight + found * INT64_C(60);
    }
    return -1;
}
