/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "cases.h"
#include "source/csv.h"

#include <stdlib.h>
#include <string.h>

static struct csv csv; /* large; each test runs in a process of its own */

static void render_row(struct text *out)
{
    text_printf(out, "%llu(", (unsigned long long)csv.line);
    for (unsigned i = 0; i < csv.columns; i++) {
        text_add_str(out, i ? "|" : "");
        text_add(out, csv.field[i].bytes, csv.field[i].length);
    }
    text_add_str(out, ")");
}

/* False when nothing more can be read. */
static bool render_step(enum csv_step step, struct text *out)
{
    switch (step) {
    case CSV_HEADER:
        text_add_str(out, "H(");
        for (unsigned i = 0; i < csv.columns; i++)
            text_printf(out, "%s%s", i ? "|" : "", csv_column_name(&csv, i));
        text_add_str(out, ")");
        return true;
    case CSV_ROW:
        render_row(out);
        return true;
    case CSV_BAD_ROW:
        text_printf(out, "%llu!%s", (unsigned long long)csv.line, csv_fault_reason(csv.fault));
        return true;
    case CSV_BROKEN:
        text_printf(out, "#%s@%llu", csv_fault_reason(csv.fault), (unsigned long long)csv.fault_line);
        return false;
    case CSV_END:
        text_add_str(out, "$");
        return false;
    case CSV_MORE:
        break;
    }
    return false;
}

/* The first window ends at `cut`; each window is memory of its own, so that a sanitizer sees every byte too far. */
static void read_cut(struct slice input, size_t cut, struct text *out)
{
    text_clear(out);
    csv_init(&csv);
    char *first = malloc(cut ? cut : 1), *second = NULL;
    if (cut > 0)
        memcpy(first, input.bytes, cut);
    csv_window(&csv, first, cut, false);
    enum csv_step step;
    while ((step = csv_next(&csv)) != CSV_MORE && render_step(step, out))
        ;
    if (step == CSV_MORE) {
        size_t from = cut - csv_rest(&csv), length = input.length - from;
        second = malloc(length ? length : 1);
        if (length > 0)
            memcpy(second, input.bytes + from, length);
        csv_window(&csv, second, length, true);
        while (render_step(csv_next(&csv), out))
            ;
    }
    free(first);
    free(second);
}

START_TEST(cases_at_every_cut)
{
    struct text out;
    text_init(&out);
    text_add_str(&out, "");
    struct cases *cases = cases_open("csv.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases));)
        for (size_t cut = 0; cut <= row->cell[0].length; cut++) {
            read_cut(row->cell[0], cut, &out);
            ck_assert_msg(slice_is(row->cell[1], out.bytes), "%s: cut at %zu: found %s", cases_where(cases),
                          cut, out.bytes);
        }
    cases_close(cases);
    text_fini(&out);
}
END_TEST

static void expect_last(const struct text *input, size_t fields_or_line, enum csv_step step,
                        const char *reason)
{
    csv_init(&csv);
    csv_window(&csv, input->bytes, input->length, true);
    ck_assert_int_eq(csv_next(&csv), CSV_HEADER);
    ck_assert_int_eq(csv_next(&csv), step);
    ck_assert_str_eq(csv_fault_reason(csv.fault), reason);
    ck_assert_uint_eq(step == CSV_BAD_ROW ? csv.found : csv.fault_line, fields_or_line);
}

static void add_many(struct text *text, char c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_add_char(text, c);
}

START_TEST(bounds_of_a_field)
{
    struct text input;
    text_init(&input);
    text_add_str(&input, "a,b\n1,");
    add_many(&input, 'x', CSV_FIELD_MAX);
    csv_init(&csv);
    csv_window(&csv, input.bytes, input.length, true);
    ck_assert_int_eq(csv_next(&csv), CSV_HEADER);
    ck_assert_int_eq(csv_next(&csv), CSV_ROW);
    ck_assert_uint_eq(csv.field[1].length, CSV_FIELD_MAX);
    text_add_str(&input, "x\n");
    expect_last(&input, 2, CSV_BAD_ROW, "row.field_length");
    text_fini(&input);
}
END_TEST

START_TEST(bounds_of_a_row)
{
    struct text input;
    text_init(&input);
    text_add_str(&input, "a\n\"");
    add_many(&input, 'x', CSV_ROW_MAX);
    text_add_str(&input, "\"\n");
    expect_last(&input, 2, CSV_BROKEN, "file.row_length");
    /* Doubled quotes fill the reader's own memory. */
    text_clear(&input);
    text_add_str(&input, "a\n\"");
    add_many(&input, '"', 4 * CSV_ROW_MAX);
    text_add_str(&input, "\"\n");
    expect_last(&input, 2, CSV_BROKEN, "file.row_length");
    /* The same when it comes window by window: the reader gives up before it keeps more than it may. */
    csv_init(&csv);
    csv_window(&csv, input.bytes, CSV_WINDOW_MIN, false);
    ck_assert_int_eq(csv_next(&csv), CSV_HEADER);
    ck_assert_int_eq(csv_next(&csv), CSV_BROKEN);
    ck_assert_int_eq(csv_next(&csv), CSV_BROKEN);
    text_fini(&input);
}
END_TEST

START_TEST(bounds_of_columns)
{
    struct text input;
    text_init(&input);
    for (unsigned i = 0; i < CSV_COLUMNS_MAX; i++)
        text_printf(&input, "%sc%u", i ? "," : "", i);
    text_add_str(&input, "\n");
    add_many(&input, ',', 5 * CSV_COLUMNS_MAX);
    expect_last(&input, 5 * CSV_COLUMNS_MAX + 1, CSV_BAD_ROW, "row.fields");
    ck_assert_int_eq(csv_column(&csv, "c63"), 63);
    ck_assert_int_eq(csv_column(&csv, "c64"), -1);
    text_clear(&input);
    add_many(&input, ',', CSV_COLUMNS_MAX);
    csv_init(&csv);
    csv_window(&csv, input.bytes, input.length, true);
    ck_assert_int_eq(csv_next(&csv), CSV_BROKEN);
    ck_assert_str_eq(csv_fault_reason(csv.fault), "file.header");
    char found[96], expected[96];
    csv_fault_describe(&csv, found, expected, sizeof found);
    ck_assert_str_eq(found, "more columns");
    text_fini(&input);
}
END_TEST

START_TEST(damage_in_words)
{
    static const char input[] = "a,b\n1\n\"2\"x,3\n";
    char found[96], expected[96];
    csv_init(&csv);
    csv_window(&csv, input, sizeof input - 1, true);
    ck_assert_int_eq(csv_next(&csv), CSV_HEADER);
    ck_assert_int_eq(csv_next(&csv), CSV_BAD_ROW);
    csv_fault_describe(&csv, found, expected, sizeof found);
    ck_assert_str_eq(found, "1 fields");
    ck_assert_str_eq(expected, "2, as the header has");
    ck_assert_int_eq(csv_next(&csv), CSV_BAD_ROW);
    csv_fault_describe(&csv, found, expected, sizeof found);
    ck_assert_str_eq(found, "a quote inside field 1 or text behind its end");
    ck_assert_str_eq(expected, "quotes around the whole field, those inside doubled");
    ck_assert_uint_eq(csv.rows, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("csv");
    TCase *tests = tcase_create("csv");
    tcase_add_test(tests, cases_at_every_cut);
    tcase_add_test(tests, bounds_of_a_field);
    tcase_add_test(tests, bounds_of_a_row);
    tcase_add_test(tests, bounds_of_columns);
    tcase_add_test(tests, damage_in_words);
    suite_add_tcase(suite, tests);
    return unit_run((Suite *const[]){suite}, 1);
}
