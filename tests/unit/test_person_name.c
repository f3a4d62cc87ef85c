/* SPDX-License-Identifier: PostgreSQL */
#include "cases.h"

#include "base/random.h"
#include "domain/person_name.h"

#include <string.h>

static const char *name_of(enum name_match match)
{
    return match == NAME_SAME ? "same" : match == NAME_COMPATIBLE ? "compatible" : "different";
}

/* names.tsv: a, b, same|compatible|different, a masked, why. Comparing is symmetric. */
START_TEST(names_confirm_or_differ)
{
    struct cases *cases = cases_open("names.tsv", 5);
    for (const struct case_row *row; (row = cases_next(cases));) {
        const char *there = name_of(person_name_compare(row->cell[0], row->cell[1]));
        const char *back = name_of(person_name_compare(row->cell[1], row->cell[0]));
        ck_assert_msg(case_is(row, 2, there) && case_is(row, 2, back), "%s: got %s and %s",
                      cases_where(cases), there, back);
        struct text masked;
        text_init(&masked);
        person_name_mask(row->cell[0], &masked);
        ck_assert_msg(slice_equal(row->cell[3], (struct slice){masked.bytes, masked.length}), "%s: masked %s",
                      cases_where(cases), masked.bytes ? masked.bytes : "");
        text_fini(&masked);
    }
    cases_close(cases);
}
END_TEST

/* Do two patterns over {a, b, ?} (each ? any characters or none) have a text in common? By search over both. */
static bool meet(const char *a, const char *b)
{
    if (!*a && !*b)
        return true;
    if (*a == '?')
        return meet(a + 1, b) || (*b && meet(a, b + 1));
    if (*b == '?')
        return meet(a, b + 1) || (*a && meet(a + 1, b));
    return *a && *a == *b && meet(a + 1, b + 1);
}

START_TEST(marks_stand_for_any_characters)
{
    struct random random;
    random_seed(&random, 3);
    int found[3] = {0};
    for (int i = 0; i < 50000; i++) {
        char name[2][8];
        for (int n = 0; n < 2; n++) {
            size_t length = 1 + (size_t)random_below(&random, 6);
            for (size_t k = 0; k < length; k++)
                name[n][k] = "AABBA?"[random_below(&random, 6)];
            name[n][length] = '\0';
        }
        enum name_match got = person_name_compare(slice_of(name[0]), slice_of(name[1]));
        bool marked = strchr(name[0], '?') || strchr(name[1], '?');
        enum name_match expected = !meet(name[0], name[1]) ? NAME_DIFFERENT
                                   : marked                ? NAME_COMPATIBLE
                                                           : NAME_SAME;
        if (got != expected)
            ck_abort_msg("seed 3: %s and %s are %s, expected %s", name[0], name[1], name_of(got),
                         name_of(expected));
        found[got]++;
    }
    ck_assert_int_gt(found[NAME_SAME], 100);
    ck_assert_int_gt(found[NAME_COMPATIBLE], 100);
    ck_assert_int_gt(found[NAME_DIFFERENT], 100);
}
END_TEST

START_TEST(long_names_are_compared_as_far_as_they_go)
{
    char a[1000], b[1000];
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    b[PERSON_NAME_MAX_BYTES] = 'b';
    ck_assert_int_eq(person_name_compare((struct slice){a, sizeof a}, (struct slice){b, sizeof b}),
                     NAME_SAME);
    b[PERSON_NAME_MAX_BYTES - 1] = 'b';
    ck_assert_int_eq(person_name_compare((struct slice){a, sizeof a}, (struct slice){b, sizeof b}),
                     NAME_DIFFERENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("person_name");
    TCase *names = tcase_create("names");
    tcase_add_test(names, names_confirm_or_differ);
    tcase_add_test(names, marks_stand_for_any_characters);
    tcase_add_test(names, long_names_are_compared_as_far_as_they_go);
    suite_add_tcase(suite, names);
    return unit_run(&suite, 1);
}
