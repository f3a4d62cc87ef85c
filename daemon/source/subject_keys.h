/* SPDX-License-Identifier: PostgreSQL */
/*
 * Whom a small file speaks of: the numbers of its persons and households, read ahead of its rows, so that the database is
 * asked about these only. A file that is large beside the register is cheaper to take in with all keys at hand. And of which days
 * any file speaks, code by code, so that a delta batch is not compared with all that its source has said in years.
 *
 * Ownership: owns its memory. Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_SUBJECT_KEYS_H
#define SHOUWANG_SOURCE_SUBJECT_KEYS_H

#include "base/status.h"
#include "domain/fact.h"
#include "source/feed_rows.h"
#include "source/table.h"
#include "store/fact_store.h"
#include "store/number_map.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct subjects;

/* Somebody (a packed identity number, or the place of a household's number in `numbers`), and a code that is stated of him. */
struct subject_key {
    int64_t id;
    int code; /* < 0: a row about him was refused */
};
struct subject_key_list {
    size_t count, capacity;
    struct subject_key *keys;
};

struct subject_keys {
    int64_t *ids; /* packed identity numbers; after subject_keys_read each once, in order */
    size_t id_count;
    struct number_map numbers; /* household numbers; the values are their places */
    struct fact_days *days;    /* as a batch's facts have them */
    size_t day_count;
    /* private */
    size_t day_capacity, day_last;
    struct subject_key_list persons, households;
    struct {
        int64_t *ids;
        struct fact_span *spans;
    } found[3]; /* what a scope points to */
};

void subject_keys_init(struct subject_keys *keys);
void subject_keys_fini(struct subject_keys *keys);

/*
 * Reads from behind the header to the end and goes back there. *whole is false when the file has more than rows_max rows:
 * then the keys are not all, and memory stays bounded by what the manifest said. `row` is used meanwhile. Errors as of
 * table_next.
 */
enum status subject_keys_read(struct subject_keys *keys, struct table *table, struct feed_rows *rows,
                              struct feed_row *row, int64_t rows_max, bool *whole,
                              struct error *err) WARN_UNUSED;

/* The same for the days alone, of a file of any size. */
enum status subject_keys_read_days(struct subject_keys *keys, struct table *table, struct feed_rows *rows,
                                   struct feed_row *row, struct error *err) WARN_UNUSED;

/* Puts ids in order, each once; returns how many are left. */
size_t subject_keys_settle(int64_t *ids, size_t count);

/* The same as our own keys, after subjects_load of them. *scope borrows from keys. */
enum status subject_keys_scope(struct subject_keys *keys, const struct subjects *subjects,
                               struct fact_scope *scope, struct error *err) WARN_UNUSED;

#endif
