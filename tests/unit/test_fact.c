/* SPDX-License-Identifier: PostgreSQL */
#include "cases.h"

#include "domain/fact.h"
#include "domain/resident_id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct dictionary *base_dictionary(void)
{
    struct error err;
    struct dictionary *dictionary = dictionary_new();
    ck_assert_ptr_nonnull(dictionary);
    ck_assert_msg(dictionary_add_base(dictionary, &err) == STATUS_OK, "%s", err.text);
    return dictionary;
}

static enum status add(struct dictionary *dictionary, const char *text, struct error *err)
{
    return dictionary_add(dictionary, "county.conf", text, strlen(text), err);
}

START_TEST(the_base_dictionary_has_what_the_interface_names)
{
    static const struct {
        enum fact_kind kind;
        const char *names;
    } expected[] = {
        {FACT_AMOUNT,
         "income.wage income.business income.property income.transfer income.basic_pension "
         "income.disability_allowance income.preferential_pension income.award income.relief_project "
         "income.public_job income.purpose_bound expense.medical_self_paid expense.education expense.rent expense.care "
         "expense.rehabilitation expense.employment_cost expense.disaster_loss asset.deposit asset.vehicle "
         "asset.dwelling asset.business asset.housing_fund"},
        {FACT_CERTIFICATE, "disability.certificate"},
        {FACT_TEXT, "illness.serious illness.chronic"},
        {FACT_CHOICE, "employment.status student.stage housing.grade care.incapacity support.status"},
        {FACT_YESNO,
         "housing.sole water.safe residence.moved_away income.declared relief.refused monitor.unstable "
         "monitor.marginal monitor.sudden monitor.eliminated monitor.lifted monitor.unlifted child.hardship "
         "work.away work.unwilling status.preferential housing.relocated housing.vacant living.shortage "
         "insurance.medical residence.away check.authorised check.refused"},
        {FACT_RELIEF,
         "relief.dibao relief.tekun relief.dibao_margin relief.single_dibao relief.temporary relief.medical "
         "relief.education relief.housing relief.employment relief.disaster relief.disability_living "
         "relief.disability_nursing"},
        {FACT_EVENT, "event.death event.disaster event.accident event.epidemic event.job_loss event.dropout "
                     "event.visit event.work_survey event.voluntary_exit event.consultation"},
    };
    struct dictionary *dictionary = base_dictionary();
    size_t count = 0;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        for (const char *at = expected[i].names; *at; count++) {
            size_t length = strcspn(at, " ");
            const struct fact_code *code = dictionary_by_name(dictionary, (struct slice){at, length});
            ck_assert_msg(code && code->kind == expected[i].kind, "%.*s", (int)length, at);
            ck_assert_int_lt(code->number, FACT_CODE_COUNTY_FIRST);
            at += length;
            at += strspn(at, " ");
        }
    }
    ck_assert_uint_eq(dictionary_count(dictionary), count);
    dictionary_free(dictionary);
}
END_TEST

/* Stored rows carry numbers and positions: these may never move. A change of this table is a change of stored data. */
START_TEST(numbers_are_permanent)
{
    static const struct {
        int number;
        const char *name;
    } fixed[] = {{1, "income.wage"},        {30, "expense.medical_self_paid"},
                 {50, "asset.deposit"},     {100, "disability.certificate"},
                 {111, "student.stage"},    {120, "housing.grade"},
                 {200, "relief.dibao"},     {212, "relief.refused"},
                 {230, "monitor.unstable"}, {300, "event.death"},
                 {305, "event.dropout"}};
    struct dictionary *dictionary = base_dictionary();
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        ck_assert_str_eq(dictionary_by_number(dictionary, fixed[i].number)->name, fixed[i].name);
    const struct fact_code *stage = dictionary_by_number(dictionary, 111);
    ck_assert_int_eq(stage->choice_count, 7);
    ck_assert_str_eq(stage->choices[0], "preschool");
    ck_assert_str_eq(stage->choices[6], "postgraduate");
    ck_assert_str_eq(stage->choice_titles[2], "普通高中");
    for (size_t i = 1; i < dictionary_count(dictionary); i++)
        ck_assert_int_lt(dictionary_at(dictionary, i - 1)->number, dictionary_at(dictionary, i)->number);
    for (size_t i = 0; i < dictionary_count(dictionary); i++) {
        const struct fact_code *code = dictionary_at(dictionary, i);
        ck_assert_ptr_eq(dictionary_by_number(dictionary, code->number), code);
        ck_assert_ptr_eq(dictionary_by_name(dictionary, slice_of(code->name)), code);
    }
    ck_assert_ptr_null(dictionary_by_number(dictionary, 0));
    ck_assert_ptr_null(dictionary_by_number(dictionary, -1));
    ck_assert_ptr_null(dictionary_by_number(dictionary, FACT_CODE_NUMBER_MAX + 1));
    ck_assert_ptr_null(dictionary_by_name(dictionary, slice_of("income.wages")));
    ck_assert_ptr_null(dictionary_by_name(dictionary, slice_of("")));
    dictionary_free(dictionary);
}
END_TEST

START_TEST(a_county_adds_codes)
{
    struct error err;
    struct dictionary *dictionary = base_dictionary();
    size_t before = dictionary_count(dictionary);
    ck_assert_msg(
        add(dictionary,
            "; ours\n# and theirs\n[expense.funeral]\nnumber = 1000\nkind = amount\ntitle = 丧葬支出 ; since 2021\n\n"
            "[care.place]\nnumber = 32767\nkind = choice\ntitle = 照料地点\nchoice = home 在家\nchoice = "
            "away\n",
            &err) == STATUS_OK,
        "%s", err.text);
    ck_assert_uint_eq(dictionary_count(dictionary), before + 2);
    const struct fact_code *funeral = dictionary_by_name(dictionary, slice_of("expense.funeral"));
    ck_assert_str_eq(funeral->title, "丧葬支出");
    ck_assert_ptr_eq(dictionary_by_number(dictionary, 1000), funeral);
    const struct fact_code *place = dictionary_by_number(dictionary, 32767);
    ck_assert_str_eq(place->choice_titles[0], "在家");
    ck_assert_str_eq(place->choice_titles[1], "away");
    ck_assert_ptr_eq(dictionary_at(dictionary, before + 1), place);
    /* CR LF and a byte order mark come from Windows. */
    ck_assert_msg(add(dictionary,
                      "\xEF\xBB\xBF[care.kind]\r\nnumber = 1001\r\nkind = text\r\ntitle = 照料\r\n",
                      &err) == STATUS_OK,
                  "%s", err.text);
    ck_assert_str_eq(dictionary_by_number(dictionary, 1001)->title, "照料");
    ck_assert_int_eq(add(dictionary, "", &err), STATUS_OK);
    dictionary_free(dictionary);
}
END_TEST

START_TEST(a_dictionary_is_no_larger_than_a_megabyte)
{
    enum { LARGE = (1 << 20) + 1 };
    struct error err;
    struct dictionary *dictionary = base_dictionary();
    size_t before = dictionary_count(dictionary);
    char *text = malloc(LARGE);
    ck_assert_ptr_nonnull(text);
    memset(text, '\n', LARGE);
    ck_assert_int_eq(dictionary_add(dictionary, "county.conf", text, LARGE - 1, &err), STATUS_OK);
    ck_assert_int_eq(dictionary_add(dictionary, "county.conf", text, LARGE, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "county.conf: found 1048577 bytes"));
    ck_assert_uint_eq(dictionary_count(dictionary), before);
    free(text);
    dictionary_free(dictionary);
}
END_TEST

/* dictionary.tsv: a file, what the error must name, why. Each is refused whole. */
START_TEST(wrong_dictionaries_are_refused_with_their_line)
{
    struct cases *cases = cases_open("dictionary.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct error err = {STATUS_OK, ""};
        struct dictionary *dictionary = base_dictionary();
        size_t before = dictionary_count(dictionary);
        enum status status =
            dictionary_add(dictionary, "county.conf", row->cell[0].bytes, row->cell[0].length, &err);
        ck_assert_msg(status == STATUS_CONFIG, "%s", cases_where(cases));
        ck_assert_msg(strstr(err.text, row->cell[1].bytes) != NULL, "%s: %s", cases_where(cases), err.text);
        ck_assert_uint_eq(dictionary_count(dictionary), before);
        dictionary_free(dictionary);
    }
    cases_close(cases);
}
END_TEST

START_TEST(many_codes_fit_and_too_many_do_not)
{
    struct error err;
    struct dictionary *dictionary = dictionary_new();
    char text[128];
    int added = 0;
    for (; added < 5000; added++) {
        snprintf(text, sizeof text, "[many.c%d]\nnumber = %d\nkind = amount\ntitle = 一\n", added,
                 31000 - added);
        if (add(dictionary, text, &err) != STATUS_OK)
            break;
    }
    ck_assert_int_ge(added, 2000);
    ck_assert_int_lt(added, 5000);
    ck_assert_msg(strstr(err.text, "full") != NULL, "%s", err.text);
    for (int i = 0; i < added; i++) {
        snprintf(text, sizeof text, "many.c%d", i);
        ck_assert_int_eq(dictionary_by_name(dictionary, slice_of(text))->number, 31000 - i);
    }
    dictionary_free(dictionary);
    dictionary_free(NULL);
}
END_TEST

static const struct {
    const char *name;
    enum fact_verdict verdict;
} verdicts[] = {
    {"ok", FACT_OK},
    {"amount_unreadable", FACT_AMOUNT_UNREADABLE},
    {"unknown_code", FACT_VALUE_UNKNOWN_CODE},
    {"missing", FACT_VALUE_MISSING},
    {"certificate_form", FACT_CERTIFICATE_FORM},
    {"certificate_id", FACT_CERTIFICATE_ID},
};

static uint64_t subject_of(struct slice text)
{
    uint64_t packed = 0;
    if (!slice_is(text, "-"))
        ck_assert_int_eq(resident_id_parse(text, DAY_NONE, &packed), RESIDENT_ID_OK);
    return packed;
}

/* fact_values.tsv: code, value, subject's ID or -, verdict, the value (unknown, - = untouched), for officials, why */
START_TEST(values_are_read_and_written)
{
    struct dictionary *dictionary = base_dictionary();
    struct cases *cases = cases_open("fact_values.tsv", 7);
    for (const struct case_row *row; (row = cases_next(cases));) {
        const struct fact_code *code = dictionary_by_name(dictionary, row->cell[0]);
        ck_assert_msg(code != NULL, "%s", cases_where(cases));
        int64_t value = -77;
        enum fact_verdict verdict = fact_value_parse(code, row->cell[1], subject_of(row->cell[2]), &value);
        const char *name = NULL;
        for (size_t i = 0; i < sizeof verdicts / sizeof verdicts[0]; i++)
            if (verdicts[i].verdict == verdict)
                name = verdicts[i].name;
        ck_assert_msg(name && case_is(row, 3, name), "%s: got %s", cases_where(cases), name);
        ck_assert_ptr_nonnull(fact_verdict_text(verdict));
        int64_t expected = case_is(row, 4, "unknown") ? FACT_UNKNOWN
                           : case_is(row, 4, "-")     ? -77
                                                      : case_number(row, 4);
        ck_assert_msg(value == expected, "%s: got %jd", cases_where(cases), (intmax_t)value);
        if (value == -77)
            continue;
        char out[64];
        ck_assert_msg(case_is(row, 5, fact_value_format(code, value, out, sizeof out)), "%s: written %s",
                      cases_where(cases), out);
    }
    cases_close(cases);
    dictionary_free(dictionary);
}
END_TEST

START_TEST(written_values_are_cut_at_a_whole_character)
{
    struct dictionary *dictionary = base_dictionary();
    const struct fact_code *certificate = dictionary_by_name(dictionary, slice_of("disability.certificate"));
    const struct fact_code *wage = dictionary_by_name(dictionary, slice_of("income.wage"));
    char out[64];
    static const char *const cut[] = {"",     "",     "",     "",       "肢",     "肢",     "肢",
                                      "肢体", "肢体", "肢体", "肢体二", "肢体二", "肢体二", "肢体二级"};
    for (size_t size = 1; size < sizeof cut / sizeof cut[0]; size++)
        ck_assert_str_eq(fact_value_format(certificate, 42, out, size), cut[size]);
    ck_assert_str_eq(fact_value_format(certificate, 92, out, sizeof out), "未知");
    ck_assert_str_eq(fact_value_format(certificate, -1, out, sizeof out), "未知");
    ck_assert_str_eq(fact_value_format(certificate, 2, out, sizeof out), "未知");
    ck_assert_str_eq(fact_value_format(certificate, 40, out, sizeof out), "未知");
    ck_assert_str_eq(fact_value_format(certificate, 45, out, sizeof out), "未知");
    ck_assert_str_eq(fact_value_format(certificate, 82, out, sizeof out), "未知");
    char untouched = 'x';
    ck_assert_ptr_eq(fact_value_format(certificate, 42, &untouched, 0), &untouched);
    ck_assert_int_eq(untouched, 'x');
    ck_assert_str_eq(fact_value_format(wage, INT64_MAX, out, sizeof out), "92233720368547758.07 元");
    const struct fact_code *grade = dictionary_by_name(dictionary, slice_of("housing.grade"));
    ck_assert_str_eq(fact_value_format(grade, 5, out, sizeof out), "未知");
    ck_assert_str_eq(fact_value_format(grade, 0, out, sizeof out), "未知");
    dictionary_free(dictionary);
}
END_TEST

START_TEST(sources_have_fixed_numbers)
{
    int count = 0;
    for (const struct source_name *source = source_names; source->name; source++) {
        ck_assert_int_eq(source->number, ++count);
        ck_assert_ptr_eq(source_by_name(slice_of(source->name)), source);
        ck_assert_uint_gt(strlen(source->title), 0);
    }
    ck_assert_int_eq(count, 22);
    ck_assert_int_eq(source_by_name(slice_of("medical_insurance"))->number, 1);
    ck_assert_int_eq(source_by_name(slice_of("hotline"))->number, 22);
    ck_assert_str_eq(source_names[8].title, "民政局");
    ck_assert_str_eq(source_by_name(slice_of("register"))->title, "登记");
    ck_assert_int_eq(source_by_name(slice_of("register"))->number, SOURCE_REGISTER);
    ck_assert_ptr_null(source_by_name(slice_of("medical")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fact");
    TCase *dictionary = tcase_create("dictionary");
    tcase_add_test(dictionary, the_base_dictionary_has_what_the_interface_names);
    tcase_add_test(dictionary, numbers_are_permanent);
    tcase_add_test(dictionary, a_county_adds_codes);
    tcase_add_test(dictionary, a_dictionary_is_no_larger_than_a_megabyte);
    tcase_add_test(dictionary, wrong_dictionaries_are_refused_with_their_line);
    tcase_add_test(dictionary, many_codes_fit_and_too_many_do_not);
    suite_add_tcase(suite, dictionary);
    TCase *values = tcase_create("values");
    tcase_add_test(values, values_are_read_and_written);
    tcase_add_test(values, written_values_are_cut_at_a_whole_character);
    tcase_add_test(values, sources_have_fixed_numbers);
    suite_add_tcase(suite, values);
    return unit_run(&suite, 1);
}
