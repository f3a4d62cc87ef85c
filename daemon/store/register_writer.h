/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the two halves of an import share: register_write.c compares a snapshot with what the register holds, row by row;
 * register_apply.c carries out, table by table, what changes and what ends.
 */
#ifndef SHOUWANG_STORE_REGISTER_WRITER_H
#define SHOUWANG_STORE_REGISTER_WRITER_H

#include "base/text.h"
#include "io/pg.h"
#include "store/identity_map.h"
#include "store/number_map.h"
#include "store/register.h"
#include "store/sender.h"

/* By household_id. */
struct known_household {
    uint64_t print; /* of all that may change */
    bool on_register, given, has_members;
    bool spared; /* its row is damaged */
};

/* By person_id. */
struct known_person {
    uint64_t name_print;
    uint32_t household; /* of the open membership; 0 = none */
    uint32_t line;      /* in the snapshot; 0 = not there (yet) */
    day_t birth;
    int16_t kinship; /* REGISTER_KINSHIP_NONE = not given */
    uint8_t labour;  /* index of labours */
    bool moved;      /* the open membership ends */
    uint32_t spared; /* the line of a damaged row of this person; 0 = none */
};

/* A person without a usable number, known or given, is found by its household, its number as written and its name. */
struct nameless {
    uint64_t key[2];
    int64_t household_id;
    int64_t order;  /* person_id of a known one; line of a given one */
    size_t text_at; /* of a given one: raw_id and name */
    uint32_t raw_length, name_length;
    int16_t kinship;
    uint8_t labour;
    /* Of a given one, who is not known: members of its household with that name who are missing in the snapshot, and one of
     * them; more than one, also where another row could be theirs. */
    uint64_t name_print;
    int64_t missing;
    uint8_t missing_count;
};

struct nameless_list {
    size_t count, capacity;
    struct nameless *items;
};

/* The tables that rows are copied to: the register's own for what is new, temporary ones for what changes. */
enum target {
    TO_HOUSEHOLD_NUMBER,
    TO_HOUSEHOLD,
    TO_PERSON,
    TO_IDENTITY,
    TO_MEMBERSHIP,
    TO_CHANGED_HOUSEHOLD,
    TO_RENAMED,
    TO_CHANGED_MEMBERSHIP,
    TO_MOVED,
    TO_TAKEN_UP,
    TARGETS
};

struct register_writer {
    struct pg *pg;
    struct sender *sender;
    bool owns_sender;
    day_t today;
    uint64_t seed[2];
    struct number_map households;
    struct identity_map persons;
    struct identity_map strangers; /* of whom feeds spoke: packed ID → 1 */
    struct known_household *household;
    struct known_person *person;
    size_t household_capacity, person_capacity;
    int64_t household_last, person_last; /* the greatest ids */
    int64_t household_old, person_old;   /* the same, before this snapshot */
    struct nameless_list known, given;
    struct text given_texts;
    struct pg_rows rows[TARGETS];
    int64_t sent[TARGETS];
    int64_t repeated_households, repeated_persons, homeless;
    struct register_counts counts;
};

/* The temporary tables, empty; they go with the transaction, or with register_apply. */
enum status register_stage(struct pg *pg, struct error *err) WARN_UNUSED;

/* Ends what the snapshot no longer holds, changes what the temporary tables hold, keeps what was in the history, and takes
 * up the facts about persons whom only feeds knew. Everything has been sent; the snapshot is whole. */
enum status register_apply(struct register_writer *writer, struct error *err) WARN_UNUSED;

#endif
