/* SPDX-License-Identifier: PostgreSQL */
/* Base and domain without memory: every allocation fails once, and each time the caller is told and nothing is half done. */
#include "allocation.h"
#include "cases.h"

#include "base/arena.h"
#include "domain/fact.h"
#include "domain/person_name.h"

#include <stdlib.h>
#include <string.h>

START_TEST(an_arena_tells)
{
    int n = 0, told = 0;
    bool again;
    do {
        allocation_fail_at(++n);
        struct arena *arena = arena_new(0);
        bool all = arena != NULL;
        for (int i = 0; all && i < 50; i++)
            all = arena_alloc(arena, 1000) && arena_printf(arena, "%d", i);
        again = allocation_failed();
        told += !all;
        arena_free(arena);
    } while (again);
    ck_assert_int_eq(told, n - 1);
    ck_assert_int_gt(n, 3);
}
END_TEST

START_TEST(a_text_tells_at_its_end)
{
    int n = 0, told = 0;
    bool again;
    do {
        struct text text;
        text_init(&text);
        allocation_fail_at(++n);
        for (int i = 0; i < 300; i++) {
            text_printf(&text, "%d", i);
            person_name_mask(slice_of("王芳"), &text);
        }
        bool failed = text.failed;
        char *bytes = text_take(&text);
        again = allocation_failed();
        ck_assert((bytes == NULL) == failed);
        told += failed;
        free(bytes);
    } while (again);
    ck_assert_int_eq(told, n - 1);
    ck_assert_int_gt(n, 3);
}
END_TEST

START_TEST(a_dictionary_is_whole_or_unchanged)
{
    static const char county[] =
        "[expense.funeral]\nnumber = 1000\nkind = choice\ntitle = 丧葬\nchoice = a 甲\n";
    int n = 0, told = 0;
    bool again;
    do {
        allocation_fail_at(++n);
        struct error err = {STATUS_OK, ""};
        struct dictionary *dictionary = dictionary_new();
        enum status status = dictionary ? dictionary_add_base(dictionary, &err) : STATUS_FATAL;
        if (status == STATUS_OK)
            status = dictionary_add(dictionary, "county.conf", county, strlen(county), &err);
        again = allocation_failed();
        if (status != STATUS_OK) {
            told++;
            ck_assert_int_eq(status, STATUS_FATAL);
            if (dictionary) {
                ck_assert_msg(strstr(err.text, "memory") != NULL, "%s", err.text);
                ck_assert(dictionary_count(dictionary) == 0 ||
                          dictionary_by_number(dictionary, 1000) == NULL);
            }
        }
        dictionary_free(dictionary);
    } while (again);
    ck_assert_int_eq(told, n - 1);
    ck_assert_int_gt(n, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocation");
    TCase *failures = tcase_create("failures");
    tcase_add_test(failures, an_arena_tells);
    tcase_add_test(failures, a_text_tells_at_its_end);
    tcase_add_test(failures, a_dictionary_is_whole_or_unchanged);
    suite_add_tcase(suite, failures);
    return unit_run(&suite, 1);
}
