/* SPDX-License-Identifier: PostgreSQL */
/* Arena, status, money, random; the other suites of base stand in their own files. */
#include "test_base.h"

#include "base/arena.h"
#include "base/money.h"
#include "base/random.h"
#include "base/status.h"
#include "cases.h"

#include <stdalign.h>
#include <string.h>

/* An assertion for each byte would take seconds. */
static bool filled_with(const unsigned char *bytes, size_t count, unsigned char value)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

START_TEST(arena_gives_zeroed_aligned_memory)
{
    struct arena *arena = arena_new(0);
    for (size_t bytes = 0; bytes < 3000; bytes += 7) {
        unsigned char *memory = arena_alloc(arena, bytes);
        ck_assert_ptr_nonnull(memory);
        ck_assert_uint_eq((uintptr_t)memory % alignof(max_align_t), 0);
        ck_assert(filled_with(memory, bytes, 0));
        memset(memory, 0xA5, bytes);
    }
    arena_free(arena);
}
END_TEST

START_TEST(arena_keeps_its_allocations_apart)
{
    struct arena *arena = arena_new(0);
    unsigned char *block[200];
    size_t size[200];
    struct random random;
    random_seed(&random, 7);
    for (int i = 0; i < 200; i++) {
        size[i] = (size_t)random_below(&random, i % 10 == 0 ? 100000 : 300) + 1;
        block[i] = arena_alloc(arena, size[i]);
        memset(block[i], i, size[i]);
    }
    for (int i = 0; i < 200; i++)
        ck_assert(filled_with(block[i], size[i], (unsigned char)i));
    arena_free(arena);
}
END_TEST

START_TEST(arena_holds_to_its_budget)
{
    struct arena *arena = arena_new(1000);
    ck_assert_ptr_nonnull(arena_alloc(arena, 900));
    ck_assert_ptr_null(arena_alloc(arena, 200));
    ck_assert_ptr_nonnull(arena_alloc(arena, 50));
    ck_assert_ptr_null(arena_alloc(arena, 51));
    arena_free(arena);

    arena = arena_new(10);
    ck_assert_ptr_null(arena_alloc(arena, 11));
    ck_assert_ptr_nonnull(arena_alloc(arena, 10));
    ck_assert_ptr_null(arena_alloc(arena, 1));
    arena_free(arena);

    /* However small the pieces: never more than the budget in all. */
    arena = arena_new(100000);
    size_t pieces = 0;
    while (arena_alloc(arena, 16))
        pieces++;
    ck_assert_uint_ge(pieces * 16, 90000);
    ck_assert_uint_le(pieces * 16, 100000);
    arena_free(arena);
}
END_TEST

START_TEST(arena_refuses_sizes_that_overflow)
{
    struct arena *arena = arena_new(0);
    ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX));
    ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX - 64));
    ck_assert_ptr_null(arena_array(arena, SIZE_MAX / 2, 3));
    ck_assert_ptr_null(arena_copy(arena, "", SIZE_MAX));
    ck_assert_ptr_nonnull(arena_array(arena, 3, 4));
    arena_free(arena);
    arena_free(NULL);
}
END_TEST

START_TEST(arena_copies_texts)
{
    struct arena *arena = arena_new(0);
    ck_assert_str_eq(arena_strdup(arena, "守望"), "守望");
    ck_assert_str_eq(arena_copy(arena, "abcdef", 3), "abc");
    ck_assert_str_eq(arena_copy(arena, NULL, 0), "");
    ck_assert_str_eq(arena_printf(arena, "%s=%d", "rows", 12), "rows=12");
    arena_free(arena);
}
END_TEST

START_TEST(error_keeps_status_and_text)
{
    struct error err;
    ck_assert_int_eq(error_set(&err, STATUS_REJECT, "line %d: %s", 7, "no date"), STATUS_REJECT);
    ck_assert_int_eq(err.status, STATUS_REJECT);
    ck_assert_str_eq(err.text, "line 7: no date");
    ck_assert_int_eq(error_wrap(&err, "file %s", "a.csv"), STATUS_REJECT);
    ck_assert_str_eq(err.text, "file a.csv: line 7: no date");
    /* The old text may be an argument of the new. */
    error_set(&err, STATUS_RETRY, "again: %s", err.text);
    ck_assert_str_eq(err.text, "again: file a.csv: line 7: no date");
    ck_assert_int_eq(error_set(NULL, STATUS_RETRY, "nobody reads this"), STATUS_RETRY);
}
END_TEST

START_TEST(error_is_cut_at_a_whole_character)
{
    struct error err;
    char wide[ERROR_TEXT_MAX * 2];
    for (size_t offset = 0; offset < 3; offset++) {
        memset(wide, 'a', offset);
        for (size_t at = offset; at + 4 < sizeof wide; at += 3)
            memcpy(wide + at, "望", 4);
        error_set(&err, STATUS_FATAL, "%s", wide);
        size_t length = strlen(err.text);
        ck_assert_uint_gt(length, ERROR_TEXT_MAX - 4);
        ck_assert(utf8_valid(err.text, length));
        error_wrap(&err, "望%s", "b");
        ck_assert(utf8_valid(err.text, strlen(err.text)));
        ck_assert_msg(strncmp(err.text, "望b: ", 6) == 0, "%s", err.text);
    }
}
END_TEST

START_TEST(status_has_names_and_exit_codes)
{
    static const struct {
        enum status status;
        const char *name;
        int exit_code;
    } expected[] = {{STATUS_OK, "ok", 0},
                    {STATUS_RETRY, "retry", 75},
                    {STATUS_REJECT, "reject", 65},
                    {STATUS_CONFIG, "config", 78},
                    {STATUS_FATAL, "fatal", 70}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ck_assert_str_eq(status_name(expected[i].status), expected[i].name);
        ck_assert_int_eq(status_exit_code(expected[i].status), expected[i].exit_code);
    }
}
END_TEST

/* money.tsv: text, fen or refused, why */
START_TEST(money_is_read_as_the_exchange_format_says)
{
    struct cases *cases = cases_open("money.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases));) {
        int64_t fen = -77;
        bool ok = money_parse(row->cell[0], &fen);
        if (case_is(row, 1, "refused")) {
            ck_assert_msg(!ok, "%s", cases_where(cases));
            ck_assert_msg(fen == -77, "%s: *fen was touched", cases_where(cases));
        } else {
            ck_assert_msg(ok && fen == case_number(row, 1), "%s: got %jd", cases_where(cases), (intmax_t)fen);
        }
    }
    cases_close(cases);
}
END_TEST

START_TEST(money_is_written_with_two_decimals)
{
    static const struct {
        int64_t fen;
        const char *text;
    } expected[] = {{0, "0.00"},
                    {1, "0.01"},
                    {-1, "-0.01"},
                    {483000, "4830.00"},
                    {-483010, "-4830.10"},
                    {MONEY_PARSE_MAX_FEN, "999999999999.99"},
                    {INT64_MAX, "92233720368547758.07"},
                    {INT64_MIN, "-92233720368547758.08"}};
    char out[MONEY_TEXT_SIZE];
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_str_eq(money_format(expected[i].fen, out), expected[i].text);
}
END_TEST

START_TEST(random_is_repeatable_and_published)
{
    /* The reference implementation's output for the state 1, 2, 3, 4. */
    static const uint64_t published[] = {11520, 0, 1509978240, 1215971899390074240};
    struct random random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(random_next(&random), published[i]);
    struct random a, b, c;
    random_seed(&a, 5);
    random_seed(&b, 5);
    random_seed(&c, 6);
    ck_assert_uint_eq(random_next(&a), random_next(&b));
    ck_assert_uint_ne(random_next(&a), random_next(&c));
}
END_TEST

START_TEST(random_below_is_fair)
{
    struct random random;
    random_seed(&random, 11);
    int seen[7] = {0};
    for (int i = 0; i < 70000; i++)
        seen[random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++) {
        ck_assert_int_gt(seen[i], 9500);
        ck_assert_int_lt(seen[i], 10500);
    }
    ck_assert_uint_eq(random_below(&random, 1), 0);
    /* A bound above 2^63 shows a missing rejection: the plain remainder would favour the lower half 2 to 1.
     */
    uint64_t bound = UINT64_C(3) << 62;
    int low = 0;
    for (int i = 0; i < 30000; i++)
        low += random_below(&random, bound) < UINT64_C(1) << 62;
    ck_assert_int_gt(low, 9500);
    ck_assert_int_lt(low, 10500);
}
END_TEST

START_TEST(uuid_carries_its_time_version_and_variant)
{
    char a[UUID_TEXT_SIZE], b[UUID_TEXT_SIZE];
    uuid_v7(INT64_C(0x017F22E279B0), a); /* the example of RFC 9562, appendix A.6 */
    ck_assert_uint_eq(strlen(a), UUID_TEXT_SIZE - 1);
    ck_assert_msg(strncmp(a, "017f22e2-79b0-7", 15) == 0, "%s", a);
    ck_assert_ptr_nonnull(strchr("89ab", a[19]));
    ck_assert_uint_eq(strspn(a, "0123456789abcdef-"), UUID_TEXT_SIZE - 1);
    uuid_v7(INT64_C(0x017F22E279B0), b);
    ck_assert_str_ne(a, b);
}
END_TEST

static Suite *basics_suite(void)
{
    Suite *suite = suite_create("base");
    TCase *arena = tcase_create("arena");
    tcase_add_test(arena, arena_gives_zeroed_aligned_memory);
    tcase_add_test(arena, arena_keeps_its_allocations_apart);
    tcase_add_test(arena, arena_holds_to_its_budget);
    tcase_add_test(arena, arena_refuses_sizes_that_overflow);
    tcase_add_test(arena, arena_copies_texts);
    suite_add_tcase(suite, arena);
    TCase *status = tcase_create("status");
    tcase_add_test(status, error_keeps_status_and_text);
    tcase_add_test(status, error_is_cut_at_a_whole_character);
    tcase_add_test(status, status_has_names_and_exit_codes);
    suite_add_tcase(suite, status);
    TCase *money = tcase_create("money");
    tcase_add_test(money, money_is_read_as_the_exchange_format_says);
    tcase_add_test(money, money_is_written_with_two_decimals);
    suite_add_tcase(suite, money);
    TCase *random = tcase_create("random");
    tcase_add_test(random, random_is_repeatable_and_published);
    tcase_add_test(random, random_below_is_fair);
    tcase_add_test(random, uuid_carries_its_time_version_and_variant);
    suite_add_tcase(suite, random);
    return suite;
}

int main(void)
{
    Suite *suites[] = {basics_suite(), text_suite(), time_suite(), log_suite()};
    return unit_run(suites, sizeof suites / sizeof suites[0]);
}
