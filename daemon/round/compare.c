/* SPDX-License-Identifier: PostgreSQL */
#include "round/compare.h"

const char *compare_change_name(enum compare_change change)
{
    static const char *const names[] = {
        [COMPARE_SAME] = "",
        [COMPARE_RAISED] = "raised",
        [COMPARE_ESCALATED] = "escalated",
        [COMPARE_DEESCALATED] = "deescalated",
        [COMPARE_CHANGED] = "changed",
        [COMPARE_CLEARED] = "cleared",
    };
    return names[change];
}

enum policy_level compare_level(const struct rules *rules, uint64_t fired, uint64_t undecided)
{
    for (int level = LEVEL_RED; level > LEVEL_NONE; level--)
        if (fired & rules->by_level[level])
            return (enum policy_level)level;
    return undecided & (rules->colours | rules->verifies) ? LEVEL_VERIFY : LEVEL_NONE;
}

static enum compare_change change_of(enum policy_level before, enum policy_level now, bool reasons_differ)
{
    if (before == now)
        return now != LEVEL_NONE && reasons_differ ? COMPARE_CHANGED : COMPARE_SAME;
    if (before == LEVEL_NONE)
        return COMPARE_RAISED;
    if (now == LEVEL_NONE)
        return COMPARE_CLEARED;
    return now > before ? COMPARE_ESCALATED : COMPARE_DEESCALATED;
}

struct compare_result compare_household(const struct rules *rules, const struct compare_standing *standing,
                                        const struct policy_outcome *outcome)
{
    uint64_t reasons = rules->colours | rules->verifies;
    uint64_t kept = reasons | rules->checks | rules->tags; /* what only fresh evidence may end */
    uint64_t denied = outcome->denied & rules->fresh & ~standing->withheld;
    uint64_t ends = denied & ~standing->waits;
    struct compare_result now = {0};

    now.fired = (outcome->fired & (kept | rules->suggestions)) | (standing->fired & kept & ~ends);
    now.undecided = ((outcome->undecided & kept) | (standing->undecided & kept & ~ends)) & ~now.fired;
    uint64_t found = outcome->fired | (outcome->undecided & now.undecided);
    now.stale = (now.fired | now.undecided) & ~found & ~(denied & standing->waits);

    uint64_t before = standing->fired | standing->undecided;
    uint64_t stands = now.fired | now.undecided;
    uint64_t status_differs = (now.fired ^ standing->fired) | (now.undecided ^ standing->undecided);
    now.inserted = stands & ~before;
    now.deleted = before & ~stands;
    uint64_t rewritten = stands & standing->rewritten;
    now.updated = before & stands & (status_differs | (now.stale ^ standing->stale) | rewritten);
    now.checks_raised = rules->checks & (now.inserted | (now.fired & standing->undecided));
    now.checks_cleared = rules->checks & now.deleted;
    now.level = compare_level(rules, now.fired, now.undecided);
    /* What is undecided is told as to be verified, whatever its clause stands for; a verify clause always, so that of one that
     * stood and stands nothing is told, unless it was a colour that had fired. */
    uint64_t verified = rules->verifies & before & stands;
    uint64_t differs =
        ((status_differs | (rewritten & now.fired)) & ~verified) | (rewritten & standing->fired & verified);
    bool reasons_differ = (differs & reasons) != 0 || standing->reasons_vanished;
    now.change = change_of(standing->level, now.level, reasons_differ);
    now.notable = status_differs != 0 || now.change != COMPARE_SAME;
    return now;
}

struct compare_result compare_gone(const struct rules *rules, const struct compare_standing *standing)
{
    static const struct policy_outcome nothing = {.denied = UINT64_MAX, .level = LEVEL_NONE};
    struct rules all = *rules; /* it is the register that says so, and that is always fresh */
    struct compare_standing before = *standing;
    all.fresh = UINT64_MAX;
    before.withheld = before.waits = 0;
    return compare_household(&all, &before, &nothing);
}

bool compare_same_family(enum policy_clause_kind one, enum policy_clause_kind other)
{
    bool reasons = one == CLAUSE_COLOUR || one == CLAUSE_VERIFY;
    return one == other || (reasons && (other == CLAUSE_COLOUR || other == CLAUSE_VERIFY));
}

day_t compare_due_on(enum compare_change change, day_t as_of, int days, day_t before)
{
    day_t anew = as_of + days;
    if (change == COMPARE_RAISED)
        return anew;
    if (change == COMPARE_ESCALATED)
        return before >= as_of && before < anew ? before : anew;
    return before;
}
