/* SPDX-License-Identifier: PostgreSQL */
#include "round/compare.h"

#include "cases.h"

#include <string.h>

static const char letters[] = "RSOYVCDGT";

static const struct rules scheme = {
    .colours = 0x0F,
    .verifies = 0x10,
    .checks = 0x60,
    .suggestions = 0x80,
    .tags = 0x100,
    .by_level = {[LEVEL_RED] = 0x03, [LEVEL_ORANGE] = 0x04, [LEVEL_YELLOW] = 0x08, [LEVEL_VERIFY] = 0x10},
};

static uint64_t bit_of(char letter)
{
    const char *at = strchr(letters, letter);
    ck_assert_msg(letter != '\0' && at != NULL, "no rule is called '%c'", letter);
    return UINT64_C(1) << (at - letters);
}

static struct compare_standing read_standing(struct slice cell)
{
    struct compare_standing standing = {0};
    uint64_t last = 0;
    for (size_t i = 0; i < cell.length; i++) {
        char c = cell.bytes[i];
        if (c == 'X') {
            standing.reasons_vanished = true;
        } else if (c == '?') {
            standing.fired &= ~last;
            standing.undecided |= last;
        } else if (c == '*') {
            standing.stale |= last;
        } else if (c != ' ') {
            last = bit_of(c);
            standing.fired |= last;
        }
    }
    standing.level =
        standing.reasons_vanished ? LEVEL_RED : compare_level(&scheme, standing.fired, standing.undecided);
    return standing;
}

static struct policy_outcome read_found(struct slice cell)
{
    struct policy_outcome found = {.denied = UINT64_MAX};
    for (size_t i = 0; i + 1 < cell.length; i++) {
        if (strchr(letters, cell.bytes[i]) == NULL)
            continue;
        uint64_t bit = bit_of(cell.bytes[i]);
        found.denied &= ~bit;
        if (cell.bytes[i + 1] == '+')
            found.fired |= bit;
        else if (cell.bytes[i + 1] == '?')
            found.undecided |= bit;
        else
            ck_assert_int_eq(cell.bytes[i + 1], '.');
    }
    return found;
}

static enum policy_level read_level(struct slice cell)
{
    static const char *const names[] = {"none", "verify", "yellow", "orange", "red"};
    int level = 0;
    while (level < LEVEL_RED && !slice_is(cell, names[level]))
        level++;
    ck_assert(slice_is(cell, names[level]));
    return (enum policy_level)level;
}

static uint64_t read_fresh(struct slice cell)
{
    uint64_t fresh = 0;
    if (slice_is(cell, "all"))
        return UINT64_MAX;
    if (slice_is(cell, "none"))
        return 0;
    for (size_t i = 0; i < cell.length; i++)
        fresh |= bit_of(cell.bytes[i]);
    return fresh;
}

static void add_rules(struct text *out, const char *what, uint64_t mask)
{
    if (mask == 0)
        return;
    text_printf(out, "%s%s:", out->length > 0 ? " " : "", what);
    for (size_t i = 0; letters[i] != '\0'; i++)
        if (mask >> i & 1)
            text_add_char(out, letters[i]);
}

static void check_changes(const struct compare_result *now, struct slice expected, const char *where)
{
    struct text changes;
    text_init(&changes);
    text_add_str(&changes, compare_change_name(now->change));
    add_rules(&changes, "check.cleared", now->checks_cleared);
    add_rules(&changes, "check.raised", now->checks_raised);
    ck_assert_msg(slice_equal((struct slice){changes.bytes, changes.length}, expected),
                  "%s: changes are '%s'", where, changes.bytes == NULL ? "" : changes.bytes);
    ck_assert_msg(changes.length == 0 || now->notable, "%s: an event without history", where);
    text_fini(&changes);
}

static struct compare_result compare_cell(const struct rules *rules, const struct compare_standing *before,
                                          struct slice found)
{
    struct policy_outcome outcome = read_found(found);
    return slice_is(found, "gone") ? compare_gone(rules, before) : compare_household(rules, before, &outcome);
}

/* Every case also shows that a second round over the same input changes nothing. */
START_TEST(compares_as_the_table_says)
{
    struct cases *cases = cases_open("compare.tsv", 7);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct compare_standing before = read_standing(row->cell[0]);
        struct compare_standing expected = read_standing(row->cell[3]);
        struct rules rules = scheme;
        rules.fresh = read_fresh(row->cell[2]);
        enum policy_level level = read_level(row->cell[4]);

        struct compare_result now = compare_cell(&rules, &before, row->cell[1]);
        ck_assert_msg(now.fired == expected.fired, "%s: fired %#lx", cases_where(cases),
                      (unsigned long)now.fired);
        ck_assert_msg(now.undecided == expected.undecided, "%s: undecided %#lx", cases_where(cases),
                      (unsigned long)now.undecided);
        ck_assert_msg(now.stale == expected.stale, "%s: stale %#lx", cases_where(cases),
                      (unsigned long)now.stale);
        ck_assert_msg(now.level == level, "%s: level %d", cases_where(cases), (int)now.level);
        check_changes(&now, row->cell[5], cases_where(cases));
        uint64_t old = before.fired | before.undecided, new = now.fired | now.undecided;
        ck_assert_msg(now.inserted == (new & ~old) && now.deleted == (old & ~new), "%s: rows",
                      cases_where(cases));

        struct compare_standing after = {
            .fired = now.fired, .undecided = now.undecided, .stale = now.stale, .level = now.level};
        struct compare_result again = compare_cell(&rules, &after, row->cell[1]);
        ck_assert_msg(again.change == COMPARE_SAME && !again.notable &&
                          (again.inserted | again.deleted | again.updated) == 0,
                      "%s: a second round changes something", cases_where(cases));
    }
    cases_close(cases);
}
END_TEST

/* The policy says another level of what stands: told, though the household's level is what it was. */
START_TEST(a_reason_of_another_level_is_news)
{
    struct rules rules = scheme;
    struct policy_outcome found = {.fired = 0x09, .denied = ~UINT64_C(0x09)};
    struct compare_standing standing = {.fired = 0x09, .rewritten = 0x08, .level = LEVEL_RED};
    struct compare_result now = compare_household(&rules, &standing, &found);
    ck_assert_int_eq(now.change, COMPARE_CHANGED);
    ck_assert(now.notable);
    ck_assert_uint_eq(now.updated, 0x08);
    struct compare_standing open = {.fired = 0x01, .undecided = 0x08, .rewritten = 0x08, .level = LEVEL_RED};
    struct policy_outcome unsure = {.fired = 0x01, .undecided = 0x08, .denied = ~UINT64_C(0x09)};
    now = compare_household(&rules, &open, &unsure);
    ck_assert_int_eq(now.change, COMPARE_SAME);
    ck_assert_uint_eq(now.updated, 0x08);
    found.denied |= 0x08; /* one that ends is no longer rewritten */
    found.fired &= ~UINT64_C(0x08);
    rules.fresh = UINT64_MAX;
    now = compare_household(&rules, &standing, &found);
    ck_assert_uint_eq(now.updated, 0);
    ck_assert_uint_eq(now.deleted, 0x08);
}
END_TEST

/* Neither a stale feed nor one that swings nor a clause that asks for more keeps anything of a household that is no more. */
START_TEST(nothing_is_kept_of_a_household_that_is_gone)
{
    struct rules rules = scheme;
    struct compare_standing standing = {
        .fired = 0x0B, .undecided = 0x20, .withheld = 0x01, .waits = 0x02, .level = LEVEL_RED};
    struct compare_result now = compare_gone(&rules, &standing);
    ck_assert_uint_eq(now.fired | now.undecided, 0);
    ck_assert_uint_eq(now.deleted, 0x2B);
    ck_assert_uint_eq(now.checks_cleared, 0x20);
    ck_assert_int_eq(now.change, COMPARE_CLEARED);
}
END_TEST

START_TEST(what_waits_stands_unmarked)
{
    struct rules rules = scheme;
    struct policy_outcome denied = {.denied = UINT64_MAX};
    struct compare_standing standing = {.fired = 0x09, .undecided = 0x20, .waits = 0x21, .level = LEVEL_RED};
    rules.fresh = UINT64_MAX;
    struct compare_result now = compare_household(&rules, &standing, &denied);
    ck_assert_uint_eq(now.fired, 0x01);
    ck_assert_uint_eq(now.undecided, 0x20);
    ck_assert_uint_eq(now.stale, 0);
    ck_assert_uint_eq(now.deleted, 0x08);
    ck_assert_int_eq(now.level, LEVEL_RED);
    rules.fresh = 0; /* denied by stale evidence, it is stale as ever */
    now = compare_household(&rules, &standing, &denied);
    ck_assert_uint_eq(now.stale, 0x29);
}
END_TEST

/* As if stale, for this household; what has ended already and what is found are as ever. */
START_TEST(what_is_withheld_stands_marked)
{
    struct rules rules = scheme;
    struct policy_outcome denied = {.denied = UINT64_MAX};
    struct compare_standing standing = {.fired = 0x09, .withheld = 0x03, .waits = 0x01, .level = LEVEL_RED};
    rules.fresh = UINT64_MAX;
    struct compare_result now = compare_household(&rules, &standing, &denied);
    ck_assert_uint_eq(now.fired, 0x01);
    ck_assert_uint_eq(now.stale, 0x01);
    ck_assert_uint_eq(now.deleted, 0x08);
    struct policy_outcome found = {.fired = 0x01, .denied = ~UINT64_C(1), .level = LEVEL_RED};
    now = compare_household(&rules, &standing, &found);
    ck_assert_uint_eq(now.fired, 0x01);
    ck_assert_uint_eq(now.stale, 0);
}
END_TEST

/* Which findings a rule that has become another kind takes over. */
START_TEST(reasons_are_one_family)
{
    for (int one = CLAUSE_COLOUR; one <= CLAUSE_TAG; one++)
        for (int other = CLAUSE_COLOUR; other <= CLAUSE_TAG; other++) {
            bool reasons = (one == CLAUSE_COLOUR && other == CLAUSE_VERIFY) ||
                           (one == CLAUSE_VERIFY && other == CLAUSE_COLOUR);
            ck_assert_int_eq(
                compare_same_family((enum policy_clause_kind)one, (enum policy_clause_kind)other),
                one == other || reasons);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare");
    TCase *tests = tcase_create("compare");
    tcase_add_test(tests, compares_as_the_table_says);
    tcase_add_test(tests, what_waits_stands_unmarked);
    tcase_add_test(tests, a_reason_of_another_level_is_news);
    tcase_add_test(tests, nothing_is_kept_of_a_household_that_is_gone);
    tcase_add_test(tests, what_is_withheld_stands_marked);
    tcase_add_test(tests, reasons_are_one_family);
    suite_add_tcase(suite, tests);
    return unit_run(&suite, 1);
}
