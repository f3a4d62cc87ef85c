/* SPDX-License-Identifier: PostgreSQL */
/*
 * Whom a small file speaks of: the numbers of its persons and households, read ahead of its rows, so that the database is
 * asked about these only. A file that is large beside the register is cheaper to take in with all keys at hand.
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

struct subject_keys {
    int64_t *ids; /* packed identity numbers; after subject_keys_read each once, in order */
    size_t id_count, id_capacity;
    struct number_map numbers;            /* household numbers; the values mean nothing */
    bool codes[FACT_CODE_NUMBER_MAX + 1]; /* of which codes it speaks */
    /* private: what a scope points to */
    int64_t *found[3];
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

/* The same as our own keys, after subjects_load of them. *scope borrows from keys. */
enum status subject_keys_scope(struct subject_keys *keys, const struct subjects *subjects,
                               struct fact_scope *scope, struct error *err) WARN_UNUSED;

#endif
