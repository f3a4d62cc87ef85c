/* SPDX-License-Identifier: PostgreSQL */
/*
 * Two halves of one piece of work at the same time: one on a thread of its own, one here. The county's server has few
 * cores, and PostgreSQL needs some of them: two is where the measured gain ends.
 */
#ifndef SHOUWANG_ROUND_TWIN_H
#define SHOUWANG_ROUND_TWIN_H

#include "base/status.h"

typedef enum status twin_fn(void *context, struct error *err);

/* Runs fn(first) and fn(second) and waits for both. Fails as the first that failed. Where no thread can be started the
 * halves run one after the other. */
enum status twin_run(twin_fn *fn, void *first, void *second, struct error *err) WARN_UNUSED;

#endif
