/* SPDX-License-Identifier: PostgreSQL */
/*
 * A run: a program bound to an evaluation date, and the frames in which its steps run.
 *
 * A frame gives every register that is needed its columns. In the hot frame registers whose values are no longer wanted lend
 * their columns to later ones, so that a batch stays in the cache; the frame of an explanation keeps them all.
 *
 * Batches hold at most BATCH_HOUSEHOLDS households and BATCH_PERSONS persons; a household is never split.
 *
 * Rows. The households of a batch stand in its columns by the number of their persons, the greatest first. Persons
 * stand by their rank: the first persons of all households, in the order of the households, then all second persons,
 * and so on. So what concerns the persons of one rank lies side by side in the order of their households, and steps
 * between both are loops over columns as well. One household alone has its persons in the block's order.
 *
 * A large household (policy.h) is a batch of its own, in a frame of its own size. Nothing was proven of its sums: they are
 * made in 128 bits and cut to the bounds that were proven, and a register notes which of its bounds hold no more. A comparison
 * that would be decided by such a bound is undecided (machine_large.c).
 *
 * Threading: a run belongs to one thread at a time.
 */
#ifndef SHOUWANG_POLICY_MACHINE_H
#define SHOUWANG_POLICY_MACHINE_H

#include "policy/machine/program.h"

enum { BATCH_HOUSEHOLDS = 1024, BATCH_PERSONS = 4096, AGE_TABLE_YEARS = 150, PARTS_MAX = 16 };

struct bound_window {
    day_t after, until; /* the days in (after, until] */
};

struct standard_value {
    int64_t rural, urban;
};

struct column {
    int64_t *low, *high; /* quantities */
    uint8_t *byte;       /* tri and code */
};

/*
 * Which facts a leaf counts, sources aside: those that begin and end within these days, all included. One that is still open ends on
 * DAY_OPEN. Of amounts `end` bounds the day to which they belong, and `begin` nothing.
 */
struct leaf_days {
    day_t begin_least, begin_most, end_least, end_most;
};
#define DAY_OPEN INT32_MAX

/* One leaf to fill while facts are read; what is asked of every fact stands together. */
struct leaf {
    int16_t step;
    int16_t fact;
    uint8_t op;
    struct leaf_days days; /* of OP_AMOUNT and OP_STATE; set by extract_bind */
    int64_t low, high;     /* the declared range */
    struct column column;
    uint64_t mask;
    const struct program_fact *declared;
};

/* The leaves of one domain, by the facts' position in policy_codes(). */
struct leaf_table {
    size_t count;
    uint32_t *begin;  /* code_count + 1 */
    uint32_t *sorted; /* code_count + 2: scratch */
    struct leaf *leaves;
};

/* Which ends of a register's intervals hold; one that does not may really lie anywhere beyond. */
enum { BOUND_LOW = 1, BOUND_HIGH = 2, BOUND_BOTH = BOUND_LOW | BOUND_HIGH };

struct rows {
    size_t *ranks;                /* how many persons the greatest household has */
    uint32_t *begin;              /* persons of this rank have the rows [begin[rank], begin[rank + 1]) */
    uint16_t *household, *person; /* rows, by place in the block from the batch's first on */
};

/*
 * What a frame is for. Batches of households: columns are lent on, and sums of amounts are filled from the facts directly, without
 * a column for each amount that nobody else reads. One household alone, perhaps a large one: columns are lent on. An explanation:
 * every register has its own.
 */
enum frame_use { FRAME_FOR_BATCHES, FRAME_FOR_ONE, FRAME_FOR_EXPLANATION };

struct frame {
    const struct program *program;
    enum frame_use use;
    enum phase last; /* the last phase that this frame runs */
    uint8_t
        *parts;    /* by register: of how many leaves extract.c makes it; 0: a step computes it, or nothing */
    int16_t *plan; /* the steps that compute something */
    size_t plan_end[PHASE_COUNT];
    size_t households_max, persons_max;
    struct rows rows;       /* of the batch that is in it */
    struct column *columns; /* by register */
    uint8_t *bounds;        /* by register, of a large household; NULL: all of them hold */
    struct leaf_table leaves[DOMAIN_COUNT];
    struct leaf_table rare[DOMAIN_COUNT]; /* those of op_is_rare: a pass of their own, for who has any */
};

struct policy_run {
    const struct policy *policy;
    day_t as_of;
    struct arena *arena;
    struct bound_window *windows;
    struct leaf_days *days;               /* by register of OP_AMOUNT and OP_STATE */
    day_t birthdays[AGE_TABLE_YEARS + 1]; /* [k]: who was born then completes k years on the date */
    struct standard_value *standards;     /* by register of OP_STANDARD and OP_DAYS */
    bool *
        absent; /* by register: it needs a standard that has no value; nothing in force reads it (standard.c) */
    uint64_t in_force; /* clauses that exist on the date */
    struct frame *hot;
    struct policy_large large;
};

/* The households of a block that are evaluated together. */
struct batch {
    const struct policy_run *run;
    const struct policy_block *block;
    const struct frame *frame;
    size_t first, count; /* households */
    size_t first_person, persons;
    uint8_t *levels;         /* by household's row; set before suggestions are run */
    bool large;              /* the only household is a large one */
    bool omits;              /* it has so many persons that none of them is read: persons is 0 */
    uint8_t *all, *evidence; /* of a large one: persons + 1 bytes for outcome.c */
};

/* --- run.c -------------------------------------------------------------------------------------------------------- */

/* As policy_run_new, for blocks of at most so many households and persons (of which none is large): a small run is soon made. */
enum status run_new(const struct policy *policy, day_t as_of, size_t households, size_t persons,
                    struct policy_run **run, struct error *err) WARN_UNUSED;

/* For a run whose windows are bound. All columns from the arena; NULL when memory has run out. */
struct frame *frame_new(struct arena *arena, const struct policy_run *run, enum phase last,
                        enum frame_use use, size_t households, size_t persons);

/* Evaluates one household of the block, large or not, in a frame of its own. Everything is allocated from the arena. */
enum status run_household(const struct policy_run *run, const struct policy_block *block, size_t index,
                          enum phase last, struct arena *arena, struct batch *batch,
                          struct policy_outcome *outcome, struct error *err) WARN_UNUSED;
bool run_is_large(const struct policy_block *block, size_t index);

/* --- standard.c --------------------------------------------------------------------------------------------------- */

struct bound_window standard_window(const struct program_window *window, day_t as_of);
/* Of a step of OP_STANDARD: whether the standard has begun, and whether it has not ended, over all that it asks of a date. */
bool standard_begun(const struct program *program, const struct step *step, day_t as_of);
bool standard_lasts(const struct program *program, const struct step *step, day_t as_of);
/* For a run whose windows and clauses are bound. STATUS_CONFIG when a standard without a value is read by a clause in force. */
enum status standard_bind(struct policy_run *run, struct error *err) WARN_UNUSED;

/* --- rows.c ------------------------------------------------------------------------------------------------------- */

bool rows_new(struct frame *frame, struct arena *arena);
/* Gives the households and persons of a batch their rows, before anything else is done with it. */
void rows_arrange(const struct batch *batch);

/* --- extract.c ---------------------------------------------------------------------------------------------------- */

bool extract_prepare(struct frame *frame, struct arena *arena);
/* A frame's leaves to the run's windows. */
void extract_bind(struct frame *frame, const struct policy_run *run);
/* Fills the leaves of every subject of the batch. */
void extract_batch(const struct batch *batch);
/* For the explanation: sets used[i] where the leaf of this step counts facts[i], all of one subject and code. */
void extract_uses(const struct policy_run *run, const struct step *step, const struct policy_fact *facts,
                  size_t count, uint8_t *used);

/* --- machine.c ---------------------------------------------------------------------------------------------------- */

void machine_run(const struct batch *batch, enum phase phase);

/* --- machine_large.c ---------------------------------------------------------------------------------------------- */

/* Runs a step between persons and their household; false for any other, which runs as always. */
bool large_between(const struct batch *batch, int reg);
/* After a step: which bounds of its register hold, and what a comparison leaves open for that. */
void large_bound(const struct batch *batch, int reg);

/* --- outcome.c ---------------------------------------------------------------------------------------------------- */

/* Leaves, steps, clauses, levels, suggestions. outcomes: one per household of the batch. */
void outcome_batch(struct batch *batch, struct policy_outcome *outcomes);

#endif
