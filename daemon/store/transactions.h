/* SPDX-License-Identifier: PostgreSQL */
/*
 * Who keeps rows from being cleaned: transactions of anybody's that hold a snapshot, or have written, and do not end (a psql that was
 * left with `begin`, a dump that hangs). What has died since they began stays where it is, and everything that finds its rows
 * by an index, such as a claim or a look at the lease, walks past it.
 *
 * PostgreSQL tells the age of a transaction only to who may read all statistics or is of its role, and the daemon's account
 * is neither: it is told the session, its account and what it holds back. So an age that is not told is taken as the time for which
 * the same has been seen, which is too low by what passed before. Never asked for: what the session does, which may name a person.
 *
 * Threading: one thread at a time.
 */
#ifndef SHOUWANG_STORE_TRANSACTIONS_H
#define SHOUWANG_STORE_TRANSACTIONS_H

#include "base/arena.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;

enum { TRANSACTIONS_MAX = 64 }; /* those that hold back most */
/* A round or a dump takes minutes. */
#define TRANSACTION_OLD_MS INT64_C(3600000)

struct transaction {
    int64_t pid;
    int64_t xid;         /* what it holds back: tells it from the session's next one */
    int64_t age_ms;      /* from transactions_read: -1 = not told */
    const char *account; /* the role that the session belongs to */
    bool news;           /* from transactions_watch: it became old since the look before */
};

/* Of this database, our own apart from this session included. The list lies in `arena`. */
enum status transactions_read(struct pg *pg, struct arena *arena, struct transaction **list, size_t *count,
                              struct error *err) WARN_UNUSED;

/* What was seen before; zero-initialise. */
struct transactions_watch {
    size_t count;
    struct transaction_seen {
        int64_t pid, xid, since_ms;
        bool told;
    } seen[TRANSACTIONS_MAX];
};
/* Fills in what ages and news are known of by looking again and again; now_ms is monotonic. Returns the oldest, NULL = none. */
const struct transaction *transactions_watch(struct transactions_watch *watch, struct transaction *list,
                                             size_t count, int64_t now_ms);

#endif
