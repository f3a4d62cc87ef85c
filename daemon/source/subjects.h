/* SPDX-License-Identifier: PostgreSQL */
/*
 * Who is meant: the register's identity numbers, household numbers and names, loaded for the length of one batch.
 * Of a small file only those of whom it speaks, and the townships where they live (store/volume.h).
 * Ownership: owns its memory (about 60 bytes a person with its name). Threading: one thread at a time.
 */
#ifndef SHOUWANG_SOURCE_SUBJECTS_H
#define SHOUWANG_SOURCE_SUBJECTS_H

#include "base/status.h"
#include "base/text.h"
#include "store/identity_map.h"
#include "store/number_map.h"
#include "store/volume.h"

#include <stdbool.h>
#include <stdint.h>

struct pg;
struct subject_keys;

struct subjects {
    struct identity_map persons;  /* packed ID → person_id */
    struct number_map households; /* household_no → household_id */
    /* private */
    struct text names;
    uint64_t *name_at; /* by person_id: offset × 256 + length, + 1; 0 = none */
    size_t name_count;
    struct identity_map name_of, townships[VOLUME_SUBJECTS]; /* of a small file: by id, names as in name_at */
    bool failed;
};

void subjects_init(struct subjects *subjects);
void subjects_fini(struct subjects *subjects);
/* Everybody who ever was on the register; of them, with keys, those of whom a file speaks. */
enum status subjects_load(struct subjects *subjects, struct pg *pg, const struct subject_keys *keys,
                          bool with_names, struct error *err) WARN_UNUSED;
/* After a subjects_load of keys; borrows. */
struct volume_places subjects_places(const struct subjects *subjects);
/* Empty when it is not known. */
struct slice subjects_name(const struct subjects *subjects, int64_t person_id);

#endif
