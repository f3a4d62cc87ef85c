/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/test_event.h"

#include "base/clock.h"

#include <inttypes.h>

void test_event_compose(struct text *out, int64_t county_code, int64_t township_code, const char *event_id,
                        int64_t unix_ms)
{
    char time[CLOCK_RFC3339_SIZE];
    text_printf(out,
                "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"/counties/%06" PRId64
                "/shouwang\",\"type\":\"cn.shouwang.endpoint.test\",\"subject\":\"townships/%" PRId64
                "\",\"time\":\"%s\",\"datacontenttype\":\"application/json\",\"partitionkey\":\"%" PRId64
                "\",\"data\":{\"township_code\":\"%" PRId64 "\"}}",
                event_id, county_code, township_code, clock_rfc3339(unix_ms, time), township_code,
                township_code);
}
