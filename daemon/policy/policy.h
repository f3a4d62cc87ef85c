/* SPDX-License-Identifier: PostgreSQL */
/*
 * The policy: a text that officials can read, checked like a program, run over columns.
 *
 * From text to result:
 *   policy_compile        text → lexer → parser → names, units, ranges → flat steps; every mistake becomes a diagnostic
 *   policy_run_new        binds a policy to an evaluation date (standards in force, window limits)
 *   policy_run_evaluate   runs the steps over a block of households; one outcome of every clause per household
 *   policy_explain        the same steps over one household, with every value and conjunct kept
 *
 * A policy is immutable once compiled and may be shared by threads. A run belongs to one thread at a time.
 *
 * Values are three-valued throughout: an amount is an interval [low, high] in fen, a condition is true, false
 * or undecided (Kleene). Whatever is decided is therefore certain. Ranges declared in the policy prove at
 * compile time that no step overflows int64.
 *
 * The language is described in docs/policy-language.md.
 */
#ifndef SHOUWANG_POLICY_POLICY_H
#define SHOUWANG_POLICY_POLICY_H

#include "base/arena.h"
#include "base/civil.h"
#include "base/status.h"
#include "base/text.h"
#include "domain/fact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;
struct policy_run;

/* A clause is one bit of a 64-bit mask; the largest scheme known has fewer than 30. */
enum { POLICY_CLAUSES_MAX = 64 };
/*
 * More facts about one household and its persons, and more persons, than any real one has: the overflow proof reckons with
 * them. A household with more of either is large. It is judged as well, more slowly:
 *   - every sum is exact as long as it is one that so many facts could have come to (their number times the greatest amount
 *     that is declared); a greater one is known to be that great at least and to have no upper end
 *   - of a household of more than POLICY_PERSONS_READ_MAX persons no person is read: what depends on persons is undecided,
 *     nothing fires, and the clauses that it may meet are undecided with evidence, so that somebody looks at it
 * So what is decided of it is as certain as of any other. An explanation shows at most as many facts and, of a clause, members.
 */
enum {
    POLICY_FACTS_PER_HOUSEHOLD_MAX = 4096,
    POLICY_PERSONS_PER_HOUSEHOLD_MAX = 1000,
    POLICY_PERSONS_READ_MAX = 10000,
};

enum policy_level { LEVEL_NONE, LEVEL_VERIFY, LEVEL_YELLOW, LEVEL_ORANGE, LEVEL_RED };
const char *policy_level_name(enum policy_level level);    /* "red" … "none" */
const char *policy_level_chinese(enum policy_level level); /* 红色预警 … */
bool policy_level_parse(struct slice text, enum policy_level *level);

/* A check and a tag never change the level: a check asks whether an entitlement is delivered, a tag marks what kind of family
 * this is. */
enum policy_clause_kind { CLAUSE_COLOUR, CLAUSE_VERIFY, CLAUSE_CHECK, CLAUSE_SUGGESTION, CLAUSE_TAG };
enum { POLICY_CLAUSE_KINDS = 5 };
const char *policy_clause_kind_name(enum policy_clause_kind kind); /* "colour" … "tag" */

struct policy_clause {
    const char *name;  /* "red.rigid" */
    const char *title; /* 刚性支出骤增 */
    enum policy_clause_kind kind;
    enum policy_level level; /* of colours and verify; LEVEL_NONE for the others */
    const char *citation;    /* "004 篇五 (一)分类预警" */
    int due_days;            /* 0 when the policy says none */
    size_t referral_count;
    const char *const *referrals; /* 医保局 … */
    /* Codes the clause reads, directly or through definitions, guards included: what must be fresh to end it.
     */
    size_t code_count;
    const int16_t *codes; /* dictionary numbers */
    /* What must come, over and above a fresh denial, before a finding of it ends; 0 when it asks for none. */
    int clear_rounds;  /* committed rounds that deny it */
    int clear_batches; /* accepted batches of clear_source */
    int clear_source;  /* domain/fact.h; -1 without clear_batches */
    const char *clear_source_title;
    int valid_months; /* how long a recognition by it is valid; 0 when the policy says nothing */
};

struct policy_source {
    int number; /* domain/fact.h */
    const char *title;
    int freshness_days; /* default 35 */
    /* 波动: a batch whose rows of a township lie further than so many median absolute deviations from what its predecessors
     * had may end nothing there; 1 to 100, 0 when the policy says nothing. */
    int swing;
    bool may_raise, may_clear;
};

/* --- compiling --------------------------------------------------------------------------------------------------- */

struct policy_diagnostic {
    int line, column; /* from 1; column counts characters, not bytes */
    const char *text; /* in the file's language: what was found, what was expected, how to mend it */
};

struct policy_diagnostics {
    size_t count; /* at most POLICY_DIAGNOSTICS_MAX; the last one says if there were more */
    struct policy_diagnostic *items;
};
enum { POLICY_DIAGNOSTICS_MAX = 50, POLICY_TEXT_MAX_BYTES = 1 << 20 };

/*
 * Compiles. On STATUS_CONFIG the diagnostics (allocated from `arena`) say why; err holds the first, as
 * "file:line:column: text". The dictionary must outlive the policy.
 */
enum status policy_compile(const char *file_name, const char *text, size_t length,
                           const struct dictionary *dictionary, struct arena *arena,
                           struct policy_diagnostics *diagnostics, struct policy **policy,
                           struct error *err) WARN_UNUSED;
/*
 * The same with an overlay of the text (试算): standards and settings changed, clauses left out, no examples. STATUS_CONFIG also
 * when the text has no trial of that name. NULL or "" is policy_compile. Every trial of a policy that policy_compile accepts
 * compiles.
 */
enum status policy_compile_trial(const char *file_name, const char *text, size_t length,
                                 const struct dictionary *dictionary, const char *trial, struct arena *arena,
                                 struct policy_diagnostics *diagnostics, struct policy **policy,
                                 struct error *err) WARN_UNUSED;
/* What the checker found that is no mistake but hardly meant: both sides and the mend. Borrowed; none of a trial. */
const struct policy_diagnostics *policy_warnings(const struct policy *policy);
/* The trials that the text offers, and the one that this policy was compiled with (NULL: none). */
size_t policy_trial_count(const struct policy *policy);
const char *policy_trial_name(const struct policy *policy, size_t index);
const char *policy_trial(const struct policy *policy);
void policy_free(struct policy *policy);

const char *policy_name(const struct policy *policy);
const char *policy_version(const struct policy *policy);
const char *policy_text(const struct policy *policy, size_t *length);

size_t policy_clause_count(const struct policy *policy);
const struct policy_clause *policy_clause_at(const struct policy *policy, size_t index);
/* Of a name that several clauses have (versions, each in force in its own time) the one that speaks on that day: the one in force,
 * else the one that was in force last, else the first to come. -1 when there is none of that name. */
int policy_clause_on(const struct policy *policy, const char *name, day_t day);
/* How many amounts (金额) the clause names when it has fired; only suggestions name any. */
size_t policy_clause_amount_count(const struct policy *policy, size_t index);

size_t policy_source_count(const struct policy *policy);
const struct policy_source *policy_source_at(const struct policy *policy, size_t index);

/* The dictionary numbers that must be pulled, ascending; facts are given to the machine by their position in
 * this list. */
const int16_t *policy_codes(const struct policy *policy, size_t *count);

/* Whether the policy names the source for facts of this code (先 … or 由 …): then it is expected to provide them. */
bool policy_names_source(const struct policy *policy, int code, int source);

/* Named counts of households for the data-quality figures (统计), such as income_unknown. */
size_t policy_statistic_count(const struct policy *policy);
const char *policy_statistic_name(const struct policy *policy, size_t index);

/* What one household costs at the most, for `policy check`, in steps: an operation on one row of one column. A fact costs one for
 * each leaf that looks at its code; a step that gathers persons costs one for each of them; so does joining a line to its clause. */
struct policy_cost {
    size_t household_steps, person_steps, fact_steps, columns;
    size_t
        worst_household; /* steps of the largest household that is proven for: all its persons, all its facts */
};
struct policy_cost policy_cost(const struct policy *policy);

/* --- running ----------------------------------------------------------------------------------------------------- */

/* A fact as the machine reads it; within a subject ordered by code. */
struct policy_fact {
    int64_t
        value; /* domain/fact.h; FACT_UNKNOWN for an amount that is not known or beyond the declared range */
    day_t from, to; /* DAY_NONE when not given */
    uint32_t batch; /* greater = newer */
    uint32_t row;   /* greater = later in the batch */
    uint16_t code;  /* position in policy_codes() */
    uint8_t source; /* domain/fact.h */
    uint8_t spare[5];
};

/*
 * What the register says of a person beside the birth date, in one byte: how they are related to the head of the household, and
 * whether they can work. Kinship is GB/T 4761 by its first digit: 0 the head, 1 spouse, 2 son, 3 daughter, 4 grandchild, 5
 * parent, 6 grandparent, 7 sibling, 8 and 9 others.
 */
enum policy_labour { LABOUR_NOT_GIVEN, LABOUR_FULL, LABOUR_PART, LABOUR_NONE };
enum { POLICY_TRAITS_UNKNOWN = 15, POLICY_KINSHIP_OTHER = 8, POLICY_LABOUR_SHIFT = 4 };
/* kinship: the code of two digits; what is none, −1 among them, is not given. */
static inline uint8_t policy_traits(int kinship, enum policy_labour labour)
{
    int digit = kinship < 0 || kinship > 99 ? POLICY_TRAITS_UNKNOWN : kinship / 10;
    if (digit == 9)
        digit = POLICY_KINSHIP_OTHER;
    return (uint8_t)(digit | (int)labour << POLICY_LABOUR_SHIFT);
}
/* "full", "weak", "none" of the register; all else is not given. */
enum policy_labour policy_labour_of(const char *text);
/* Whether the policy reads any of it; else no block needs it. */
bool policy_reads_traits(const struct policy *policy);

/* Households [0, household_count), their persons and facts, all borrowed. `*_begin` have one entry more than
 * their subjects: subject i owns [begin[i], begin[i + 1]). */
struct policy_block {
    size_t household_count;
    const uint8_t *urban;                 /* 1 urban, 0 rural */
    const uint32_t *person_begin;         /* household_count + 1 */
    const day_t *birth;                   /* per person; DAY_NONE without a usable ID */
    const uint8_t *traits;                /* per person, policy_traits(); NULL: nothing is known of anybody */
    const uint32_t *household_fact_begin; /* household_count + 1 */
    const struct policy_fact *household_facts;
    const uint32_t *person_fact_begin; /* persons + 1 */
    const struct policy_fact *person_facts;
};

/* One household's outcome. Bit i stands for clause i. A clause in none of the masks is undecided without
 * evidence. */
struct policy_outcome {
    uint64_t fired;      /* decided true */
    uint64_t undecided;  /* undecided with evidence of hardship (凭) */
    uint64_t denied;     /* decided false, or its guard says that it does not exist here */
    uint32_t statistics; /* bit i: statistic i holds */
    uint8_t level;       /* enum policy_level */
    uint8_t spare[3];
};

/* STATUS_CONFIG when the policy says nothing about that date: it is not yet effective, or a clause in force on it, or a statistic,
 * reads a standard that has no value; err names them. */
enum status policy_run_new(const struct policy *policy, day_t as_of, struct policy_run **run,
                           struct error *err) WARN_UNUSED;
void policy_run_free(struct policy_run *run);

/* What of the facts of one code, about persons or about households, the outcomes of a run depend on. Over facts that lack the
 * rest policy_run_evaluate gives the same outcomes; policy_explain wants all of them. */
struct policy_need {
    bool read;    /* false: no fact is needed at all */
    bool periods; /* from and to; false: one day, given as `to`, is enough: `to`, or else `from` */
    bool order;   /* batch and row: where several facts hold, the latest counts */
    day_t after; /* without periods: facts of this day and before lie in no window; DAY_NONE = all are read */
};
/* code: position in policy_codes(). */
struct policy_need policy_run_need(const struct policy_run *run, size_t code, bool of_persons);

/* STATUS_FATAL without memory for a large household; nothing else is refused. */
enum status policy_run_evaluate(struct policy_run *run, const struct policy_block *block,
                                struct policy_outcome *outcomes, struct error *err) WARN_UNUSED;

/* Large households among those that a run has evaluated. */
struct policy_large {
    size_t households;
    size_t bounded; /* of them: with a sum that has no upper end, or with persons that are not read */
};
struct policy_large policy_run_large(const struct policy_run *run);

/* --- explaining -------------------------------------------------------------------------------------------------- */

enum tri { TRI_FALSE, TRI_TRUE, TRI_UNDECIDED };

/* A value as shown: amounts in fen (per person where the definition divides, rounded toward zero for display
 * alone). */
struct policy_value {
    bool is_condition;
    enum tri truth;    /* conditions */
    int64_t low, high; /* amounts and counts; equal when known */
    const char *unit;  /* "元/年/户", "人" … */
};

struct policy_shown_definition {
    const char *name; /* 年收入 */
    struct policy_value value;
    bool gradual; /* a 渐退 */
    day_t until;  /* of one that holds or may: its last day; else DAY_NONE */
};

struct policy_shown_conjunct {
    const char *text; /* as it stands in the policy */
    bool guard, evidence;
    enum tri truth;
    bool has_distance; /* a comparison of amounts */
    struct policy_value left, right;
    int64_t distance_low, distance_high; /* left − right, fen in the unit of `left` */
};

struct policy_shown_amount { /* what a suggestion names; never below zero */
    const char *title, *citation;
    struct policy_value value; /* fen, rounded down; low < high: not known exactly */
};

struct policy_shown_member { /* of a clause over members (某 …): one person's part */
    size_t person;           /* index in the block */
    enum tri truth;
    size_t conjunct_count;
    struct policy_shown_conjunct *conjuncts;
};

struct policy_shown_clause {
    size_t clause;
    enum tri truth;
    bool exists;     /* false: a scope or an exception keeps the clause from this household */
    bool superseded; /* another clause of its name speaks on that day */
    /* Of a clause that is not in force and reads a standard without a value no lines and no reason are shown. */
    bool undecided_with_evidence;
    const char *cause; /* "illness" … as interfaces list them; "" for checks and suggestions */
    /* The reason with its values filled in; of one that did not fire it begins by saying so ("待核实:", "按现有数据不成立:"). */
    const char *reason;
    size_t conjunct_count;
    struct policy_shown_conjunct *conjuncts;
    size_t member_count;
    struct policy_shown_member *members;
    bool has_distance; /* the clause's line: its last comparison of amounts */
    int64_t distance_fen;
    day_t valid_until;   /* of one that fired: valid_months after the evaluation date; else DAY_NONE */
    size_t amount_count; /* of suggestions that have fired */
    struct policy_shown_amount *amounts;
};

struct policy_shown_fact {
    bool of_household;
    size_t person;    /* index in the block, unless of_household */
    size_t fact;      /* index in household_facts or person_facts */
    uint64_t clauses; /* which clauses read it */
    bool used;        /* false: another source is believed, or it lies outside every window */
};

/* What one source says. */
struct policy_shown_saying {
    int source;                /* domain/fact.h */
    struct policy_value value; /* of amounts and states */
    const char *text;          /* of a code, a type or a grade; else NULL */
};

/* Where a policy asks whether sources disagree (不一致) and two at least speak. */
struct policy_shown_disagreement {
    bool of_household;
    size_t person;           /* index in the block, unless of_household */
    const char *name;        /* of the fact, as the policy calls it */
    const char *window;      /* "" on the evaluation date */
    uint16_t code;           /* position in policy_codes() */
    uint64_t clauses;        /* which clauses ask it */
    struct policy_value gap; /* of amounts: by how much the furthest differ; else whether two differ */
    size_t count;
    struct policy_shown_saying *sayings;
};

struct policy_explanation {
    struct policy_outcome outcome;
    size_t definition_count;
    struct policy_shown_definition
        *definitions; /* household-level ones, in the file's order; but none that has no value that day */
    size_t clause_count;
    struct policy_shown_clause *clauses; /* all, in the file's order */
    size_t fact_count;
    struct policy_shown_fact *facts;
    size_t disagreement_count;
    struct policy_shown_disagreement *disagreements; /* by subject; at most as many as facts are shown */
};

/* Explains household `index` of the block; everything is allocated from `arena`. The outcome is that of
 * policy_run_evaluate. */
enum status policy_explain(struct policy_run *run, const struct policy_block *block, size_t index,
                           struct arena *arena, struct policy_explanation *explanation,
                           struct error *err) WARN_UNUSED;

/* --- examples in the file ---------------------------------------------------------------------------------------- */

struct policy_test_result {
    size_t examples, failed;
    struct policy_diagnostics failures; /* line of the example, what was expected, what came */
    struct policy_diagnostics missing;  /* clauses without a hit, a miss … as the language demands */
};
/* Runs the examples as one block per date. */
enum status policy_test(const struct policy *policy, struct arena *arena, struct policy_test_result *result,
                        struct error *err) WARN_UNUSED;

/* --- mutants of a policy ----------------------------------------------------------------------------------------- */

/* A policy with one small thing changed. Its examples should notice. */
enum policy_mutant_fate {
    MUTANT_SURVIVED,   /* compiles, and no example fails */
    MUTANT_KILLED,     /* an example fails, by a clause or by the level */
    MUTANT_REFUSED,    /* the checker refuses it, as it would refuse the text */
    MUTANT_EQUIVALENT, /* the policy says that it makes no difference (等效) */
    MUTANT_FATE_COUNT
};

struct policy_mutant {
    enum policy_mutant_fate fate;
    int line, column;
    const char *owner;     /* the clause, definition or source that it stands in */
    const char *operation; /* "step" … (mutants.def) */
    const char *title;     /* the same in the file's language */
    const char *before, *after;
    const char
        *note; /* survived: which example would notice; killed: the example; refused: the first diagnostic;
                         equivalent: the reason */
};

struct policy_mutation {
    size_t mutant_count;
    struct policy_mutant *mutants; /* in the file's order */
    size_t counts[MUTANT_FATE_COUNT];
    struct policy_diagnostics mistakes; /* 等效 that names no mutant, or one that is noticed */
    const char *equivalent_word,
        *reason_word; /* 等效 OWNER "before" "after" 理由 "why", in the file's language */
};

struct policy_progress {
    void (*tell)(void *context, size_t done, size_t total);
    void *context;
};

/* Makes every mutant and runs the examples over it; the examples themselves must pass. progress may be NULL. */
enum status policy_mutate(const struct policy *policy, struct arena *arena,
                          const struct policy_progress *progress, struct policy_mutation *mutation,
                          struct error *err) WARN_UNUSED;

/* --- two versions ------------------------------------------------------------------------------------------------ */

enum policy_difference_kind { DIFFERENCE_ADDED, DIFFERENCE_REMOVED, DIFFERENCE_CHANGED };

struct policy_difference {
    enum policy_difference_kind kind;
    const char *statement, *name; /* 标准, 低保 */
    const char *aspect;           /* 自 2027-01-01 起农村; "": the whole statement */
    const char *before, *after;   /* "" where there is none */
    const char *clauses;          /* those that read it, with blanks between */
    const char *text;             /* all that in one Chinese line */
};

struct policy_differences {
    size_t count;
    struct policy_difference *items; /* those of `before` in its order, then what `after` adds */
};

/* What two policies say differently: by statement and clause, whatever their order, spacing and comments. */
enum status policy_diff(const struct policy *before, const struct policy *after, struct arena *arena,
                        struct policy_differences *changes, struct error *err) WARN_UNUSED;

/* Renders the policy as a readable page, each clause beside its citation. */
enum status policy_show(const struct policy *policy, struct text *out, struct error *err) WARN_UNUSED;
/* The policy's text in its canonical spacing: it means the same, and formatted again it stays as it is. */
enum status policy_format(const struct policy *policy, struct text *out, struct error *err) WARN_UNUSED;

/* policy_show as one HTML page that needs nothing else. */
enum status policy_show_html(const struct policy *policy, struct text *out, struct error *err) WARN_UNUSED;

#endif
