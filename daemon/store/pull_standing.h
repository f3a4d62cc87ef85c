/* SPDX-License-Identifier: PostgreSQL */
/*
 * What stands: the findings and open cases that a round compares its outcome with, by binary COPY into columns, from the
 * snapshot of its other pulls (store/pull.h says how columns are owned).
 */
#ifndef SHOUWANG_STORE_PULL_STANDING_H
#define SHOUWANG_STORE_PULL_STANDING_H

#include "base/civil.h"
#include "base/random.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

/* Names of rules, each once; findings refer to them by position. */
struct pull_findings {
    size_t count, capacity;
    int64_t *household_id;
    int64_t *since_round;
    day_t *since_on;
    day_t *stale_since; /* DAY_NONE when the last round confirmed it */
    int64_t *township;  /* that was told of a check; 0 of other kinds */
    uint16_t *rule;
    uint8_t *kind;      /* enum policy_clause_kind */
    uint8_t *undecided; /* 0 fired, 1 undecided with evidence */
    uint8_t *level;     /* enum policy_level */
    size_t rule_count;
    char **rules;
};
enum status pull_findings(struct pg *pg, struct pull_findings *findings, struct error *err) WARN_UNUSED;
void pull_findings_free(struct pull_findings *findings);

enum case_state { CASE_OPEN, CASE_ACCEPTED, CASE_VISITED, CASE_ASSISTING, CASE_WATCHING, CASE_CLOSED };
const char *case_state_name(enum case_state state);
bool case_state_parse(struct slice text, enum case_state *state);

/* Open cases (state <> closed). */
struct pull_warnings {
    size_t count, capacity;
    int64_t *household_id;
    char (*warning_id)[UUID_TEXT_SIZE];
    int64_t *township;
    uint8_t *level; /* enum policy_level */
    uint8_t *state; /* enum case_state */
    day_t *raised_on;
    day_t *due_on;
    int64_t *raised_round;
};
enum status pull_warnings(struct pg *pg, struct pull_warnings *warnings, struct error *err) WARN_UNUSED;
void pull_warnings_free(struct pull_warnings *warnings);

#endif
