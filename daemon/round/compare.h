/* SPDX-License-Identifier: PostgreSQL */
/*
 * What stands about a household, and what this round found: what stands now, and what has changed. A pure function.
 *
 * Raising is cheap, clearing is dangerous. A finding (a reason, a check, a tag, or a clause undecided with evidence):
 *
 *   this round      stood before: nothing   undecided            fired
 *   fired           fired                   fired (upgraded)     fired
 *   undecided †     undecided               undecided            fired, stale
 *   denied, fresh   nothing                 ends                 ends
 *   denied, stale   nothing                 undecided, stale     fired, stale
 *   anything else   nothing                 undecided, stale     fired, stale
 *
 * A finding that is denied, fresh, but whose clause asks for more before it ends (clearing.h), stands as it stood and
 * is not stale.
 *
 * † with evidence of hardship. "Fresh" is a property of the clause in this round: every feed that provides one of the
 * clause's codes is fresh (freshness.h), and of this household's township none of them swings (swings.h). "Stale" says
 * that a finding stands only because nothing trustworthy denies it; when it is found again, the mark goes.
 *
 * A suggestion stands exactly while the machine shows it. Rules that the policy no longer has end at once: nobody could
 * decide them; so does a finding whose rule has become another kind of clause (compare_same_family), and a new one may
 * begin. Of a household that the register no longer holds everything ends at once, whatever feeds say or do not say
 * (compare_gone).
 *
 * Level: the highest of the standing fired colours, stale ones included; else verify when a verify clause has fired, or
 * a colour or verify clause stands undecided; else none.
 *
 * Invariant: comparing again with the same outcome changes nothing.
 */
#ifndef SHOUWANG_ROUND_COMPARE_H
#define SHOUWANG_ROUND_COMPARE_H

#include "base/civil.h"
#include "policy/policy.h"
#include "round/rules.h"

#include <stdbool.h>
#include <stdint.h>

struct compare_standing {
    uint64_t fired, undecided; /* disjoint */
    uint64_t stale;            /* of those */
    uint64_t withheld; /* clauses that are not ended for this household, fresh or not (rules_withheld) */
    uint64_t
        waits; /* of those that stand: denied on fresh data, but their clauses ask for more (clearing.h) */
    uint64_t rewritten;      /* of those that stand: the policy has changed their level since */
    enum policy_level level; /* of the open case; none without one */
    bool reasons_vanished;   /* a colour or verify clause stands that the policy no longer has */
};

enum compare_change {
    COMPARE_SAME,
    COMPARE_RAISED,      /* none → a level */
    COMPARE_ESCALATED,   /* a higher level */
    COMPARE_DEESCALATED, /* a lower one, not none */
    COMPARE_CHANGED,     /* the same level, other reasons, or reasons of another level */
    COMPARE_CLEARED,     /* → none */
};
/* "raised" …; "" for COMPARE_SAME. */
const char *compare_change_name(enum compare_change change);

struct compare_result {
    uint64_t fired, undecided, stale; /* what stands now */
    uint64_t inserted, deleted;       /* findings that are new, or gone */
    uint64_t updated;                 /* findings whose status or stale mark differs */
    uint64_t checks_raised, checks_cleared;
    enum policy_level level;
    enum compare_change change;
    /* Something that officials see has changed: worth a line in the history, with evidence. A stale mark alone is not. */
    bool notable;
};

/* outcome: of policy_run_evaluate. */
struct compare_result compare_household(const struct rules *rules, const struct compare_standing *standing,
                                        const struct policy_outcome *outcome);

/* The same for a household that is no longer on the register: nothing stands. */
struct compare_result compare_gone(const struct rules *rules, const struct compare_standing *standing);

/* Colours and verify clauses are reasons of warnings, and a finding of one may become one of the other. */
bool compare_same_family(enum policy_clause_kind one, enum policy_clause_kind other);

enum policy_level compare_level(const struct rules *rules, uint64_t fired, uint64_t undecided);

/* By when what stands has to be handled: of a case that is raised `days` after the round's date; of one that escalates
 * not later than it had to be before, unless that day has passed; else unchanged. */
day_t compare_due_on(enum compare_change change, day_t as_of, int days, day_t before);

#endif
