/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "cases.h"
#include "source/manifest.h"

#include <string.h>

static const char *const right[][2] = {
    {"feed", "\"housing\""},
    {"batch", "\"housing-2021-06\""},
    {"period_from", "\"2021-06-01\""},
    {"period_to", "\"2021-06-30\""},
    {"mode", "\"delta\""},
    {"rows", "3"},
    {"sha256", "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""},
    {"sent_at", "\"2021-07-05T08:00:00+08:00\""},
    {"more", "1"},
};

static void compose(struct text *out, const char *key, const char *value)
{
    text_clear(out);
    text_add_str(out, "{");
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        bool replaced = strcmp(right[i][0], key) == 0;
        if (replaced && strcmp(value, "-") == 0)
            continue;
        text_printf(out, "%s\"%s\": %s", out->length > 1 ? ", " : "", right[i][0],
                    replaced ? value : right[i][1]);
    }
    text_add_str(out, "}");
}

static struct slice slice_from(const struct text *text)
{
    return (struct slice){text->bytes, text->length};
}

START_TEST(each_key)
{
    struct text text;
    text_init(&text);
    struct cases *cases = cases_open("manifests.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        compose(&text, row->cell[0].bytes, row->cell[1].bytes);
        struct manifest manifest;
        struct error err;
        enum status status = manifest_parse(slice_from(&text), &manifest, &err);
        const char *said = status == STATUS_OK ? "ok" : err.text;
        ck_assert_msg(case_is(row, 2, said), "%s: found %s", cases_where(cases), said);
        ck_assert(status == STATUS_OK || status == STATUS_REJECT);
        /* What was right is known all the same, so that the refusal has a name. */
        if (!case_is(row, 0, "batch"))
            ck_assert_str_eq(manifest.batch, "housing-2021-06");
    }
    cases_close(cases);
    text_fini(&text);
}
END_TEST

START_TEST(what_is_read)
{
    struct text text;
    text_init(&text);
    compose(&text, "", "");
    struct manifest manifest;
    struct error err;
    ck_assert_int_eq(manifest_parse(slice_from(&text), &manifest, &err), STATUS_OK);
    char from[CIVIL_TEXT_SIZE], to[CIVIL_TEXT_SIZE];
    ck_assert_str_eq(manifest.feed, "housing");
    ck_assert_str_eq(civil_format(manifest.period_from, from), "2021-06-01");
    ck_assert_str_eq(civil_format(manifest.period_to, to), "2021-06-30");
    ck_assert_int_eq(manifest.mode, MANIFEST_DELTA);
    ck_assert_int_eq(manifest.rows, 3);
    ck_assert_str_eq(manifest.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    ck_assert_int_eq(manifest.sent_at_unix_ms, INT64_C(1625443200000));
    text_fini(&text);
}
END_TEST

START_TEST(a_byte_order_mark_is_no_content)
{
    struct text text, marked;
    text_init(&text);
    text_init(&marked);
    compose(&text, "", "");
    text_add_str(&marked, "\xEF\xBB\xBF");
    text_add(&marked, text.bytes, text.length);
    struct manifest manifest;
    struct error err;
    ck_assert_int_eq(manifest_parse(slice_from(&marked), &manifest, &err), STATUS_OK);
    ck_assert_str_eq(manifest.batch, "housing-2021-06");
    text_fini(&marked);
    text_fini(&text);
}
END_TEST

static void expect_refusal(struct slice text, const char *said)
{
    struct manifest manifest;
    struct error err;
    ck_assert_int_eq(manifest_parse(text, &manifest, &err), STATUS_REJECT);
    ck_assert_str_eq(err.text, said);
}

START_TEST(no_manifest)
{
    expect_refusal(slice_of(""), "manifest: line 1, column 0: found no JSON, expected one object");
    expect_refusal(slice_of("{\"feed\": \"a\", \"feed\": \"b\"}"),
                   "manifest: line 1, column 20: found no JSON, expected one object");
    expect_refusal(slice_of("[1]"), "manifest: found an array, expected an object");
    struct text deep;
    text_init(&deep);
    for (int i = 0; i < 30000; i++)
        text_add_str(&deep, "[");
    struct manifest manifest;
    struct error err;
    ck_assert_int_eq(manifest_parse(slice_from(&deep), &manifest, &err), STATUS_REJECT);
    while (deep.length <= MANIFEST_BYTES_MAX)
        text_add_str(&deep, " ");
    expect_refusal(slice_from(&deep), "manifest: found 65537 bytes, expected at most 65536");
    text_fini(&deep);
}
END_TEST

/* A manifest that is cut off anywhere is refused, and one that is whole is not. */
START_TEST(cut_at_every_byte)
{
    struct text text;
    text_init(&text);
    compose(&text, "", "");
    for (size_t length = 0; length < text.length; length++) {
        struct manifest manifest;
        struct error err;
        ck_assert_int_eq(manifest_parse((struct slice){text.bytes, length}, &manifest, &err), STATUS_REJECT);
    }
    text_fini(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("manifest");
    TCase *tests = tcase_create("manifest");
    tcase_add_test(tests, each_key);
    tcase_add_test(tests, what_is_read);
    tcase_add_test(tests, a_byte_order_mark_is_no_content);
    tcase_add_test(tests, no_manifest);
    tcase_add_test(tests, cut_at_every_byte);
    suite_add_tcase(suite, tests);
    return unit_run((Suite *const[]){suite}, 1);
}
