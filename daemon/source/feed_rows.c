/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/feed_rows.h"

#include "base/digits.h"
#include "base/money.h"
#include "source/feed_date.h"

#include <stdlib.h>
#include <string.h>

/* What goes wrong in few rows stands apart, so that the way of the others stays short. */
#define SELDOM __attribute__((noinline))
/* The other way round: once for canonical columns, without a look at what only a partner's own can have, and once for those. */
#define BOTH_WAYS inline __attribute__((always_inline))

enum {
    DAYS_AHEAD_MOST = 366,
    DAY_ANCIENT = -7305, /* 1950-01-01: nobody's income, bill or accident of before then is reported today */
};

/* Where a column's field stands, row after row; an empty one where the file has no such column. */
typedef const struct slice *column_t;

/* Where a fact's parts stand in a row. */
struct fact_columns {
    column_t value, from, to, ref, as_of, when;
};

/* Codes that were met, by the length and the last byte of their names: most feeds have less than ten. */
enum { CODES_MET = 16 };
struct code_met {
    struct slice name;
    const struct fact_code *code; /* NULL: none yet */
    bool allowed;
};

/* Months that were met. A feed's dates lie in a few years, of which those with the same last digit share places. */
enum { MONTHS_MET = 16 * 32 };
struct month_met {
    uint64_t text; /* "2021-06-" */
    day_t before;  /* the day before its first */
    unsigned days; /* 0: none yet */
};

struct feed_rows {
    const struct dictionary *dictionary;
    const struct feed_config *config; /* NULL: the register */
    const struct csv *csv;
    day_t today;
    bool mapped_columns;
    column_t none, id, household, name, code;
    struct fact_columns canonical;
    struct fact_columns mapped[FEED_FACTS_MAX];
    struct code_met codes[CODES_MET];
    struct month_met months[MONTHS_MET];
};

/* --- notes -------------------------------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static SELDOM void add_note(const struct feed_rows *rows, struct feed_row *out, column_t column,
                            const char *reason, struct slice found, const char *expected, bool kept)
{
    if (out->note_count == FEED_NOTES_MAX)
        return;
    const char *name = csv_column_name(rows->csv, (unsigned)(column - rows->csv->field));
    row_note_set(&out->notes[out->note_count++], rows->csv->line, name, reason, found, expected, kept);
}

static SELDOM bool refuse(const struct feed_rows *rows, struct feed_row *out, column_t column,
                          const char *reason, struct slice found, const char *expected)
{
    add_note(rows, out, column, reason, found, expected, false);
    out->refused++;
    return false;
}

static const struct slice nothing = {"", 0};

/* Trimmed. Most fields have no blank at either end: look before calling. */
static inline struct slice field(column_t column)
{
    struct slice text = *column;
    if (text.length > 0 &&
        ((unsigned char)text.bytes[0] <= ' ' || (unsigned char)text.bytes[text.length - 1] <= ' '))
        return slice_trim(text);
    return text;
}

/* --- whom it is about ----------------------------------------------------------------------------------------------- */

static const char *const id_reasons[] = {
    [RESIDENT_ID_OK] = "",
    [RESIDENT_ID_EMPTY] = "id.empty",
    [RESIDENT_ID_SCIENTIFIC] = "id.scientific",
    [RESIDENT_ID_LENGTH] = "id.length",
    [RESIDENT_ID_CHARACTER] = "id.character",
    [RESIDENT_ID_BIRTH_DATE] = "id.birth_date",
    [RESIDENT_ID_CHECK] = "id.check",
    [RESIDENT_ID_CHECK_ZEROS] = "id.check_zeros",
};

const char *feed_id_reason(enum resident_id_verdict verdict)
{
    return id_reasons[verdict];
}

static SELDOM bool read_subject_carefully(const struct feed_rows *rows, struct feed_fact *fact,
                                          struct feed_row *out)
{
    struct slice id = field(rows->id), household = field(rows->household);
    if (id.length > 0 && household.length > 0)
        return refuse(rows, out, rows->none, "subject.both", nothing, "a person or a household, not both");
    if (id.length == 0 && household.length == 0)
        return refuse(rows, out, rows->none, "subject.none", nothing,
                      "an identity number or a household number");
    fact->id_packed = 0;
    fact->household_no = household;
    if (household.length > HOUSEHOLD_NO_MAX)
        return refuse(rows, out, rows->household, "household.unknown", household, "a number of the register");
    if (household.length > 0)
        return true;
    enum resident_id_verdict verdict = resident_id_parse(id, rows->today, &fact->id_packed);
    if (verdict == RESIDENT_ID_OK)
        return true;
    return refuse(rows, out, rows->id, id_reasons[verdict], id, "an identity number of GB 11643");
}

static inline bool read_subject(const struct feed_rows *rows, struct feed_fact *fact, struct feed_row *out)
{
    fact->household_no = nothing;
    return (rows->household->length == 0 &&
            resident_id_parse(*rows->id, rows->today, &fact->id_packed) == RESIDENT_ID_OK) ||
           read_subject_carefully(rows, fact, out);
}

static struct slice read_name(const struct feed_rows *rows)
{
    struct slice name = field(rows->name);
    /* Longer than any name: what is compared and kept is its beginning. */
    if (name.length > NAME_BYTES_MAX)
        name.length = utf8_cut(name.bytes, name.length, NAME_BYTES_MAX);
    return name;
}

/* --- a fact's parts ------------------------------------------------------------------------------------------------- */

/* memcmp of names: most codes have 8 to 32 bytes, and two that differ do so in the first or the last eight. */
static inline bool same_name(struct slice a, struct slice b)
{
    if (a.length != b.length)
        return false;
    if (a.length < sizeof(uint64_t))
        return memcmp(a.bytes, b.bytes, a.length) == 0;
    size_t last = a.length - sizeof(uint64_t);
    uint64_t other = digits_load(a.bytes + last) ^ digits_load(b.bytes + last);
    for (size_t at = 0; at < last; at += sizeof(uint64_t))
        other |= digits_load(a.bytes + at) ^ digits_load(b.bytes + at);
    return other == 0;
}

static inline struct code_met *place_of_code(struct feed_rows *rows, struct slice name)
{
    unsigned char last = name.length > 0 ? (unsigned char)name.bytes[name.length - 1] : 0;
    return &rows->codes[(name.length + last) % CODES_MET];
}

static SELDOM bool meet_code(struct feed_rows *rows, struct slice name, struct code_met *met,
                             struct feed_row *out)
{
    const struct fact_code *code = dictionary_by_name(rows->dictionary, name);
    if (!code)
        return refuse(rows, out, rows->code, name.length > 0 ? "code.unknown" : "code.missing", name,
                      "a code of the fact dictionary");
    bool allowed = !rows->config || feed_config_allows(rows->config, code);
    *met = (struct code_met){slice_of(code->name), code, allowed};
    return true;
}

static inline bool read_code(struct feed_rows *rows, struct feed_fact *fact, struct feed_row *out)
{
    struct slice name = field(rows->code);
    struct code_met *met = place_of_code(rows, name);
    if (!(met->code && same_name(name, met->name)) && !meet_code(rows, name, met, out))
        return false;
    fact->code = met->code;
    return met->allowed ||
           refuse(rows, out, rows->code, "code.not_allowed", name, "a code that this feed may state");
}

static SELDOM bool read_date_carefully(const struct feed_rows *rows, const struct feed_fact_map *map,
                                       column_t column, day_t *day, struct feed_row *out)
{
    struct slice text = field(column);
    *day = DAY_NONE;
    if (text.length == 0 || (!map && civil_parse(text, day)))
        return true;
    for (size_t i = 0; map && i < map->date_format_count; i++)
        if (feed_date_parse(map->date_formats[i], text, day))
            return true;
    return refuse(rows, out, column, "date.unreadable", text,
                  map ? "a date as configured, that exists" : "a date that exists, YYYY-MM-DD");
}

static SELDOM bool meet_month(struct slice text, struct month_met *met, day_t *day)
{
    int year, month, number;
    if (!civil_parse(text, day))
        return false;
    civil_to_ymd(*day, &year, &month, &number);
    met->text = digits_load(text.bytes);
    met->before = *day - number;
    met->days = (unsigned)(civil_add_months(met->before + 1, 1) - met->before - 1);
    return true;
}

/* The year's last digit and the month; any text has a place. The product moves the three parts side by side to its top. */
static inline size_t place_of_month(uint64_t text)
{
    const uint64_t parts = UINT64_C(15) << 24 | UINT64_C(1) << 40 | UINT64_C(15) << 48;
    const uint64_t moves = UINT64_C(1) << 36 | UINT64_C(1) << 19 | UINT64_C(1) << 7;
    return (text & parts) * moves >> 55;
}

/* civil_parse, which is asked once a month. */
static BOTH_WAYS bool parse_date(struct feed_rows *rows, struct slice text, day_t *day)
{
    if (text.length != CIVIL_TEXT_SIZE - 1)
        return false;
    uint64_t month = digits_load(text.bytes);
    struct month_met *met = &rows->months[place_of_month(month)];
    unsigned tens = (unsigned)(unsigned char)text.bytes[8] - '0',
             ones = (unsigned)(unsigned char)text.bytes[9] - '0';
    unsigned number = tens * 10 + ones;
    if (met->text != month || ones > 9 || number - 1 >= met->days)
        return meet_month(text, met, day);
    *day = met->before + (day_t)number;
    return true;
}

static BOTH_WAYS bool read_date(struct feed_rows *rows, const struct feed_fact_map *map, column_t column,
                                day_t *day, struct feed_row *out)
{
    struct slice text = *column;
    *day = DAY_NONE;
    return text.length == 0 || (!map && parse_date(rows, text, day)) ||
           read_date_carefully(rows, map, column, day, out);
}

static BOTH_WAYS bool read_period(struct feed_rows *rows, const struct feed_fact_map *map,
                                  const struct fact_columns *columns, struct feed_fact *fact,
                                  struct feed_row *out)
{
    if (!read_date(rows, map, columns->from, &fact->from_day, out) ||
        !read_date(rows, map, columns->to, &fact->to_day, out) ||
        !read_date(rows, map, columns->as_of, &fact->as_of, out))
        return false;
    bool amount = fact->code->kind == FACT_AMOUNT;
    if (fact->from_day == DAY_NONE && !(amount && fact->to_day != DAY_NONE))
        return refuse(rows, out, columns->from, "date.missing", nothing,
                      amount ? "the first or the last day of its period" : "the day from which it holds");
    if (fact->to_day != DAY_NONE && fact->from_day != DAY_NONE && fact->to_day < fact->from_day)
        return refuse(rows, out, columns->to, "date.order", field(columns->to),
                      "a period that does not end before it begins");
    return true;
}

static inline bool read_ref(const struct feed_rows *rows, column_t column, struct feed_fact *fact,
                            struct feed_row *out)
{
    fact->ref = field(column);
    return fact->ref.length <= FACT_REF_MAX ||
           refuse(rows, out, column, "ref.too_long", fact->ref, "at most 128 bytes");
}

/* A date that no window of a policy will hold for years is more likely a mistake: 3021, or the day
 * from which a spreadsheet counts. The fact is kept, and somebody should know. */
static SELDOM void list_strange_day(const struct feed_rows *rows, const struct fact_columns *columns,
                                    const struct feed_fact *fact, struct feed_row *out)
{
    bool amount = fact->code->kind == FACT_AMOUNT;
    column_t column = amount && fact->to_day != DAY_NONE ? columns->to : columns->from;
    day_t day = column == columns->to ? fact->to_day : fact->from_day;
    add_note(rows, out, column, day > rows->today ? "date.ahead" : "date.ancient", field(column),
             day > rows->today ? "a day at most a year ahead" : "a day after 1949", true);
}

static inline bool has_strange_day(const struct feed_rows *rows, const struct feed_fact *fact)
{
    bool amount = fact->code->kind == FACT_AMOUNT;
    day_t day = amount && fact->to_day != DAY_NONE ? fact->to_day : fact->from_day;
    return day > rows->today + DAYS_AHEAD_MOST ||
           (day < DAY_ANCIENT && (amount || fact->code->kind == FACT_EVENT));
}

/* Why an amount cannot be read; it is kept as unknown. */
static const char *amount_reason(struct slice text)
{
    bool negative = text.length > 0 && text.bytes[0] == '-';
    struct slice digits = negative ? (struct slice){text.bytes + 1, text.length - 1} : text;
    size_t whole = 0;
    while (whole < digits.length && is_digit(digits.bytes[whole]))
        whole++;
    size_t decimals = 0;
    if (whole < digits.length && digits.bytes[whole] == '.')
        while (whole + 1 + decimals < digits.length && is_digit(digits.bytes[whole + 1 + decimals]))
            decimals++;
    bool number =
        whole > 0 && (whole == digits.length || (decimals > 0 && whole + 1 + decimals == digits.length));
    if (number && negative)
        return "amount.negative";
    return number && whole > 12 ? "amount.too_long" : "amount.unreadable";
}

/* Whole fen, at most as many as 12 digits of yuan hold. */
static enum fact_verdict read_fen(struct slice text, int64_t *value)
{
    *value = FACT_UNKNOWN;
    if (text.length == 0)
        return FACT_OK;
    int64_t fen = 0;
    if (text.length > 14)
        return FACT_AMOUNT_UNREADABLE;
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.bytes[i]))
            return FACT_AMOUNT_UNREADABLE;
        fen = fen * 10 + (text.bytes[i] - '0');
    }
    *value = fen;
    return FACT_OK;
}

/* What the partner's word means; false when the table does not have it. */
static bool translate(const struct feed_fact_map *map, struct slice *value)
{
    if (map->value_count == 0 || value->length == 0)
        return true;
    for (size_t i = 0; i < map->value_count; i++) {
        if (!slice_is(*value, map->values[i].from))
            continue;
        *value = slice_of(map->values[i].to);
        return true;
    }
    return false;
}

static const struct {
    const char *reason, *expected;
} value_words[] = {
    [FACT_OK] = {"", ""},
    [FACT_AMOUNT_UNREADABLE] = {"amount.unreadable", "yuan with at most 12 digits and 2 decimals"},
    [FACT_VALUE_UNKNOWN_CODE] = {"value.unknown", "a value that this code can have"},
    [FACT_VALUE_MISSING] = {"value.missing", "a value: this code must have one"},
    [FACT_CERTIFICATE_FORM] = {"certificate.form", "20 characters that end in a type 1-7 and a grade 1-4"},
    [FACT_CERTIFICATE_ID] = {"certificate.person",
                             "a certificate that holds the same person's identity number"},
};

static SELDOM bool read_value_carefully(const struct feed_rows *rows, const struct feed_fact_map *map,
                                        column_t column, struct feed_fact *fact, struct feed_row *out)
{
    struct slice text = map && map->constant ? slice_of(map->constant) : field(column);
    struct slice written = text;
    if (map && !translate(map, &text))
        return refuse(rows, out, column, "value.unknown", written, "a value that the configuration names");
    fact->detail = nothing;
    enum fact_verdict verdict = map && map->fen
                                    ? read_fen(text, &fact->value)
                                    : fact_value_parse(fact->code, text, fact->id_packed, &fact->value);
    if (verdict == FACT_AMOUNT_UNREADABLE) {
        add_note(rows, out, column, amount_reason(text), written, value_words[verdict].expected, true);
        return true;
    }
    if (verdict != FACT_OK)
        return refuse(rows, out, column, value_words[verdict].reason, written, value_words[verdict].expected);
    if (fact->code->kind == FACT_AMOUNT) {
        if (fact->value > AMOUNT_ENORMOUS_FEN)
            add_note(rows, out, column, "amount.enormous", written, "at most 5000000.00 yuan", true);
        return true;
    }
    if (fact->code->kind != FACT_CERTIFICATE && fact->code->kind != FACT_TEXT)
        return true;
    if (text.length > FACT_DETAIL_MAX)
        return refuse(rows, out, column, "value.too_long", written, "at most 200 bytes");
    fact->detail = text;
    return true;
}

static BOTH_WAYS bool read_value(const struct feed_rows *rows, const struct feed_fact_map *map,
                                 column_t column, struct feed_fact *fact, struct feed_row *out)
{
    fact->detail = nothing;
    return (!map && fact->code->kind == FACT_AMOUNT && money_parse(*column, &fact->value) &&
            fact->value <= AMOUNT_ENORMOUS_FEN) ||
           read_value_carefully(rows, map, column, fact, out);
}

/* The cheap and decisive parts first; an amount that is kept is listed only when the row stands. */
static BOTH_WAYS bool read_parts(struct feed_rows *rows, const struct feed_fact_map *map,
                                 const struct fact_columns *columns, struct feed_fact *fact,
                                 struct feed_row *out)
{
    if (!read_period(rows, map, columns, fact, out) || !read_ref(rows, columns->ref, fact, out) ||
        !read_value(rows, map, columns->value, fact, out))
        return false;
    if (has_strange_day(rows, fact))
        list_strange_day(rows, columns, fact, out);
    return true;
}

/* --- rows ----------------------------------------------------------------------------------------------------------- */

/* Tables of agencies have columns for several facts, and rows that fill those of one. */
static bool is_stated(const struct feed_rows *rows, size_t i)
{
    const struct feed_fact_map *map = &rows->config->facts[i];
    const struct fact_columns *columns = &rows->mapped[i];
    if (map->when_column && !slice_is(field(columns->when), map->when_value))
        return false;
    return field(columns->value).length > 0 || field(columns->from).length > 0 ||
           field(columns->to).length > 0 || field(columns->ref).length > 0;
}

/* A code that the feed may not state is not waited for. */
static SELDOM void spoil(const struct feed_rows *rows, const struct feed_fact *fact, struct feed_row *out)
{
    if (fact->code && rows->config && !feed_config_allows(rows->config, fact->code))
        return;
    out->spoiled[out->spoiled_count++] =
        (struct feed_spoiled){fact->id_packed, fact->household_no, fact->code ? fact->code->number : 0};
}

static __attribute__((noinline)) void read_mapped(struct feed_rows *rows, struct feed_row *out)
{
    struct feed_fact subject = {.line = rows->csv->line, .name = read_name(rows)};
    bool known = false;
    for (size_t i = 0; i < rows->config->fact_count; i++) {
        if (!is_stated(rows, i))
            continue; /* a row that states nothing is not judged, whomever it is about */
        if (!known && !read_subject(rows, &subject, out))
            return;
        known = true;
        const struct feed_fact_map *map = &rows->config->facts[i];
        struct feed_fact *fact = &out->facts[out->fact_count];
        *fact = subject;
        fact->code = map->code;
        if (read_parts(rows, map, &rows->mapped[i], fact, out))
            out->fact_count++;
        else
            spoil(rows, fact, out);
    }
}

/* Every part is written where it stays: copying what was just written piece by piece is slow. */
static inline void read_canonical(struct feed_rows *rows, struct feed_row *out)
{
    struct feed_fact *fact = &out->facts[0];
    fact->line = rows->csv->line;
    fact->name = read_name(rows);
    fact->code = NULL;
    if (!read_subject(rows, fact, out))
        return;
    out->fact_count = read_code(rows, fact, out) && read_parts(rows, NULL, &rows->canonical, fact, out);
    if (out->fact_count == 0)
        spoil(rows, fact, out);
}

static SELDOM void describe_damage(const struct feed_rows *rows, struct feed_row *out)
{
    char found[NOTE_FOUND_MAX], expected[NOTE_FOUND_MAX];
    csv_fault_describe(rows->csv, found, expected, sizeof found);
    (void)refuse(rows, out, rows->none, csv_fault_reason(rows->csv->fault), slice_of(found), expected);
}

void feed_rows_read(struct feed_rows *rows, bool bad_row, struct feed_row *out)
{
    out->fact_count = out->note_count = out->spoiled_count = out->refused = 0;
    if (bad_row) {
        describe_damage(rows, out);
        return;
    }
    if (rows->mapped_columns)
        read_mapped(rows, out);
    else
        read_canonical(rows, out);
}

/* --- columns -------------------------------------------------------------------------------------------------------- */

static column_t column_of(const struct feed_rows *rows, const char *name)
{
    int column = csv_column(rows->csv, name);
    return column < 0 ? rows->none : &rows->csv->field[column];
}

static enum status find_column(const struct feed_rows *rows, const char *name, column_t *column,
                               struct error *err)
{
    *column = name ? column_of(rows, name) : rows->none;
    if (!name || *column != rows->none)
        return STATUS_OK;
    return error_set(err, STATUS_REJECT, "line 1: found no column %s, expected one of that name", name);
}

static enum status bind_canonical(struct feed_rows *rows, struct error *err)
{
    rows->id = column_of(rows, "id_number");
    rows->household = column_of(rows, "household_no");
    rows->name = column_of(rows, "name");
    struct fact_columns *columns = &rows->canonical;
    columns->to = column_of(rows, "to");
    columns->ref = column_of(rows, "ref");
    columns->as_of = rows->config ? rows->none : column_of(rows, "as_of");
    columns->when = rows->none;
    if (rows->id == rows->none && rows->household == rows->none)
        return error_set(err, STATUS_REJECT,
                         "line 1: found neither a column id_number nor household_no, expected one of them");
    enum status status = find_column(rows, "code", &rows->code, err);
    if (status == STATUS_OK)
        status = find_column(rows, "value", &columns->value, err);
    if (status == STATUS_OK)
        status = find_column(rows, "from", &columns->from, err);
    return status;
}

static enum status bind_mapped(struct feed_rows *rows, struct error *err)
{
    const struct feed_config *config = rows->config;
    struct {
        const char *name;
        column_t *column;
    } wanted[3 + 6 * FEED_FACTS_MAX] = {
        {config->id_column, &rows->id},
        {config->household_column, &rows->household},
        {config->name_column, &rows->name},
    };
    size_t count = 3;
    for (size_t i = 0; i < config->fact_count; i++) {
        const struct feed_fact_map *map = &config->facts[i];
        struct fact_columns *columns = &rows->mapped[i];
        const char *const names[] = {map->value, map->from, map->to, map->ref, map->as_of, map->when_column};
        column_t *const places[] = {&columns->value, &columns->from,  &columns->to,
                                    &columns->ref,   &columns->as_of, &columns->when};
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            wanted[count].name = names[j];
            wanted[count++].column = places[j];
        }
    }
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < count; i++)
        status = find_column(rows, wanted[i].name, wanted[i].column, err);
    return status;
}

enum status feed_rows_new(struct feed_rows **rows, const struct dictionary *dictionary,
                          const struct feed_config *config, const struct csv *csv, day_t today,
                          struct error *err)
{
    *rows = calloc(1, sizeof **rows);
    if (!*rows)
        return error_set(err, STATUS_FATAL, "out of memory");
    (*rows)->dictionary = dictionary;
    (*rows)->config = config;
    (*rows)->csv = csv;
    (*rows)->today = today;
    (*rows)->none = (*rows)->code = &csv->field[CSV_NO_COLUMN];
    (*rows)->mapped_columns = config && config->mapped;
    enum status status = (*rows)->mapped_columns ? bind_mapped(*rows, err) : bind_canonical(*rows, err);
    if (status != STATUS_OK) {
        feed_rows_free(*rows);
        *rows = NULL;
    }
    return status;
}

static const char *column_name(const struct feed_rows *rows, column_t column)
{
    return csv_column_name(rows->csv, (unsigned)(column - rows->csv->field));
}

const char *feed_rows_id_column(const struct feed_rows *rows)
{
    return column_name(rows, rows->id);
}

const char *feed_rows_household_column(const struct feed_rows *rows)
{
    return column_name(rows, rows->household);
}

const char *feed_rows_name_column(const struct feed_rows *rows)
{
    return column_name(rows, rows->name);
}

void feed_rows_free(struct feed_rows *rows)
{
    free(rows);
}
