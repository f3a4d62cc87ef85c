/* SPDX-License-Identifier: PostgreSQL */
/*
 * The daemon's way to the outbox for the store's tests: each call submits one of store/outbox.h's statements and turns a loop
 * of its own until the answer is there, for PATIENCE_MS at the most. Without a leader's token.
 *
 * Threading: one thread at a time; several threads have several couriers.
 */
#ifndef SHOUWANG_TESTS_COURIER_H
#define SHOUWANG_TESTS_COURIER_H

#include "store/outbox.h"

struct courier;

struct courier *courier_new(const char *user); /* connects as fixture_connect does */
void courier_free(struct courier *courier);

/* claims and their texts from `arena`. */
enum status courier_claim(struct courier *courier, const struct outbox_ask *asks, size_t ask_count,
                          int64_t lease_ms, struct arena *arena, const struct outbox_claim **claims,
                          size_t *count, struct error *failure) WARN_UNUSED;
enum status courier_record(struct courier *courier, const struct outbox_result *results, size_t count,
                           int64_t *affected, struct error *failure) WARN_UNUSED;
enum status courier_put(struct courier *courier, const struct outbox_event *event,
                        struct error *failure) WARN_UNUSED;

#endif
