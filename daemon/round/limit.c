/* SPDX-License-Identifier: PostgreSQL */
#include "round/round.h"

#include "base/money.h"

#include <string.h>

enum { PERCENT_HUNDREDTHS_MAX = 100 * 100 };

static enum status not_a_limit(struct slice text, struct error *err)
{
    return error_set(err, STATUS_CONFIG,
                     "found '%.*s', expected a number of warnings (500), a share of the households (2.5%%, "
                     "or 5%% or 1000, whichever is more) or none",
                     (int)(text.length > 40 ? 40 : text.length), text.bytes);
}

/* "5%" or "5% or 1000". */
static bool parse_share(struct slice text, struct round_limit *limit)
{
    const char *sign = memchr(text.bytes, '%', text.length);
    struct slice share = slice_trim((struct slice){text.bytes, (size_t)(sign - text.bytes)});
    struct slice rest = slice_trim((struct slice){sign + 1, (size_t)(text.bytes + text.length - sign - 1)});
    int64_t least = 0;
    *limit = (struct round_limit){.kind = ROUND_LIMIT_PERCENT};
    if (!money_parse(share, &limit->value) || limit->value > PERCENT_HUNDREDTHS_MAX)
        return false;
    if (rest.length == 0)
        return true;
    if (rest.length < 4 || memcmp(rest.bytes, "or ", 3) != 0)
        return false;
    rest = slice_trim((struct slice){rest.bytes + 3, rest.length - 3});
    limit->at_least = money_parse(rest, &least) ? least / 100 : 0;
    return limit->at_least > 0 && least % 100 == 0;
}

enum status round_limit_parse(struct slice text, struct round_limit *limit, struct error *err)
{
    int64_t hundredths; /* money's format is just what is wanted: digits, and two decimals at most */
    struct slice number = slice_trim(text);
    if (slice_is(number, "none")) {
        *limit = (struct round_limit){.kind = ROUND_LIMIT_NONE};
        return STATUS_OK;
    }
    if (number.length > 0 && memchr(number.bytes, '%', number.length) != NULL)
        return parse_share(number, limit) ? STATUS_OK : not_a_limit(text, err);
    if (!money_parse(number, &hundredths) || hundredths % 100 != 0)
        return not_a_limit(text, err);
    *limit = (struct round_limit){.kind = ROUND_LIMIT_COUNT, .value = hundredths / 100};
    return STATUS_OK;
}

int64_t round_limit_count(struct round_limit limit, int64_t households)
{
    int64_t share;
    switch (limit.kind) {
    case ROUND_LIMIT_COUNT:
        return limit.value;
    case ROUND_LIMIT_PERCENT:
        share = (households * limit.value + PERCENT_HUNDREDTHS_MAX - 1) / PERCENT_HUNDREDTHS_MAX;
        return share > limit.at_least ? share : limit.at_least;
    case ROUND_LIMIT_NONE:
        break;
    }
    return INT64_MAX;
}
