/* SPDX-License-Identifier: PostgreSQL */
#include "test_base.h"

#include "base/nearest.h"
#include "base/text.h"
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(slices_compare_and_trim)
{
    ck_assert(slice_equal(slice_of("abc"), (struct slice){"abcd", 3}));
    ck_assert(!slice_equal(slice_of("abc"), slice_of("abd")));
    ck_assert(slice_equal((struct slice){NULL, 0}, slice_of("")));
    ck_assert(slice_is(slice_trim(slice_of(" \t a b\r\n")), "a b"));
    ck_assert_uint_eq(slice_trim(slice_of(" \t ")).length, 0);
    ck_assert_uint_eq(slice_of(NULL).length, 0);
}
END_TEST

START_TEST(numbers_are_added_as_printf_writes_them)
{
    static const int64_t edges[] = {0, INT64_MAX, INT64_MIN, INT64_MIN + 1};
    for (size_t i = 0; i < 4 + 2 * 18; i++) {
        int64_t power = 1;
        for (size_t p = 4; p < i; p += 2)
            power *= 10;
        int64_t number = i < 4 ? edges[i] : i % 2 ? power : 1 - power; /* 1, 0, 10, -9, 100, -99 … */
        char expected[32];
        struct text text;
        text_init(&text);
        snprintf(expected, sizeof expected, "%lld", (long long)number);
        text_add_int(&text, number);
        ck_assert_str_eq(text.bytes, expected);
        text_fini(&text);
    }
}
END_TEST

START_TEST(text_grows_and_is_given_away)
{
    struct text text;
    text_init(&text);
    for (int i = 0; i < 1000; i++)
        text_printf(&text, "%d,", i);
    ck_assert(!text.failed);
    ck_assert_uint_eq(text.length, strlen(text.bytes));
    ck_assert_msg(strncmp(text.bytes + text.length - 8, "998,999,", 8) == 0, "%s", text.bytes);
    char *bytes = text_take(&text);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_ptr_null(text.bytes);
    free(bytes);
    bytes = text_take(&text);
    ck_assert_str_eq(bytes, "");
    free(bytes);
    text_add_str(&text, "ab");
    text_clear(&text);
    text_add_char(&text, 'c');
    ck_assert_str_eq(text.bytes, "c");
    text_fini(&text);
}
END_TEST

START_TEST(html_says_what_the_text_says)
{
    struct text text;
    text_init(&text);
    text_add_html(&text, slice_of("<b a=\"1\" c='2'>低保&\x01\x7f\n"));
    ck_assert_str_eq(text.bytes, "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;低保&amp;   ");
    text_fini(&text);
}
END_TEST

START_TEST(what_others_wrote_cannot_move_the_cursor)
{
    static const struct {
        const char *plain, *visible;
        bool has_no_control;
    } cases[] = {
        {"H0001 王小明 \"x\" C:\\y", "H0001 王小明 \"x\" C:\\y", true},
        {"a\x1b[2J\x07", "a\\u001b[2J\\u0007", false},
        {"a\nlevel=alert\r\t", "a\\u000alevel=alert\\u000d\\u0009", false},
        {"\x7f", "\\u007f", false},
        {"\xC2\x9B"
         "31m",
         "\\u009b31m", false},
        {"\xC2\xA0\xC3\x9B", "\xC2\xA0\xC3\x9B", true},
        {"H\xE2\x80\xAE"
         "cba",
         "H\\u202ecba", true},
        {"\xFF\xC2", "\\ufffd\\ufffd", true},
        {"", "", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text;
        text_init(&text);
        text_add_visible(&text, slice_of(cases[i].plain));
        ck_assert_str_eq(text_slice(&text).bytes, cases[i].visible);
        ck_assert_msg(utf8_has_no_control(cases[i].plain, strlen(cases[i].plain)) == cases[i].has_no_control,
                      "%s", cases[i].visible);
        text_fini(&text);
    }
}
END_TEST

START_TEST(a_cell_is_seen_as_it_is)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"H0001", "H0001"},
        {"a,b", "\"a,b\""},
        {"say \"x\"", "\"say \"\"x\"\"\""},
        {"a\r\nb", "\"a\r\nb\""},
        {"=1+1", "'=1+1"},
        {"=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""},
        {"+8", "'+8"},
        {"-1", "'-1"},
        {"@SUM(A1)", "'@SUM(A1)"},
        {"\t=1", "'\t=1"},
        {"\n=1", "\"'\n=1\""},
        {"1-2", "1-2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text text;
        text_init(&text);
        text_add_csv(&text, slice_of(cases[i][0]));
        ck_assert_str_eq(text_slice(&text).bytes, cases[i][1]);
        text_fini(&text);
    }
}
END_TEST

START_TEST(the_nearest_name_is_by_characters)
{
    static const struct {
        const char *wanted, *names[3], *nearest;
    } cases[] = {
        {"schedul", {"limit", "schedule", "schedules"}, "schedule"},
        {"warnngs", {"warning", "warnings", "round"}, "warnings"},
        {"医疗自付之出", {"医疗自付支出", "医疗支出", "教育支出"}, "医疗自付支出"},
        {"ab", {"cd", "bc", "b"}, "b"},         /* one of two */
        {"a", {"b", "c", "d"}, ""},             /* nothing agrees */
        {"金额", {"收入", "支出", "人数"}, ""}, /* six bytes, but no character */
        {"feedback", {"feed", "back", "fed"}, ""},
        {"abc\xff",
         {"abcd", "abc", "xyz"},
         "abcd"}, /* a byte that is no character: one wrong; of equal ones the first */
        {"", {"a", "ab", "b"}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct nearest nearest = nearest_to(slice_of(cases[i].wanted));
        for (size_t j = 0; j < 3; j++)
            nearest_consider(&nearest, slice_of(cases[i].names[j]));
        ck_assert_msg(slice_is(nearest.name, cases[i].nearest), "%s: %.*s, expected %s", cases[i].wanted,
                      (int)nearest.name.length, nearest.name.bytes, cases[i].nearest);
    }
}
END_TEST

START_TEST(text_remembers_a_failure)
{
    struct text text;
    text_init(&text);
    text_add_str(&text, "ab");
    text_add(&text, "", SIZE_MAX); /* more than any memory: refused before a byte is read */
    ck_assert(text.failed);
    text_add_str(&text, "cd");
    ck_assert_uint_eq(text.length, 2);
    ck_assert_ptr_null(text_take(&text));
}
END_TEST

/* utf8.tsv: bytes, length of the first character (0 = none), code point (hex), whole text valid (yes/no), why
 */
START_TEST(utf8_is_strict)
{
    struct cases *cases = cases_open("utf8.tsv", 5);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct slice text = row->cell[0];
        size_t length = utf8_char_length(text.bytes, text.length);
        ck_assert_msg((int64_t)length == case_number(row, 1), "%s: length %zu", cases_where(cases), length);
        if (length)
            ck_assert_msg(utf8_decode(text.bytes, length) == strtoul(row->cell[2].bytes, NULL, 16), "%s",
                          cases_where(cases));
        ck_assert_msg(utf8_valid(text.bytes, text.length) == case_is(row, 3, "yes"), "%s",
                      cases_where(cases));
    }
    cases_close(cases);
}
END_TEST

/* All four-byte beginnings against a decoder written from the definition instead of the table. */
static size_t length_by_definition(const unsigned char *b)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = b[0] < 0x80 ? 1 : b[0] >> 5 == 6 ? 2 : b[0] >> 4 == 14 ? 3 : b[0] >> 3 == 30 ? 4 : 0;
    uint32_t c = length == 1 ? b[0] : b[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (b[i] >> 6 != 2)
            return 0;
        c = c << 6 | (b[i] & 0x3F);
    }
    return length == 0 || c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? 0 : length;
}

START_TEST(utf8_agrees_with_the_definition)
{
    static const unsigned char third[] = {0x00, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++)
            for (size_t i = 0; i < 36; i++) {
                unsigned char b[4] = {(unsigned char)first, (unsigned char)second, third[i / 6],
                                      third[i % 6]};
                /* Plain comparisons: an assertion each would take minutes. */
                size_t expected = length_by_definition(b);
                if (utf8_char_length((const char *)b, 4) != expected)
                    ck_abort_msg("%02x %02x %02x %02x: expected %zu", b[0], b[1], b[2], b[3], expected);
                if (expected > 1 && utf8_char_length((const char *)b, expected - 1) != 0)
                    ck_abort_msg("%02x %02x %02x %02x: cut, and yet accepted", b[0], b[1], b[2], b[3]);
            }
}
END_TEST

START_TEST(utf8_is_cut_at_a_whole_character)
{
    const char *text = "a\xC3\xA9望\xF0\x9F\x8F\xA0";
    static const size_t expected[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (size_t max = 0; max < sizeof expected / sizeof expected[0]; max++)
        ck_assert_uint_eq(utf8_cut(text, strlen(text), max), expected[max]);
    /* Bytes that are no UTF-8 are cut where asked, not lost. */
    ck_assert_uint_eq(utf8_cut("\x80\x80\x80\x80\x80\x80\x80\x80", 8, 6), 6);
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *text = tcase_create("text");
    tcase_add_test(text, slices_compare_and_trim);
    tcase_add_test(text, numbers_are_added_as_printf_writes_them);
    tcase_add_test(text, text_grows_and_is_given_away);
    tcase_add_test(text, html_says_what_the_text_says);
    tcase_add_test(text, what_others_wrote_cannot_move_the_cursor);
    tcase_add_test(text, a_cell_is_seen_as_it_is);
    tcase_add_test(text, the_nearest_name_is_by_characters);
    tcase_add_test(text, text_remembers_a_failure);
    suite_add_tcase(suite, text);
    TCase *utf8 = tcase_create("utf8");
    tcase_add_test(utf8, utf8_is_strict);
    tcase_add_test(utf8, utf8_agrees_with_the_definition);
    tcase_add_test(utf8, utf8_is_cut_at_a_whole_character);
    suite_add_tcase(suite, utf8);
    return suite;
}
