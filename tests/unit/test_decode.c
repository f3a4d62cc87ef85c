/* SPDX-License-Identifier: PostgreSQL */
/*
 * The scans that take many bytes at a time against slow ones that cannot be wrong, on random text: quotes, line ends of both
 * kinds, quoted line ends, BOMs, NULs and broken UTF-8, cut into windows everywhere. SHOUWANG_SEEDS makes it longer.
 */
#include "config.h"

#include "base/civil.h"
#include "base/money.h"
#include "base/random.h"
#include "base/utf8_scan.h"
#include "cases.h"
#include "domain/resident_id.h"
#include "source/csv.h"
#include "source/encoding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_PER_SEED = 60 };

static struct csv csv; /* large; each test runs in a process of its own */

static unsigned rounds(void)
{
    const char *seeds = getenv("SHOUWANG_SEEDS");
    return (seeds ? (unsigned)atoi(seeds) : 2) * ROUNDS_PER_SEED;
}

/* --- random text ---------------------------------------------------------------------------------------------- */

struct piece {
    const char *bytes;
    size_t length;
};
#define PIECE(literal)                                                                                       \
    {                                                                                                        \
        literal, sizeof literal - 1                                                                          \
    }

static const struct piece csv_pieces[] = {
    PIECE(","),
    PIECE(","),
    PIECE(","),
    PIECE("\n"),
    PIECE("\n"),
    PIECE("\r\n"),
    PIECE("\r"),
    PIECE("\""),
    PIECE("\"\""),
    PIECE("a"),
    PIECE("b c"),
    PIECE("12.50"),
    PIECE("2021-06-30"),
    PIECE("王"),
    PIECE("\xEF\xBB\xBF"),
    PIECE("\"x\""),
    PIECE("\"x,y\""),
    PIECE("\"x\ny\""),
    PIECE("\"x\r\ny\"\"z\""),
    PIECE("\xC3"),
    PIECE("\xAC"),
    PIECE("\x8A\xA2"), /* the marks' low halves, with the high bit */
};
static const struct piece utf8_pieces[] = {
    PIECE("a"),
    PIECE("abcdefghijklmnopqrstuvwxyz"),
    PIECE("\xC2\x80"),
    PIECE("\xDF\xBF"),
    PIECE("\xE0\xA0\x80"),
    PIECE("王"),
    PIECE("\xED\x9F\xBF"),
    PIECE("\xEE\x80\x80"),
    PIECE("\xF0\x90\x80\x80"),
    PIECE("\xF4\x8F\xBF\xBF"),
};

static size_t add_piece(struct random *random, const struct piece *pieces, size_t count, char *out)
{
    const struct piece *piece = &pieces[random_below(random, count)];
    memcpy(out, piece->bytes, piece->length);
    return piece->length;
}

/* At most size bytes; now and then one of them is changed. */
static size_t random_text(struct random *random, const struct piece *pieces, size_t count, char *out,
                          size_t size)
{
    enum { LONGEST = 32 };
    size_t length = 0, wanted = size > LONGEST ? random_below(random, size - LONGEST) : 0;
    while (length < wanted)
        length += add_piece(random, pieces, count, out + length);
    for (uint64_t hits = random_below(random, 3); length > 0 && hits > 0; hits--)
        out[random_below(random, length)] = (char)random_below(random, 256);
    return length;
}

/* --- UTF-8 ---------------------------------------------------------------------------------------------------- */

static size_t well_formed_slowly(const char *bytes, size_t length)
{
    size_t at = 0;
    for (size_t step; at < length && (step = utf8_char_length(bytes + at, length - at)) > 0;)
        at += step;
    return at;
}

static void check_utf8(const char *bytes, size_t length)
{
    size_t expected = well_formed_slowly(bytes, length);
    ck_assert_uint_eq(utf8_scan_portable(bytes, length), expected);
    if (utf8_scan_has_avx2())
        ck_assert_uint_eq(utf8_scan_avx2(bytes, length), expected);
    ck_assert_uint_eq(utf8_well_formed(bytes, length), expected);
}

START_TEST(utf8_at_random)
{
    enum { SIZE = 1000 };
    struct random random;
    random_seed(&random, 1);
    for (unsigned i = 0; i < rounds() * 10; i++) {
        char text[SIZE];
        size_t length =
            random_text(&random, utf8_pieces, sizeof utf8_pieces / sizeof *utf8_pieces, text, SIZE);
        char *exact = malloc(length + 1); /* of that size, so that a sanitizer sees every byte too far */
        memcpy(exact, text, length);
        check_utf8(exact, length);
        size_t cut = random_below(&random, length + 1);
        check_utf8(exact + cut, length - cut);
        free(exact);
    }
}
END_TEST

/* Every sequence of four telling bytes, over the end of a block and within one. */
START_TEST(utf8_at_the_edges)
{
    static const unsigned char telling[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1,
                                            0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
    enum { COUNT = sizeof telling, LENGTH = 130 };
    char text[LENGTH];
    memset(text, 'x', sizeof text);
    for (unsigned number = 0; number < COUNT * COUNT * COUNT * COUNT; number++) {
        size_t place = 61 + number % 3;
        memset(text + 60, 'x', 8);
        for (unsigned i = 0, rest = number; i < 4; i++, rest /= COUNT)
            text[place + i] = (char)telling[rest % COUNT];
        size_t expected = well_formed_slowly(text, LENGTH);
        if (utf8_scan_has_avx2() && utf8_scan_avx2(text, LENGTH) != expected)
            ck_abort_msg("sequence %u", number);
        if (utf8_scan_portable(text, LENGTH) != expected)
            ck_abort_msg("sequence %u", number);
    }
}
END_TEST

START_TEST(encoding_in_pieces)
{
    enum { SIZE = 600 };
    struct random random;
    random_seed(&random, 2);
    for (unsigned i = 0; i < rounds(); i++) {
        char text[SIZE];
        size_t length =
            random_text(&random, utf8_pieces, sizeof utf8_pieces / sizeof *utf8_pieces, text, SIZE);
        size_t expected = well_formed_slowly(text, length);
        for (size_t cut = 0; cut <= length; cut++) {
            struct encoding_scan scan;
            encoding_scan_init(&scan);
            encoding_scan_add(&scan, text, cut);
            encoding_scan_add(&scan, text + cut, length - cut);
            encoding_scan_end(&scan);
            ck_assert_int_eq(scan.invalid, expected < length);
            if (scan.invalid)
                ck_assert_uint_eq(scan.invalid_offset, expected);
        }
    }
}
END_TEST

/* --- CSV, byte by byte ---------------------------------------------------------------------------------------- */

struct slow {
    const char *text;
    size_t length, at;
    uint64_t line;
    unsigned columns; /* 0 before the header */
    /* the row */
    struct text fields; /* separated by '|' */
    unsigned count;
    size_t first_length;
    enum csv_fault fault;
    uint64_t fault_line;
    unsigned found;
};

static bool at_row_end(const struct slow *slow)
{
    return slow->at == slow->length || slow->text[slow->at] == '\n';
}

static void spoil(struct slow *slow, enum csv_fault fault, unsigned field)
{
    if (slow->fault != CSV_FAULT_NONE)
        return;
    slow->fault = fault;
    slow->fault_line = slow->line;
    slow->found = field;
}

static bool break_off(struct slow *slow, enum csv_fault fault, uint64_t line)
{
    slow->fault = fault;
    slow->fault_line = line;
    return false;
}

static void put(struct slow *slow, const struct text *field)
{
    if (slow->count == 0)
        slow->first_length = field->length;
    if (field->length > CSV_FIELD_MAX)
        spoil(slow, CSV_FAULT_FIELD_LENGTH, slow->count + 1);
    text_add_str(&slow->fields, slow->count++ ? "|" : "");
    text_add(&slow->fields, field->bytes, field->length);
}

static bool read_quoted(struct slow *slow, struct text *field)
{
    uint64_t opened = slow->line;
    for (slow->at++;; slow->at++) {
        if (slow->at == slow->length)
            return break_off(slow, CSV_FAULT_UNCLOSED, opened);
        char c = slow->text[slow->at];
        if (c == '\0')
            return break_off(slow, CSV_FAULT_NUL, slow->line);
        if (c == '"' && (slow->at + 1 == slow->length || slow->text[slow->at + 1] != '"'))
            break;
        if (c == '"')
            slow->at++;
        slow->line += c == '\n';
        text_add_char(field, c);
    }
    slow->at++;
    return true;
}

static bool read_unquoted(struct slow *slow, struct text *field)
{
    for (; !at_row_end(slow) && slow->text[slow->at] != ','; slow->at++) {
        char c = slow->text[slow->at];
        if (c == '\0')
            return break_off(slow, CSV_FAULT_NUL, slow->line);
        if (c == '"')
            spoil(slow, CSV_FAULT_QUOTE, slow->count + 1);
        text_add_char(field, c);
    }
    if (at_row_end(slow) && field->length > 0 && field->bytes[field->length - 1] == '\r')
        field->length--;
    return true;
}

/* What stands behind a quoted field is read like one without quotes, and must be nothing. */
static bool read_behind(struct slow *slow)
{
    struct text behind;
    text_init(&behind);
    unsigned before = slow->count--; /* it belongs to the field that was put */
    bool whole = read_unquoted(slow, &behind);
    slow->count = before;
    if (whole && behind.length > 0)
        spoil(slow, CSV_FAULT_QUOTE, slow->count);
    text_fini(&behind);
    return whole;
}

static bool read_field(struct slow *slow, struct text *field)
{
    bool quoted = slow->at < slow->length && slow->text[slow->at] == '"';
    text_clear(field);
    text_add_str(field, "");
    if (quoted ? !read_quoted(slow, field) : !read_unquoted(slow, field))
        return false;
    put(slow, field);
    return !quoted || read_behind(slow);
}

static bool read_row(struct slow *slow)
{
    struct text field;
    text_init(&field);
    text_clear(&slow->fields);
    text_add_str(&slow->fields, "");
    slow->count = 0;
    slow->fault = CSV_FAULT_NONE;
    bool whole = read_field(slow, &field);
    while (whole && !at_row_end(slow)) {
        slow->at++;
        whole = read_field(slow, &field);
    }
    text_fini(&field);
    if (!whole)
        return false;
    if (slow->at < slow->length)
        slow->at++;
    slow->line++;
    return true;
}

static void render_fault(enum csv_step step, uint64_t line, enum csv_fault fault, uint64_t fault_line,
                         unsigned found, struct text *out)
{
    if (step == CSV_BROKEN)
        text_printf(out, "#%s@%llu", csv_fault_reason(fault), (unsigned long long)fault_line);
    else
        text_printf(out, "%llu!%s@%llu:%u", (unsigned long long)line, csv_fault_reason(fault),
                    (unsigned long long)fault_line, found);
}

/* The body behind a header of so many columns, which the reader was given. */
static void read_slowly(const char *text, size_t length, unsigned columns, struct text *out)
{
    struct slow slow = {.text = text, .length = length, .line = 1, .columns = columns};
    while (slow.at < slow.length) {
        uint64_t line = slow.line;
        bool quote = slow.text[slow.at] == '"';
        if (!read_row(&slow)) {
            render_fault(CSV_BROKEN, line, slow.fault, slow.fault_line, 0, out);
            break;
        }
        if (slow.fault == CSV_FAULT_NONE && slow.count == 1 && slow.first_length == 0 && !quote)
            continue;
        if (slow.fault == CSV_FAULT_NONE && slow.count != columns) {
            slow.fault = CSV_FAULT_FIELD_COUNT;
            slow.fault_line = line;
            slow.found = slow.count;
        }
        if (slow.fault != CSV_FAULT_NONE) {
            render_fault(CSV_BAD_ROW, line, slow.fault, slow.fault_line, slow.found, out);
            continue;
        }
        text_printf(out, "%llu(", (unsigned long long)line);
        text_add(out, slow.fields.bytes, slow.fields.length);
        text_add_str(out, ")");
    }
    text_fini(&slow.fields);
}

/* --- CSV, as the daemon reads it -------------------------------------------------------------------------------- */

static bool render_step(enum csv_step step, struct text *out)
{
    if (step == CSV_ROW) {
        text_printf(out, "%llu(", (unsigned long long)csv.line);
        for (unsigned i = 0; i < csv.columns; i++) {
            text_add_str(out, i ? "|" : "");
            text_add(out, csv.field[i].bytes, csv.field[i].length);
        }
        text_add_str(out, ")");
        return true;
    }
    if (step == CSV_BAD_ROW || step == CSV_BROKEN)
        render_fault(step, csv.line, csv.fault, csv.fault_line, csv.found, out);
    return step == CSV_BAD_ROW;
}

/* Windows that end at the cuts and at the end; each is memory of its own. */
static void read_in_windows(const char *text, size_t length, const size_t *cuts, size_t count,
                            unsigned columns, csv_scan *scan, struct text *out)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    text_clear(out);
    text_add_str(out, "");
    csv_adopt_header(&csv, names, columns);
    csv.scan = scan;
    csv_window(&csv, "", 0, false);
    size_t end = 0;
    for (size_t i = 0; i <= count; i++) {
        size_t from = end - csv_rest(&csv);
        end = i < count ? cuts[i] : length;
        char *window = malloc(end > from ? end - from : 1);
        memcpy(window, text + from, end - from);
        csv_window(&csv, window, end - from, i == count);
        enum csv_step step;
        while ((step = csv_next(&csv)) != CSV_MORE && render_step(step, out))
            ;
        free(window);
        if (step != CSV_MORE)
            return;
    }
}

static void check_csv(const char *text, size_t length, const size_t *cuts, size_t count, unsigned columns,
                      const struct text *expected, struct text *found)
{
    csv_scan *const scans[] = {csv_scan_portable, csv_scan_best()};
    for (size_t i = 0; i < 2; i++) {
        read_in_windows(text, length, cuts, count, columns, scans[i], found);
        size_t same = 0;
        while (same < found->length && same < expected->length && found->bytes[same] == expected->bytes[same])
            same++;
        if (same < found->length || same < expected->length) {
            size_t from = same < 100 ? 0 : same - 100;
            ck_abort_msg("scan %zu, cut at %zu:\nfound    %.200s\nexpected %.200s", i, cuts[0],
                         found->bytes + from, expected->bytes + from);
        }
    }
}

/* Texts dense with what matters, in pieces: both scans say the same of each, and stop in the same phase. */
START_TEST(scans_agree)
{
    enum { SIZE = 400 };
    static const char alphabet[] = {',', ',', '"',    '"',    '\n',   '\r',  '\0',
                                    'a', '0', '\xA2', '\xAC', '\x8A', '\x80'};
    struct random random;
    random_seed(&random, 11);
    csv_scan *best = csv_scan_best();
    for (unsigned i = 0; i < rounds() * 20; i++) {
        char text[SIZE];
        uint32_t one[SIZE + CSV_SCAN_SLACK], other[SIZE + CSV_SCAN_SLACK];
        /* from nothing but letters to nothing but marks */
        uint64_t letters = random_below(&random, 40);
        for (size_t at = 0; at < SIZE; at++)
            text[at] =
                random_below(&random, 40) < letters ? 'x' : alphabet[random_below(&random, sizeof alphabet)];
        struct csv_phase portable = csv_phase_begin(), fast = csv_phase_begin();
        for (size_t at = 0; at < SIZE;) {
            size_t length = 1 + random_below(&random, SIZE - at);
            size_t count = csv_scan_portable(text + at, length, (uint32_t)at, &portable, one);
            ck_assert_uint_eq(best(text + at, length, (uint32_t)at, &fast, other), count);
            ck_assert_int_eq(memcmp(one, other, count * sizeof *one), 0);
            ck_assert(portable.inside == fast.inside && portable.fresh == fast.fresh &&
                      portable.closed == fast.closed);
            ck_assert(portable.quotes == fast.quotes || !portable.quotes);
            at += length;
        }
    }
}
END_TEST

START_TEST(csv_at_every_cut)
{
    enum { SIZE = 260 };
    struct random random;
    struct text expected, found;
    random_seed(&random, 3);
    text_init(&expected);
    text_init(&found);
    for (unsigned i = 0; i < rounds(); i++) {
        char text[SIZE];
        unsigned columns = 1 + (unsigned)random_below(&random, 5);
        size_t length = random_text(&random, csv_pieces, sizeof csv_pieces / sizeof *csv_pieces, text, SIZE);
        text_clear(&expected);
        text_add_str(&expected, "");
        read_slowly(text, length, columns, &expected);
        for (size_t cut = 0; cut <= length; cut++)
            check_csv(text, length, &cut, 1, columns, &expected, &found);
    }
    text_fini(&expected);
    text_fini(&found);
}
END_TEST

static int ascending(const void *a, const void *b)
{
    size_t one = *(const size_t *)a, other = *(const size_t *)b;
    return one < other ? -1 : one > other;
}

/* Rows as feeds have them, with something else in a few; far longer than what is scanned at once. */
static size_t long_text(struct random *random, unsigned columns, char *out, size_t size)
{
    size_t length = 0;
    while (size - length > 400) {
        bool plain = random_below(random, 30) > 0;
        for (unsigned i = 0; plain && i < columns; i++) {
            if (i > 0)
                out[length++] = ',';
            for (uint64_t n = random_below(random, 20); n > 0; n--)
                out[length++] = (char)('0' + random_below(random, 10));
        }
        if (plain && random_below(random, 4) == 0)
            out[length++] = '\r';
        if (plain)
            out[length++] = '\n';
        else
            length += add_piece(random, csv_pieces, sizeof csv_pieces / sizeof *csv_pieces, out + length);
    }
    return length;
}

START_TEST(csv_of_many_windows)
{
    enum { SIZE = 5 * CSV_SCAN_BYTES, CUTS = 6 };
    struct random random;
    struct text expected, found;
    char *text = malloc(SIZE);
    random_seed(&random, 4);
    text_init(&expected);
    text_init(&found);
    for (unsigned i = 0; i < rounds() / 2; i++) {
        size_t cuts[CUTS];
        unsigned columns = 1 + (unsigned)random_below(&random, 8);
        size_t length = long_text(&random, columns, text, SIZE);
        text_clear(&expected);
        text_add_str(&expected, "");
        read_slowly(text, length, columns, &expected);
        for (unsigned j = 0; j < CUTS; j++)
            cuts[j] = random_below(&random, length + 1);
        qsort(cuts, CUTS, sizeof *cuts, ascending);
        check_csv(text, length, cuts, CUTS, columns, &expected, &found);
    }
    text_fini(&expected);
    text_fini(&found);
    free(text);
}
END_TEST

/* --- numbers, digit by digit ------------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One byte of a few texts is changed: to a neighbour of the digits, to a digit, to anything. */
static void change_some(struct random *random, char *text, size_t length)
{
    static const char near[] = "/:0919.-xX ";
    if (length == 0 || random_below(random, 3) > 0)
        return;
    char *at = &text[random_below(random, length)];
    *at = random_below(random, 4) ? near[random_below(random, sizeof near - 1)]
                                  : (char)random_below(random, 256);
}

/* Memory of that size, so that a sanitizer sees every byte too far on either side. */
static struct slice exactly(const char *text, size_t length)
{
    char *bytes = malloc(length ? length : 1);
    memcpy(bytes, text, length);
    return (struct slice){bytes, length};
}

static bool money_slowly(struct slice text, int64_t *fen)
{
    size_t whole = 0;
    *fen = 0;
    while (whole < text.length && is_digit(text.bytes[whole]))
        *fen = *fen * 10 + (text.bytes[whole++] - '0');
    if (whole == 0 || whole > 12)
        return false;
    size_t decimals = text.length - whole;
    for (size_t i = 1; i <= 2; i++) {
        if (i < decimals && !is_digit(text.bytes[whole + i]))
            return false;
        *fen = *fen * 10 + (i < decimals ? text.bytes[whole + i] - '0' : 0);
    }
    return decimals == 0 || (text.bytes[whole] == '.' && (decimals == 2 || decimals == 3));
}

START_TEST(amounts)
{
    struct random random;
    random_seed(&random, 5);
    for (unsigned i = 0; i < rounds() * 200; i++) {
        char text[24];
        size_t length = random_below(&random, 16);
        for (size_t j = 0; j < length; j++)
            text[j] = (char)('0' + random_below(&random, 10));
        if (length > 3 && random_below(&random, 4) > 0)
            text[length - 2 - random_below(&random, 2)] = '.';
        change_some(&random, text, length);
        struct slice exact = exactly(text, length);
        int64_t found = -1, expected;
        bool right = length <= 15 && money_slowly(exact, &expected);
        ck_assert_msg(money_parse(exact, &found) == right && (!right || found == expected),
                      "%.*s: found %lld", (int)length, text, (long long)found);
        free((char *)(uintptr_t)exact.bytes);
    }
}
END_TEST

/* Day by day through all years, which needs no arithmetic on eras; then texts that are nearly dates. */
START_TEST(dates)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    day_t expected = DAY_MIN;
    struct random random;
    random_seed(&random, 6);
    for (int year = 1850; year <= 2999; year++)
        for (int month = 1; month <= 12; month++) {
            bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            int length = lengths[month - 1] + (month == 2 && leap);
            for (int day = 0; day <= 32; day++) {
                char text[3 * 12];
                day_t found = DAY_NONE;
                bool exists = day >= 1 && day <= length;
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, day);
                ck_assert_msg(civil_parse(slice_of(text), &found) == exists, "%s", text);
                if (exists)
                    ck_assert_msg(found == expected++, "%s: found %d", text, (int)found);
            }
        }
    ck_assert_int_eq(expected, DAY_MAX + 1);
    for (unsigned i = 0; i < rounds() * 100; i++) {
        char text[16], again[CIVIL_TEXT_SIZE];
        day_t day = DAY_MIN + (day_t)random_below(&random, DAY_MAX - DAY_MIN + 1), found;
        civil_format(day, text);
        change_some(&random, text, 10);
        struct slice exact = exactly(text, 10);
        if (civil_parse(exact, &found))
            ck_assert_msg(memcmp(civil_format(found, again), text, 10) == 0, "%s is no date", text);
        else
            ck_assert_msg(memcmp(civil_format(day, again), text, 10) != 0, "%s is a date", text);
        free((char *)(uintptr_t)exact.bytes);
    }
}
END_TEST

/* By the weights and check characters as GB 11643 prints them. */
static enum resident_id_verdict id_slowly(const char *text, uint64_t *packed)
{
    static const unsigned weights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
    static const char checks[] = "10X98765432";
    unsigned sum = 0;
    uint64_t number = 0;
    char date[11];
    day_t birth;
    for (int i = 0; i < 17; i++) {
        if (!is_digit(text[i]))
            return RESIDENT_ID_CHARACTER;
        sum += weights[i] * (unsigned)(text[i] - '0');
        number = number * 10 + (unsigned)(text[i] - '0');
    }
    char last = text[17] == 'x' ? 'X' : text[17];
    if (last != 'X' && !is_digit(last))
        return RESIDENT_ID_CHARACTER;
    snprintf(date, sizeof date, "%.4s-%.2s-%.2s", text + 6, text + 10, text + 12);
    if (!civil_parse(slice_of(date), &birth))
        return RESIDENT_ID_BIRTH_DATE;
    *packed = number * 11 + (last == 'X' ? 10 : (unsigned)(last - '0'));
    return checks[sum % 11] == last ? RESIDENT_ID_OK : RESIDENT_ID_CHECK;
}

START_TEST(identity_numbers)
{
    static const char checks[] = "0123456789Xx";
    struct random random;
    random_seed(&random, 7);
    for (unsigned i = 0; i < rounds() * 400; i++) {
        char text[32], date[CIVIL_TEXT_SIZE];
        civil_format(-20000 + (day_t)random_below(&random, 38000), date);
        snprintf(text, sizeof text, "%06u%.4s%.2s%.2s%03u%c", (unsigned)random_below(&random, 1000000), date,
                 date + 5, date + 8, (unsigned)random_below(&random, 1000),
                 checks[random_below(&random, 12)]);
        change_some(&random, text, 18);
        bool plain = true; /* blanks and what is no ASCII are another way, and have their cases */
        for (int j = 0; j < 18; j++)
            plain = plain && text[j] > ' ' && text[j] < 0x7F;
        if (!plain)
            continue;
        struct slice exact = exactly(text, 18);
        uint64_t found_packed = 0, expected_packed = 0;
        enum resident_id_verdict expected = id_slowly(text, &expected_packed);
        enum resident_id_verdict found = resident_id_parse(exact, DAY_NONE, &found_packed);
        if (found == RESIDENT_ID_CHECK_ZEROS)
            found = RESIDENT_ID_CHECK;
        ck_assert_msg(found == expected, "%.18s: found verdict %d", text, (int)found);
        if (found == RESIDENT_ID_OK)
            ck_assert_uint_eq(found_packed, expected_packed);
        free((char *)(uintptr_t)exact.bytes);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decode");
    TCase *tests = tcase_create("decode");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, utf8_at_random);
    tcase_add_test(tests, utf8_at_the_edges);
    tcase_add_test(tests, encoding_in_pieces);
    tcase_add_test(tests, scans_agree);
    tcase_add_test(tests, csv_at_every_cut);
    tcase_add_test(tests, csv_of_many_windows);
    tcase_add_test(tests, amounts);
    tcase_add_test(tests, dates);
    tcase_add_test(tests, identity_numbers);
    suite_add_tcase(suite, tests);
    return unit_run((Suite *const[]){suite}, 1);
}
