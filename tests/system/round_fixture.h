/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the tests of rounds share, beside store_fixture.h: the policy of the counties, a small county whose households are
 * made by SQL, and rounds over it.
 */
#ifndef SHOUWANG_TESTS_ROUND_FIXTURE_H
#define SHOUWANG_TESTS_ROUND_FIXTURE_H

#include "policy/policy.h"
#include "round/round.h"
#include "store_fixture.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the running test's county. */
extern char conninfo[512];
extern struct policy *policy;
extern const char policy_hash[]; /* any */

/* Checked fixture: an empty county with the counties' policy; as of July 2021 nothing is late. In SQL it has
 *   t_single(n, wage [, township])                       household n, number Hn, of one person, number n, born 1980-01-01
 *   t_batch(source, name, period_to [, sent_at])         a full batch that was accepted
 *   t_fact(person, code, value, from, to [, source, batch, ref])
 *   t_own(household, code, value, from, to [, source, batch])
 * Wages are in yuan, values as they are stored; the source is the register (batch 1) unless said otherwise. */
void round_fixture_county(void);
void round_fixture_drop(void);

/* conf/policies/shaanxi-county.policy. */
enum { POLICY_TEXT_SIZE = 1 << 18 };
void read_county_policy(char text[POLICY_TEXT_SIZE]);

void sql(const char *format, ...) PRINTF_LIKE(1, 2);
day_t day(const char *text);

struct round_options options_on(const char *as_of);
/* Runs a round that must succeed; only its counts stay. The other two may be NULL. */
struct round_counts run(const struct round_options *options, int64_t *round_id, bool *held);
struct round_counts round_on(const char *as_of);
/* Its JSON says what it must. */
void check_report(const struct round_report *report);

#endif
