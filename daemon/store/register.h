/* SPDX-License-Identifier: PostgreSQL */
/*
 * The register: loading its keys, and applying a new snapshot of it.
 *
 * An import hands over the whole snapshot by natural keys (household_no, identity number); the store reads what is there
 * as keys and fingerprints, works out what is new, changed and gone while the rows come, and gives out ids (greatest
 * + 1 …, under the ingest lease). One transaction:
 *     pg_begin; lease_lock(LEASE_INGEST); batch_accept(source 0)
 *     register_writer_new … add_household …, add_person … finish    households, persons, memberships
 *     register_writer_persons, register_writer_household            ids for the facts
 *     fact_writer_new(source 0, BATCH_FULL) … finish; batch_count; pg_commit
 *
 * Invariants
 * 1. Persons, identities and household numbers are never deleted. What the snapshot no longer holds is ended
 *    (valid_to).
 * 2. At most one membership of a person is open (the database enforces it).
 * 3. The same snapshot again changes no row.
 * 4. A person who was known as a stranger takes the facts of that identity number along.
 * 5. A person without a usable number is the same person as long as household, name and number as registered stay
 *    the same; identity is never guessed. But where exactly one member of that household with a number and that very name is
 *    missing in the snapshot, it is taken for the damaged row of that member, who stays as registered: a number that cannot be read
 *    any more ends nothing.
 *
 * Memory of a snapshot being applied: 48 to 72 bytes a household and its number, 56 to 112 a person, another 56 and its
 * texts for each without a usable number, and about 50 MB of rows on their way.
 */
#ifndef SHOUWANG_STORE_REGISTER_H
#define SHOUWANG_STORE_REGISTER_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pg;
struct sender;

/* --- keys ----------------------------------------------------------------------------------------------- */

/* A file or batch about at most a twentieth of the register's persons is small: its persons are looked up one by one. From what
 * 20,000 rows and a million persons cost (bench/README.md), both ways would cost the same at about a fifth; a twentieth leaves
 * room for indexes that are not in memory. */
enum { REGISTER_SMALL_SHARE = 20 };
/* The greatest person_id, 0 when there is nobody: they are given out one after the other, so it says how large the
 * register is, without counting. */
enum status register_size(struct pg *pg, int64_t *persons, struct error *err) WARN_UNUSED;

/* Parallel arrays in no order, owned; made for filling a hash table. */
struct register_identities {
    size_t count, capacity;
    int64_t *id_packed;
    int64_t *person_id;
};
/* Appends every identity number ever registered, members or not. */
enum status register_load_identities(struct pg *pg, struct register_identities *identities,
                                     struct error *err) WARN_UNUSED;
/* Of these only: for a few of them it costs no more than they do. */
enum status register_find_identities(struct pg *pg, const int64_t *ids_packed, size_t count,
                                     struct register_identities *identities, struct error *err) WARN_UNUSED;
void register_identities_free(struct register_identities *identities); /* frees the arrays, leaves it empty */

struct register_households {
    size_t count, capacity;
    int64_t *household_id;
    uint32_t *number_begin; /* offset of its household_no in `numbers`; count + 1 entries */
    struct text numbers;
};
/* Appends every household number ever registered. */
enum status register_load_households(struct pg *pg, struct register_households *households,
                                     struct error *err) WARN_UNUSED;
void register_households_free(struct register_households *households);

/* Of a few of them, with the township (9 digits) where they live now, 0 = nowhere on the register. Texts are the callback's. */
typedef bool register_take_person(void *context, int64_t person_id, struct slice name, int64_t township);
typedef bool register_take_household(void *context, int64_t household_id, struct slice household_no,
                                     int64_t township);
/* The ids best in order; without names they come empty. A callback that says false has no memory: STATUS_FATAL. */
enum status register_find_persons(struct pg *pg, const int64_t *person_ids, size_t count, bool names,
                                  register_take_person *take, void *context, struct error *err) WARN_UNUSED;
enum status register_find_households(struct pg *pg, const struct slice *numbers, size_t count,
                                     register_take_household *take, void *context,
                                     struct error *err) WARN_UNUSED;

/* --- a snapshot ----------------------------------------------------------------------------------------- */

struct register_household {
    struct slice household_no;
    int64_t township, village; /* 9 and 12 digits */
    bool urban;
    struct slice address;
};

enum { REGISTER_KINSHIP_NONE = -1 };
struct register_person {
    struct slice household_no; /* of a household that the snapshot holds */
    uint64_t id_packed;        /* 0 = no usable number; each number at most once in a snapshot */
    struct slice raw_id;       /* as registered; stored only without a usable number */
    struct slice name;
    int kinship;         /* GB/T 4761, or REGISTER_KINSHIP_NONE */
    struct slice labour; /* "full", "weak", "none" or empty */
    int32_t line;        /* in person.csv */
};

struct register_counts {
    int64_t households, households_new, households_changed, households_ended, households_returned;
    int64_t households_empty; /* of those that the snapshot holds */
    int64_t persons, persons_new, persons_renamed;
    int64_t memberships_new, memberships_changed, memberships_ended;
    int64_t members_before,
        members_gone; /* persons who had a household, and of these those who have none any more */
    int64_t strangers_taken_up, facts_taken_up; /* persons of whom feeds had spoken before, and their facts */
};

struct register_writer;
/* today: the day from which new rows are valid and to which ended ones were. sender: borrowed, NULL = one of its own; the
 * connection is the caller's again after register_writer_finish. */
enum status register_writer_new(struct pg *pg, day_t today, struct sender *sender,
                                struct register_writer **writer, struct error *err) WARN_UNUSED;
/* Households first; each household and person once. */
enum status register_writer_add_household(struct register_writer *writer,
                                          const struct register_household *household,
                                          struct error *err) WARN_UNUSED;
enum status register_writer_add_person(struct register_writer *writer, const struct register_person *person,
                                       struct error *err) WARN_UNUSED;
/* The row of a household or person that the register holds is damaged: unless a sound one stands in the snapshot as well,
 * what the register says stays as it is. False: the register does not hold it (a person: in no household). */
bool register_writer_spare_household(struct register_writer *writer, struct slice household_no);
bool register_writer_spare_person(struct register_writer *writer, uint64_t id_packed, int32_t line);
/* Applies what differs. STATUS_REJECT, and the caller rolls back, when a person's
 * household is not in the snapshot or a key was given twice. */
enum status register_writer_finish(struct register_writer *writer, struct register_counts *counts,
                                   struct error *err) WARN_UNUSED;
void register_writer_free(struct register_writer *writer); /* NULL is allowed */

/* What the snapshot holds so far. The household's id, be it spared, 0 = it does not hold it; whether a sound row of it
 * was given; the line of the person's sound row, 0 = there is none. */
int64_t register_writer_household(const struct register_writer *writer, struct slice household_no);
bool register_writer_is_given(const struct register_writer *writer, struct slice household_no);
int64_t register_writer_line(const struct register_writer *writer, uint64_t id_packed);
/* At most IDENTITY_GROUP packed numbers (0 = none) become ids of persons, 0 where the snapshot does not hold them. */
void register_writer_persons(const struct register_writer *writer, const uint64_t *ids, size_t count,
                             int64_t *person_ids);

#endif
