/* SPDX-License-Identifier: PostgreSQL */
#include "domain/area.h"

enum { COUNTY_DIGITS = 6, TOWNSHIP_DIGITS = 9, VILLAGE_DIGITS = 12, PART = 1000, TOWNSHIP_PART_MAX = 399 };

/* Exactly that many digits, the first not 0: codes are kept as numbers, and no province begins with 0. */
static bool digits(struct slice text, size_t count, int64_t *number)
{
    if (text.length != count || text.bytes[0] == '0')
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        value = value * 10 + (text.bytes[i] - '0');
    }
    *number = value;
    return true;
}

static bool is_township(int64_t township)
{
    int64_t part = township % PART;
    return part >= 1 && part <= TOWNSHIP_PART_MAX;
}

bool area_parse_county(struct slice text, int64_t *code)
{
    return digits(text, COUNTY_DIGITS, code);
}

bool area_parse_township(struct slice text, int64_t *code)
{
    int64_t township;
    if (!digits(text, TOWNSHIP_DIGITS, &township) || !is_township(township))
        return false;
    *code = township;
    return true;
}

bool area_parse_village(struct slice text, int64_t *code)
{
    int64_t village;
    if (!digits(text, VILLAGE_DIGITS, &village) || !is_township(village / PART))
        return false;
    *code = village;
    return true;
}

int64_t area_township_of_village(int64_t village)
{
    return village / PART;
}

int64_t area_county_of_township(int64_t township)
{
    return township / PART;
}
