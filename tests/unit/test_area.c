/* SPDX-License-Identifier: PostgreSQL */
#include "cases.h"

#include "domain/area.h"

/* areas.tsv: text, level, code or refused, why */
START_TEST(codes_are_read_by_level)
{
    struct cases *cases = cases_open("areas.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        int64_t code = -77;
        bool ok = case_is(row, 1, "county")     ? area_parse_county(row->cell[0], &code)
                  : case_is(row, 1, "township") ? area_parse_township(row->cell[0], &code)
                                                : area_parse_village(row->cell[0], &code);
        if (case_is(row, 2, "refused"))
            ck_assert_msg(!ok && code == -77, "%s", cases_where(cases));
        else
            ck_assert_msg(ok && code == case_number(row, 2), "%s: got %jd", cases_where(cases),
                          (intmax_t)code);
    }
    cases_close(cases);
}
END_TEST

START_TEST(a_village_lies_in_its_township_and_county)
{
    ck_assert_int_eq(area_township_of_village(INT64_C(610922103201)), 610922103);
    ck_assert_int_eq(area_county_of_township(610922103), 610922);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("area");
    TCase *codes = tcase_create("codes");
    tcase_add_test(codes, codes_are_read_by_level);
    tcase_add_test(codes, a_village_lies_in_its_township_and_county);
    suite_add_tcase(suite, codes);
    return unit_run(&suite, 1);
}
