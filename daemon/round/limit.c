/* SPDX-License-Identifier: PostgreSQL */
#include "round/round.h"

#include "base/money.h"

enum { PERCENT_HUNDREDTHS_MAX = 100 * 100 };

static enum status not_a_limit(struct slice text, struct error *err)
{
    return error_set(
        err, STATUS_CONFIG,
        "found '%.*s', expected a number of warnings (500), a share of the households (2.5%%) or none",
        (int)(text.length > 40 ? 40 : text.length), text.bytes);
}

enum status round_limit_parse(struct slice text, struct round_limit *limit, struct error *err)
{
    int64_t hundredths; /* money's format is just what is wanted: digits, and two decimals at most */
    struct slice number = slice_trim(text);
    if (slice_is(number, "none")) {
        *limit = (struct round_limit){.kind = ROUND_LIMIT_NONE};
        return STATUS_OK;
    }
    bool percent = number.length > 0 && number.bytes[number.length - 1] == '%';
    number.length -= percent;
    number = slice_trim(number);
    if (!money_parse(number, &hundredths) || (percent && hundredths > PERCENT_HUNDREDTHS_MAX) ||
        (!percent && hundredths % 100 != 0))
        return not_a_limit(text, err);
    *limit = percent ? (struct round_limit){.kind = ROUND_LIMIT_PERCENT, .value = hundredths}
                     : (struct round_limit){.kind = ROUND_LIMIT_COUNT, .value = hundredths / 100};
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
