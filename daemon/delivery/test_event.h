/* SPDX-License-Identifier: PostgreSQL */
/* The event that `shouwangctl endpoint test` sends: a CloudEvent like every other, about no household. */
#ifndef SHOUWANG_DELIVERY_TEST_EVENT_H
#define SHOUWANG_DELIVERY_TEST_EVENT_H

#include "base/text.h"

#include <stdint.h>

/* Adds the event (all but its sequence) to out; out->failed tells whether memory ran out. */
void test_event_compose(struct text *out, int64_t county_code, int64_t township_code, const char *event_id,
                        int64_t unix_ms);

#endif
