/* SPDX-License-Identifier: PostgreSQL */
/* Vocabulary, tokens, fractions, units, and every diagnostic. */
#include "config.h"

#include "policy/syntax/fraction.h"
#include "policy/syntax/lexer.h"
#include "policy/syntax/unit.h"
#include "test_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void distinct_words(enum language language)
{
    for (int i = 1; i < KEYWORD_COUNT; i++) {
        const char *text = keyword_text((enum keyword)i, language);
        ck_assert_msg(text[0] != '\0', "keyword %d has no text", i);
        ck_assert_msg(keyword_find(slice_of(text), language) == (enum keyword)i, "%s stands for two keywords",
                      text);
    }
}

START_TEST(keywords_are_distinct)
{
    distinct_words(LANGUAGE_CHINESE);
    distinct_words(LANGUAGE_ENGLISH);
    ck_assert_int_eq(keyword_find(slice_of("人均"), LANGUAGE_CHINESE), KW_NONE_OF_THESE);
    ck_assert_int_eq(keyword_find(slice_of("red"), LANGUAGE_CHINESE), KW_NONE_OF_THESE);
    ck_assert_str_eq(cause_find(slice_of("就学"), LANGUAGE_CHINESE), "schooling");
    ck_assert_ptr_null(cause_find(slice_of("schooling"), LANGUAGE_CHINESE));
}
END_TEST

/* The table in the documentation is the table of the lexer. */
START_TEST(words_are_documented)
{
    size_t length;
    char *page = read_source("docs/policy-language.md", &length), row[256];
    for (int i = 1; i < KEYWORD_COUNT; i++) {
        snprintf(row, sizeof row, "\n| %s | `%s` | ", keyword_text((enum keyword)i, LANGUAGE_CHINESE),
                 keyword_text((enum keyword)i, LANGUAGE_ENGLISH));
        ck_assert_msg(strstr(page, row) != NULL, "docs/policy-language.md lacks the row%s", row);
    }
    for (int i = 1; i < WORD_COUNT; i++) {
        snprintf(row, sizeof row, "\n| %s | `%s` | ", word_text((enum word)i, LANGUAGE_CHINESE),
                 word_text((enum word)i, LANGUAGE_ENGLISH));
        ck_assert_msg(strstr(page, row) != NULL, "docs/policy-language.md lacks the row%s", row);
    }
    free(page);
}
END_TEST

/* Tokens as kind:text, to compare in one line. */
static void check_tokens(const char *text, const char *expected)
{
    static const char kinds[] = {'E', 'w', 'n', 'd', 's', 'y', 'o'};
    struct arena *arena = arena_new(0);
    struct diagnoser diagnoser;
    struct lexer_result lexed = {0};
    struct text found;
    text_init(&found);
    diagnoser_init(&diagnoser, arena);
    ck_assert(lexer_run(text, 0, strlen(text), (struct place){1, 1}, &diagnoser, arena, &lexed));
    for (size_t i = 0; i + 1 < lexed.count; i++) {
        const struct token *token = &lexed.tokens[i];
        text_printf(&found, "%s%d:%d%c%.*s", i == 0 ? "" : " ", token->line, token->column,
                    kinds[token->kind], (int)token->length, text + token->offset);
    }
    ck_assert_str_eq(found.bytes == NULL ? "" : found.bytes, expected);
    text_fini(&found);
    arena_free(arena);
}

START_TEST(tokens)
{
    check_tokens("", "");
    check_tokens("# 全是注释\n  # 又是", "");
    check_tokens("算 人口 : 人", "1:1w算 1:3w人口 1:6y: 1:8w人");
    check_tokens("0..上限", "1:1n0 1:2y.. 1:4w上限");
    check_tokens("下限..上限", "1:1w下限 1:3y.. 1:5w上限");
    check_tokens("1.5×低保", "1:1n1.5 1:4y× 1:5w低保");
    check_tokens("4830.00元/年/人", "1:1n4830.00 1:8w元 1:9y/ 1:10w年 1:11y/ 1:12w人");
    check_tokens("2021-01-01 起", "1:1d2021-01-01 1:12w起");
    check_tokens("2021-01-012", "1:1n2021 1:5y- 1:6n01 1:8y- 1:9n012");
    check_tokens("近12月 income.wage a.b.", "1:1w近12月 1:6wincome.wage 1:18wa.b 1:21o.");
    check_tokens("a≥b\n 且 c", "1:1wa 1:2y≥ 1:3wb 2:2w且 2:4wc");
    check_tokens("\"a # b\" 后", "1:1sa # b 1:9w后");
    check_tokens("\xEF\xBB\xBF政策 甲", "1:1w政策 1:4w甲");
    check_tokens("收入._x 甲.乙 甲.Z 甲.9", "1:1w收入._x 1:7w甲.乙 1:11w甲.Z 1:15w甲.9");
    check_tokens("甲.\uFF0C乙 甲.", "1:1w甲 1:2o. 1:3y\uFF0C 1:4w乙 1:6w甲 1:7o.");
    check_tokens("甲\uFF0C乙\uFF08丙\uFF09", "1:1w甲 1:2y\uFF0C 1:3w乙 1:4y\uFF08 1:5w丙 1:6y\uFF09");
    check_tokens("甲\u3000乙\r\n丙", "1:1w甲 1:3w乙 2:1w丙");
    check_tokens("A<=B>=C!=D<E>F=G",
                 "1:1wA 1:2y<= 1:4wB 1:5y>= 1:7wC 1:8y!= 1:10wD 1:11y< 1:12wE 1:13y> 1:14wF 1:15y= 1:16wG");
}
END_TEST

START_TEST(exact_fractions)
{
    struct fraction f;
    ck_assert(fraction_make(6, -4, &f) && f.num == -3 && f.den == 2);
    ck_assert(fraction_make(0, -7, &f) && f.num == 0 && f.den == 1);
    ck_assert(fraction_add((struct fraction){1, 6}, (struct fraction){1, 3}, &f) && f.num == 1 && f.den == 2);
    ck_assert(fraction_multiply((struct fraction){2, 3}, (struct fraction){-9, 4}, &f) && f.num == -3 &&
              f.den == 2);
    ck_assert(fraction_divide((struct fraction){1, 2}, (struct fraction){-3, 4}, &f) && f.num == -2 &&
              f.den == 3);
    ck_assert(!fraction_multiply(fraction_of(INT64_MAX - 1), fraction_of(2), &f));
    ck_assert(!fraction_make(INT64_MIN, 1, &f)); /* a marker, not a number */
    ck_assert(fraction_make((wide_t)INT64_MAX * 4, 8, &f) == false);
    ck_assert_int_lt(fraction_compare((struct fraction){1, 3}, (struct fraction){34, 100}), 0);
    ck_assert_int_eq(fraction_compare((struct fraction){1, 2}, (struct fraction){2, 4}), 0);
    ck_assert(wide_multiply(WIDE_MAX, WIDE_MAX) == WIDE_MAX);
    ck_assert(wide_multiply(WIDE_MAX, -2) == -WIDE_MAX);
    ck_assert(wide_add(WIDE_MAX, WIDE_MAX) == WIDE_MAX);
    ck_assert(wide_fits(INT64_MAX - 1) && !wide_fits(INT64_MAX) && !wide_fits(INT64_MIN));
    ck_assert_int_eq(fraction_gcd(-12, 18), 6);
    ck_assert_int_eq(fraction_gcd(0, 0), 1);
}
END_TEST

static const char *unit_text(struct unit unit)
{
    static _Thread_local char text[UNIT_TEXT_SIZE];
    return unit_format(unit, LANGUAGE_CHINESE, text);
}

START_TEST(units_are_vectors)
{
    struct unit yuan = unit_of(UNIT_YUAN), year = unit_of(UNIT_YEAR);
    struct unit household_income = unit_divide(unit_divide(yuan, year), unit_of(UNIT_HOUSEHOLD));
    struct unit per_person = unit_divide(household_income, unit_people());
    ck_assert_str_eq(unit_text(household_income), "元/年/户");
    ck_assert_str_eq(unit_text(per_person), "元/年/人");
    ck_assert(unit_equal(unit_multiply(per_person, unit_people()), household_income));
    ck_assert_str_eq(unit_text(unit_people()), "人");
    ck_assert_str_eq(unit_text(unit_none()), "比");
    ck_assert_str_eq(unit_text(unit_divide(unit_none(), year)), "1/年");
    ck_assert_str_eq(unit_text(unit_multiply(yuan, yuan)), "元×元");
    struct unit far = yuan;
    for (int i = 0; i < 300; i++)
        far = unit_multiply(far, yuan);
    ck_assert_int_eq(far.exponent[UNIT_YUAN], 100);
    for (int i = 0; i < 300; i++)
        far = unit_divide(far, yuan);
    ck_assert_int_eq(far.exponent[UNIT_YUAN], -100);
}
END_TEST

/* --- diagnostics -------------------------------------------------------------------------------------------------- */

static const char *const message_texts[MESSAGE_COUNT][2] = {
#define MESSAGE(id, chinese, english) {chinese, english},
#include "policy/syntax/messages.def"
#undef MESSAGE
};

static const char *const message_names[MESSAGE_COUNT] = {
#define MESSAGE(id, chinese, english) #id,
#include "policy/syntax/messages.def"
#undef MESSAGE
};

/* The diagnostic's text can have come from this message: its fixed parts occur in order. */
static bool made_from(const char *text, const char *template)
{
    size_t fixed = 0;
    while (*template != '\0') {
        const char *brace = strchr(template, '{');
        bool argument = brace != NULL && brace[1] >= '1' && brace[1] <= '3' && brace[2] == '}';
        size_t length = argument ? (size_t)(brace - template) : strlen(template);
        for (; *text != '\0' && strncmp(text, template, length) != 0; text++)
            continue;
        if (strncmp(text, template, length) != 0)
            return false;
        text += length;
        fixed += length;
        template += length + (argument ? 3 : 0);
    }
    return fixed > 0;
}

static void note_messages(const struct policy_diagnostics *diagnostics, bool seen[MESSAGE_COUNT])
{
    for (size_t d = 0; d < diagnostics->count; d++) {
        for (int m = 0; m < MESSAGE_COUNT; m++) {
            for (int language = 0; language < 2; language++)
                seen[m] = seen[m] || made_from(diagnostics->items[d].text, message_texts[m][language]);
        }
    }
}

static void check_diagnostic(struct fixture *fixture, const struct case_row *row, const char *where,
                             bool seen[MESSAGE_COUNT])
{
    const char *snippet = row->cell[0].bytes;
    bool whole = strncmp(snippet, "政策", strlen("政策")) == 0 || strncmp(snippet, "policy", 6) == 0 ||
                 case_is(row, 4, "whole");
    char *text = whole ? strdup(snippet) : after_prelude(snippet);
    int line = (int)case_number(row, 1) + (whole ? 0 : prelude_lines()), column = (int)case_number(row, 2);
    enum status status = fixture_compile(fixture, text, strlen(text));
    ck_assert_msg(status == STATUS_CONFIG, "%s: was accepted", where);
    ck_assert_msg(fixture->diagnostics.count > 0, "%s: no diagnostic", where);
    ck_assert_ptr_null(fixture->policy);
    const struct policy_diagnostic *first = &fixture->diagnostics.items[0];
    ck_assert_msg(first->line == line && first->column == column &&
                      strstr(first->text, row->cell[3].bytes) != NULL,
                  "%s: expected %d:%d …%s…, got %d:%d %s", where, line, column, row->cell[3].bytes,
                  first->line, first->column, first->text);
    ck_assert_msg(strstr(fixture->err.text, first->text) != NULL || strlen(first->text) > 300,
                  "%s: err says %s", where, fixture->err.text);
    ck_assert_msg(strchr(first->text, '{') == NULL || strstr(first->text, "{") == strstr(first->text, "{ "),
                  "%s: unfilled: %s", where, first->text);
    note_messages(&fixture->diagnostics, seen);
    free(text);
}

/* Messages that only a policy_test or a text too long for a table brings out; each has its own test. */
static bool elsewhere(int message)
{
    static const enum message list[] = {MESSAGE_MORE,
                                        MESSAGE_TOO_LARGE,
                                        MESSAGE_EXAMPLE_LEVEL_FAILED,
                                        MESSAGE_EXAMPLE_CLAUSE_FAILED,
                                        MESSAGE_EXAMPLE_AMOUNT_FAILED,
                                        MESSAGE_MISSING_AMOUNT,
                                        MESSAGE_EQUIVALENT_NONE,
                                        MESSAGE_EQUIVALENT_KILLED,
                                        MESSAGE_EQUIVALENT_REFUSED,
                                        MESSAGE_MISSING_HIT,
                                        MESSAGE_MISSING_MISS,
                                        MESSAGE_MISSING_BOUNDARY,
                                        MESSAGE_MISSING_ABOVE,
                                        MESSAGE_MISSING_BELOW,
                                        MESSAGE_MISSING_UNKNOWN,
                                        MESSAGE_CLAUSE_MASK,
                                        MESSAGE_TOO_BIG,
                                        MESSAGE_TRIAL_UNKNOWN,
                                        MESSAGE_TRIAL_NONE,
                                        MESSAGE_SUPPLY_NO_FEED,
                                        MESSAGE_SUPPLY_NO_FACT,
                                        MESSAGE_SUPPLY_UNREAD,
                                        MESSAGE_TOO_MANY};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if ((int)list[i] == message)
            return true;
    }
    return false;
}

/* A policy that is accepted, and the first thing that is said of it all the same. */
static void check_warning(struct fixture *fixture, const struct case_row *row, const char *where,
                          bool seen[MESSAGE_COUNT])
{
    bool whole = strncmp(row->cell[0].bytes, "policy ", 7) == 0;
    char *text = whole ? strdup(row->cell[0].bytes) : after_prelude(row->cell[0].bytes);
    fixture_compile_good(fixture, text, where);
    const struct policy_diagnostics *warnings = policy_warnings(fixture->policy);
    const struct policy_diagnostic *first = warnings->items;
    if (row->cell[1].length == 0) {
        ck_assert_msg(warnings->count == 0, "%s: %s", where, warnings->count == 0 ? "" : first->text);
    } else {
        ck_assert_msg(warnings->count == 1, "%s: %zu warnings", where, warnings->count);
        ck_assert_msg(first->line == case_number(row, 1) + (whole ? 0 : prelude_lines()) &&
                          first->column == case_number(row, 2) &&
                          strstr(first->text, row->cell[3].bytes) != NULL,
                      "%s: got %d:%d %s", where, first->line, first->column, first->text);
    }
    note_messages(warnings, seen);
    free(text);
}

START_TEST(every_diagnostic)
{
    struct fixture fixture;
    bool seen[MESSAGE_COUNT] = {false};
    fixture_open(&fixture);
    struct cases *cases = cases_open("policy_diagnostics.tsv", 5);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;)
        check_diagnostic(&fixture, row, cases_where(cases), seen);
    cases_close(cases);
    cases = cases_open("policy_warnings.tsv", 5);
    for (const struct case_row *row; (row = cases_next(cases)) != NULL;)
        check_warning(&fixture, row, cases_where(cases), seen);
    cases_close(cases);
    struct text missing;
    text_init(&missing);
    for (int m = 0; m < MESSAGE_COUNT; m++) {
        if (!seen[m] && !elsewhere(m))
            text_printf(&missing, " %s", message_names[m]);
    }
    ck_assert_msg(missing.length == 0, "no case brings out:%s", missing.bytes);
    text_fini(&missing);
    fixture_close(&fixture);
}
END_TEST

Suite *policy_text_suite(void)
{
    Suite *suite = suite_create("policy text");
    TCase *tcase = tcase_create("text");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, keywords_are_distinct);
    tcase_add_test(tcase, words_are_documented);
    tcase_add_test(tcase, tokens);
    tcase_add_test(tcase, exact_fractions);
    tcase_add_test(tcase, units_are_vectors);
    tcase_add_test(tcase, every_diagnostic);
    suite_add_tcase(suite, tcase);
    return suite;
}
