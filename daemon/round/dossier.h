/* SPDX-License-Identifier: PostgreSQL */
/*
 * Everything that is known about one household, as one block of the policy machine with the particulars that the
 * machine does not need: who the persons are, where each fact comes from. What events, evidence and explanations are
 * made of, whether it was taken from a round, from the live tables or from stored evidence.
 *
 * Ownership: all of it lies in the arena that it was built from.
 */
#ifndef SHOUWANG_ROUND_DOSSIER_H
#define SHOUWANG_ROUND_DOSSIER_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dossier_person {
    int64_t person_id;
    day_t birth;
    uint64_t id_packed; /* 0 = no usable number, or not known here (evidence) */
    const char *name;   /* NULL = not known here */
    uint8_t traits;     /* policy_traits() */
};

/* Where a fact comes from. */
struct dossier_note {
    const char *source;       /* "medical_insurance" */
    const char *source_title; /* 医保局 */
    const char *batch;        /* the sender's name for it */
    const char *ref;          /* document number, "" = none */
    day_t recorded;           /* as the source says; DAY_NONE = it does not */
    day_t batch_as_of; /* the last day the newest batch that stated it can tell of, else the day it came */
    day_t as_of;       /* recorded, else batch_as_of */
};

struct dossier_fact {
    int64_t person_id; /* of a person's fact */
    bool of_household;
    struct policy_fact fact;
    struct dossier_note note;
};

struct dossier {
    int64_t household_id;
    const char *household_no;
    const char *address; /* "" = not known here */
    int64_t township, village;
    bool urban, on_register;

    size_t person_count;
    struct dossier_person *persons;
    size_t fact_count;
    struct dossier_note *household_notes, *person_notes; /* beside the block's facts */
    struct policy_block block;                           /* one household */
};

/*
 * Lays out the block: persons in their order, facts by subject, code, source, day, batch and row, whatever order they
 * come in (`facts` is reordered). Facts about others than these persons are left out. The caller fills in the rest of
 * *dossier before or after.
 */
enum status dossier_build(struct dossier *dossier, struct dossier_person *persons, size_t person_count,
                          struct dossier_fact *facts, size_t fact_count, struct arena *arena,
                          struct error *err) WARN_UNUSED;

/* The fact and the note behind a line of an explanation. */
const struct policy_fact *dossier_fact(const struct dossier *dossier, const struct policy_shown_fact *shown,
                                       const struct dossier_note **note);

#endif
