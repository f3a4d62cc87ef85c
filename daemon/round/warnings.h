/* SPDX-License-Identifier: PostgreSQL */
/*
 * What stands: the document of `shouwangctl warnings`, of the last committed round (docs/json.md).
 */
#ifndef SHOUWANG_ROUND_WARNINGS_H
#define SHOUWANG_ROUND_WARNINGS_H

#include "base/status.h"
#include "base/text.h"
#include "policy/policy.h"

#include <stdint.h>

struct warnings_options {
    const char *conninfo;
    int64_t township_code; /* 0 = all */
    int64_t village_code;  /* 0 = all */
    const char *level;     /* NULL = all */
    const char *state;     /* NULL = all */
};

enum status warnings_json(const struct warnings_options *options, struct text *out,
                          struct error *err) WARN_UNUSED;
/* RFC 4180: household_no, township_code, village_code, level, state, warning_id, raised_on, due_on, reasons, checks,
 * undecided, suggestions, tags; lists of rules are separated by blanks. */
enum status warnings_csv(const struct warnings_options *options, struct text *out,
                         struct error *err) WARN_UNUSED;

#endif
