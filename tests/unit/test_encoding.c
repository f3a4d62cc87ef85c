/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "cases.h"
#include "source/encoding.h"

#include <string.h>

/* Every cut into two pieces, and byte by byte. */
static void scan_pieces(struct slice input, size_t cut, struct encoding_scan *scan)
{
    encoding_scan_init(scan);
    if (cut > input.length) {
        for (size_t i = 0; i < input.length; i++)
            encoding_scan_add(scan, input.bytes + i, 1);
    } else {
        encoding_scan_add(scan, input.bytes, cut);
        encoding_scan_add(scan, input.bytes + cut, input.length - cut);
    }
    encoding_scan_end(scan);
}

START_TEST(utf8_or_not)
{
    struct cases *cases = cases_open("encodings.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));)
        for (size_t cut = 0; cut <= row->cell[0].length + 1; cut++) {
            struct encoding_scan scan;
            scan_pieces(row->cell[0], cut, &scan);
            bool valid = case_is(row, 1, "(none)");
            ck_assert_msg(scan.invalid == !valid, "%s, cut at %zu", cases_where(cases), cut);
            if (!valid)
                ck_assert_msg((int64_t)scan.invalid_offset == case_number(row, 1),
                              "%s, cut at %zu: found %llu", cases_where(cases), cut,
                              (unsigned long long)scan.invalid_offset);
        }
    cases_close(cases);
}
END_TEST

/* Decodes through an output of 16 bytes; the words for what stopped it are appended. */
static void decode(struct slice input, struct text *out)
{
    struct encoding_gb18030 *decoder;
    struct error err;
    ck_assert_int_eq(encoding_gb18030_new(&decoder, &err), STATUS_OK);
    size_t at = 0;
    for (;;) {
        char piece[16];
        size_t used, made;
        bool valid = encoding_gb18030_decode(decoder, input.bytes + at, input.length - at, &used, piece,
                                             sizeof piece, &made);
        text_add(out, piece, made);
        at += used;
        if (!valid || (used == 0 && made == 0)) {
            if (!valid || at < input.length) {
                text_clear(out);
                text_printf(out, "%s@%zu", valid ? "incomplete" : "invalid", at);
            }
            break;
        }
    }
    encoding_gb18030_free(decoder);
}

START_TEST(gb18030)
{
    struct text out;
    text_init(&out);
    struct cases *cases = cases_open("encodings.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        if (case_is(row, 2, "-"))
            continue;
        text_clear(&out);
        text_add_str(&out, "");
        decode(row->cell[0], &out);
        ck_assert_msg(slice_equal((struct slice){out.bytes, out.length}, row->cell[2]), "%s: found %s",
                      cases_where(cases), out.bytes);
    }
    cases_close(cases);
    text_fini(&out);
}
END_TEST

START_TEST(names)
{
    enum encoding encoding;
    for (int i = ENCODING_AUTO; i <= ENCODING_GB18030; i++) {
        ck_assert(encoding_parse(slice_of(encoding_name((enum encoding)i)), &encoding));
        ck_assert_int_eq(encoding, i);
    }
    ck_assert(!encoding_parse(slice_of("latin1"), &encoding));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("encoding");
    TCase *tests = tcase_create("encoding");
    tcase_add_test(tests, utf8_or_not);
    tcase_add_test(tests, gb18030);
    tcase_add_test(tests, names);
    suite_add_tcase(suite, tests);
    return unit_run((Suite *const[]){suite}, 1);
}
