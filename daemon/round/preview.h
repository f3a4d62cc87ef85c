/* SPDX-License-Identifier: PostgreSQL */
/*
 * Preview: what a dry run would change, household by household, for the report.
 */
#ifndef SHOUWANG_ROUND_PREVIEW_H
#define SHOUWANG_ROUND_PREVIEW_H

#include "base/status.h"
#include "round/judge.h"
#include "round/load.h"
#include "round/round.h"
#include "round/standing.h"

enum status preview_changes(const struct load *load, const struct standing *standing,
                            const struct judge *judge, struct round_report *report,
                            struct error *err) WARN_UNUSED;

#endif
