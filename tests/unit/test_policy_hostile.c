/* SPDX-License-Identifier: PostgreSQL */
/* Text that is no policy: cut off, scrambled, too deep, too long, too much. It is refused, and nothing else happens. */
#include "config.h"

#include "base/random.h"
#include "test_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void survive(struct fixture *fixture, const char *text, size_t length)
{
    enum status status = fixture_compile(fixture, text, length);
    ck_assert(status == STATUS_OK || status == STATUS_CONFIG);
    ck_assert_uint_le(fixture->diagnostics.count, POLICY_DIAGNOSTICS_MAX);
    ck_assert((status == STATUS_OK) == (fixture->policy != NULL));
    ck_assert((status == STATUS_OK) == (fixture->diagnostics.count == 0));
    for (size_t i = 0; i < fixture->diagnostics.count; i++)
        ck_assert(fixture->diagnostics.items[i].line >= 1 && fixture->diagnostics.items[i].column >= 1);
    arena_free(fixture->arena);
    fixture->arena = arena_new(0);
}

START_TEST(cut_off_anywhere)
{
    struct fixture fixture;
    fixture_open(&fixture);
    size_t length;
    char *text = read_source("conf/policies/shaanxi-county.policy", &length);
    for (size_t end = 0; end < length; end += 41 * EVERY)
        survive(&fixture, text, end);
    free(text);
    fixture_close(&fixture);
}
END_TEST

/* One to four changes: a byte flipped, a piece taken out, a piece put elsewhere. */
static size_t scramble(struct random *random, const char *text, size_t length, char *out)
{
    memcpy(out, text, length);
    for (uint64_t n = 1 + random_below(random, 4); n > 0; n--) {
        size_t at = (size_t)random_below(random, length), size = 1 + (size_t)random_below(random, 60);
        size = size < length - at ? size : length - at;
        switch (random_below(random, 4)) {
        case 0:
            out[at] = (char)random_below(random, 256);
            break;
        case 1:
            memmove(out + at, out + at + size, length - at - size);
            length -= size;
            break;
        case 2:
            out[at] = "()=<>0. \n\"{}#:,?%-"[random_below(random, 18)];
            break;
        default: {
            size_t to = (size_t)random_below(random, length - size + 1);
            memmove(out + to, out + at, size);
            break;
        }
        }
        if (length == 0)
            break;
    }
    return length;
}

START_TEST(scrambled)
{
    enum { ROUNDS = 600 };
    struct fixture fixture;
    struct random random;
    fixture_open(&fixture);
    random_seed(&random, 4);
    static const char *const files[] = {"tests/cases/policy_english.policy",
                                        "conf/policies/shaanxi-county.policy"};
    for (size_t f = 0; f < 2; f++) {
        size_t length;
        char *text = read_source(files[f], &length), *changed = malloc(length + 1);
        ck_assert_ptr_nonnull(changed);
        for (int i = 0; i < ROUNDS / (f == 0 ? 1 : 4); i++)
            survive(&fixture, changed, scramble(&random, text, length, changed));
        free(changed);
        free(text);
    }
    fixture_close(&fixture);
}
END_TEST

static void append(struct text *text, const char *piece, int times)
{
    for (int i = 0; i < times; i++)
        text_add_str(text, piece);
}

static void survive_text(struct fixture *fixture, struct text *text)
{
    ck_assert(!text->failed);
    survive(fixture, text->bytes, text->length);
    text_clear(text);
}

START_TEST(deep_and_long)
{
    struct fixture fixture;
    struct text text;
    fixture_open(&fixture);
    text_init(&text);
    static const char *const nests[][3] = {{"(", "贫", ")"},
                                           {"非 ", "贫", ""},
                                           {"计数(成员, ", "贫", ")"},
                                           {"存在(成员 中 ", "贫", ", 贫)"},
                                           {"含未知(", "收入", ")"},
                                           {"申报(贫, 上限, ", "收入", ")"},
                                           {"1 + (", "1", ")"},
                                           {"", "收入", " + 收入"},
                                           {"", "贫", " 且 贫"},
                                           {"", "收入", " × 2"},
                                           {"", "收入", " > 收入"},
                                           {"本户 ", "贫", ""},
                                           {"", "贫", " 或 贫"},
                                           {"若 贫 取 ", "收入", " 否则 收入"},
                                           {"近12月 不一致 工资 超过 ", "1.00元", ""}};
    for (size_t i = 0; i < sizeof nests / sizeof nests[0]; i++) {
        for (int depth = 10; depth <= 30000; depth *= 15) {
            char *prelude = after_prelude("断 X = ");
            text_add_str(&text, prelude);
            append(&text, nests[i][0], depth);
            text_add_str(&text, nests[i][1]);
            append(&text, nests[i][2], depth);
            survive_text(&fixture, &text);
            free(prelude);
        }
    }
    text_fini(&text);
    fixture_close(&fixture);
}
END_TEST

/* Definitions that each use the one before, in a scope that is only worked out when the last is used. */
START_TEST(long_chains_of_definitions)
{
    struct fixture fixture;
    struct text text;
    fixture_open(&fixture);
    text_init(&text);
    char *prelude = after_prelude("逐人 p0 = 现有 低保待遇\n");
    text_add_str(&text, prelude);
    for (int i = 1; i < 3000; i++)
        text_printf(&text, "逐人 p%d = 非 p%d\n", i, i - 1);
    text_add_str(&text, "断 X = 存在(成员 与 本户, p2999)\n查 x 试\n  依据 甲 一\n  当 X\n  理由 \"理\"\n");
    survive_text(&fixture, &text);
    free(prelude);
    text_fini(&text);
    fixture_close(&fixture);
}
END_TEST

static void expect(struct fixture *fixture, struct text *text, const char *part)
{
    ck_assert(!text->failed);
    ck_assert_int_eq(fixture_compile(fixture, text->bytes, text->length), STATUS_CONFIG);
    const struct policy_diagnostics *found = &fixture->diagnostics;
    bool told = false;
    for (size_t i = 0; i < found->count; i++)
        told = told || strstr(found->items[i].text, part) != NULL;
    ck_assert_msg(told, "nothing says %s; the first: %s", part, found->items[0].text);
    text_clear(text);
}

/* Every @ is the number. */
static void add_line(struct text *text, const char *line, int number)
{
    for (; *line != '\0'; line++) {
        if (*line == '@')
            text_printf(text, "%d", number);
        else
            text_add_char(text, *line);
    }
}

START_TEST(too_much)
{
    struct fixture fixture;
    struct text text;
    fixture_open(&fixture);
    text_init(&text);
    char *prelude = after_prelude("");

    append(&text, "#", POLICY_TEXT_MAX_BYTES + 1);
    expect(&fixture, &text, "1 MiB");

    text_add_str(&text, prelude);
    append(&text, "胡说\n", 80);
    expect(&fixture, &text, "另有 31 处错误");
    ck_assert_uint_eq(fixture.diagnostics.count, POLICY_DIAGNOSTICS_MAX);

    text_add_str(&text, prelude);
    for (int i = 0; i <= POLICY_CLAUSES_MAX; i++)
        text_printf(&text, "查 c%d 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n", i);
    expect(&fixture, &text, "条款太多,至多 64 条");

    text_add_str(&text, prelude);
    for (int i = 0; i < 4200; i++)
        text_printf(&text, "设定 s%d : 比 = 1 依据 甲 一\n", i);
    expect(&fixture, &text, "至多 4096");

    text_add_str(&text, prelude);
    for (int i = 0; i < 3000; i++)
        text_printf(
            &text,
            "断 d%d = 收入 > %d.00元/年/户 或 人均 > %d.00元/年/人 或 收入 × 3 > 人口 × %d.01元/年/人\n", i,
            i + 1, i + 1, i + 1);
    expect(&fixture, &text, "至多 8192");

    text_add_str(&text, prelude);
    text_add_str(&text, "查 c 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n  转介");
    for (int i = 0; i < 17; i++)
        text_printf(&text, " 乡镇%d", i);
    expect(&fixture, &text, "转介太多,至多 16 个");
    free(prelude);
    text_fini(&text);
    fixture_close(&fixture);
}
END_TEST

static const struct {
    const char *before, *line;
    int count;
    const char *told;
} lists[] = {
    {"", "文件 d@ \"题\"\n", 300, "文件至多 256"},
    {"", "来源 s@ health\n", 300, "来源至多 256"},
    {"", "事实 f@ : 是否 取 relief.dibao\n", 600, "事实至多 512"},
    {"", "时段 w@ = 近@日\n", 70, "时段至多 64"},
    {"断 X = 农村", " 或 存在(成员, 近@日 曾有 低保待遇)", 70, "时段至多 64"},
    {"断 X = 农村", " 或 存在(成员, 现有 低保待遇 满 @天)", 70, "时段至多 64"},
    {"断 X = 存在(登记人员, 最新 存款 > 1.00元/人)\n", "时段 w@ = 近@日\n", 60, "时段至多 64"},
    {"", "渐退 g@ 自 低保待遇\n  @月 依据 甲 一\n", 70, "时段至多 64"},
    {"", "统计 t@ 题 = 含未知(收入)\n", 40, "统计至多 32"},
    {"查 c 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n",
     "例 c 一@ 日期 2021-06-30 农村 人口 1 工资 @.00 得 查 c\n", 4200, "例至多"},
    {"查 c 试\n  依据 甲 一\n  当 贫\n  理由 \"理\"\n例 c 一 日期 2021-06-30 农村 人口 1", " 工资 @.00", 600,
     "事实太多,至多 512 个"},
};

START_TEST(too_many_of_each)
{
    struct fixture fixture;
    struct text text;
    fixture_open(&fixture);
    text_init(&text);
    char *prelude = after_prelude("");
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        text_add_str(&text, prelude);
        text_add_str(&text, lists[i].before);
        for (int n = 1; n <= lists[i].count; n++)
            add_line(&text, lists[i].line, n);
        text_add_str(&text, i + 1 == sizeof lists / sizeof lists[0] ? " 得 查 c\n" : "\n");
        expect(&fixture, &text, lists[i].told);
    }
    free(prelude);
    text_fini(&text);
    fixture_close(&fixture);
}
END_TEST

/* 收入 is none of [from, to]. */
static void add_unequal(struct text *text, int from, int to)
{
    for (int i = from; i <= to; i++)
        text_printf(text, "  当 收入 ≠ %d.00元/年/户\n", i);
}

static void add_clause(struct text *text, const char *head, int from, int to, const char *rest)
{
    text_printf(text, "%s\n  依据 甲 一\n", head);
    add_unequal(text, from, to);
    text_printf(text, "%s  事由 收入\n  理由 \"理\"\n", rest);
}

/* What is said of clauses beside each other stays true where they have more lines than are looked at: then less is said. */
START_TEST(more_lines_than_are_looked_at)
{
    static const struct {
        int lines, asked;
        size_t warnings;
    } cases[] = {{96, 1, 1}, {96, 96, 1}, {97, 96, 1}, {97, 97, 0}};
    struct fixture fixture;
    struct text text;
    fixture_open(&fixture);
    text_init(&text);
    char *prelude = after_prelude("");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        text_add_str(&text, prelude);
        add_clause(&text, "红 r.a 一", 1, cases[i].lines, "");
        add_clause(&text, "红 r.b 二", cases[i].asked, cases[i].asked, "");
        fixture_compile_good(&fixture, text.bytes, "superfluous");
        ck_assert_uint_eq(policy_warnings(fixture.policy)->count, cases[i].warnings);
        text_clear(&text);
    }

    text_add_str(&text, prelude);
    add_clause(&text, "红 r.a 一", 1, 40, "  有效 6月\n");
    add_clause(&text, "红 r.b 一", 101, 150, "  有效 12月\n");
    expect(&fixture, &text, "有效期不同");

    /* No income is both: the last line of the one excludes a line of the other. */
    text_add_str(&text, prelude);
    add_clause(&text, "红 r.a 一", 1, 60, "  有效 6月\n");
    add_clause(&text, "红 r.b 一", 101, 150, "  且 收入 = 5.00元/年/户\n  有效 12月\n");
    fixture_compile_good(&fixture, text.bytes, "apart");
    free(prelude);
    text_fini(&text);
    fixture_close(&fixture);
}
END_TEST

START_TEST(too_much_in_english)
{
    struct fixture fixture;
    struct text text;
    fixture_open(&fixture);
    text_init(&text);
    static const char english[] =
        "policy x version 1 effective 2021-01-01\ndocument d \"t\"\nfact dead : occurrence take event.death\n"
        "fact wage : yuan range 0..1.00 take income.wage\npeople members = registered among not ever happened dead\n";
    text_add_str(&text, english);
    for (int i = 0; i < 4200; i++)
        text_printf(&text, "setting s%d : ratio = 1 cite d a\n", i);
    expect(&fixture, &text, "at most 4096 names");
    text_add_str(&text, english);
    for (int i = 1; i < 4000; i++)
        text_printf(&text, "holds h%d = sum(members, last_12_months wage) * %d > %d.01yuan/year/household\n",
                    i, i + 1, i);
    expect(&fixture, &text, "at most 8192 steps");
    text_fini(&text);
    fixture_close(&fixture);
}
END_TEST

START_TEST(too_deep)
{
    struct fixture fixture;
    struct text text;
    fixture_open(&fixture);
    text_init(&text);
    append(&text, "(", POLICY_TEXT_MAX_BYTES);
    memcpy(text.bytes, "policy x", 8);
    ck_assert_int_eq(fixture_compile(&fixture, text.bytes, text.length), STATUS_CONFIG);
    text_fini(&text);
    fixture_close(&fixture);
}
END_TEST

Suite *policy_hostile_suite(void)
{
    Suite *suite = suite_create("policy hostile");
    TCase *tcase = tcase_create("hostile");
    tcase_set_timeout(tcase, 240);
    tcase_add_test(tcase, cut_off_anywhere);
    tcase_add_test(tcase, scrambled);
    tcase_add_test(tcase, deep_and_long);
    tcase_add_test(tcase, long_chains_of_definitions);
    tcase_add_test(tcase, too_much);
    tcase_add_test(tcase, too_many_of_each);
    tcase_add_test(tcase, more_lines_than_are_looked_at);
    tcase_add_test(tcase, too_much_in_english);
    tcase_add_test(tcase, too_deep);
    suite_add_tcase(suite, tcase);
    return suite;
}
