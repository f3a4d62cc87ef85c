/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "cases.h"
#include "domain/resident_id.h"
#include "source/feed_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct csv csv; /* large; each test runs in a process of its own */
static struct feed_row row_read;

/* Configurations by name; those that begin with '@' are shipped examples. */
static const struct {
    const char *name, *feed, *text;
} configs[] = {
    {"canonical", "medical_insurance", ""},
    {"register", NULL, NULL},
    {"restricted", "medical_insurance", "[feed]\ncodes = expense.*\n"},
    {"medical", "medical_insurance", "@medical_insurance"},
    {"disabled", "disabled_federation", "@disabled_federation"},
    {"values", "housing",
     "[map]\nid_number = 证号\n"
     "[fact.1]\ncode = expense.medical_self_paid\nvalue = 金额\nunit = fen\nfrom = 日期\ndate_format = "
     "YYYYMMDD\n"
     "when = 类别 = 门诊\n"
     "[fact.2]\ncode = housing.grade\nvalue = 级\nvalues = G\nfrom = 日期\ndate_format = YYYYMMDD\n"
     "[values.G]\n一级 = A\n二级 = B\n"},
    {"when", "emergency",
     "[map]\nid_number = 证号\n[fact.1]\ncode = event.disaster\nfrom = 日期\nwhen = 状态 = 有效\n"},
};

static void read_example(const char *feed, struct text *out)
{
    char path[1024], bytes[8192];
    const char *top = getenv("abs_top_srcdir");
    snprintf(path, sizeof path, "%s/conf/feeds.d/%s.native.conf.example", top ? top : ".", feed);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s is missing", path);
    text_add(out, bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
}

/* NULL for the register. */
static struct feed_config *config_named(const char *name, const struct dictionary *dictionary)
{
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        if (strcmp(configs[i].name, name) != 0)
            continue;
        if (!configs[i].text)
            return NULL;
        struct text text;
        text_init(&text);
        if (configs[i].text[0] == '@')
            read_example(configs[i].text + 1, &text);
        else
            text_add_str(&text, configs[i].text);
        struct feed_config *config;
        struct error err;
        enum status status = feed_config_parse(name, (struct slice){text.bytes, text.length}, configs[i].feed,
                                               dictionary, &config, &err);
        ck_assert_msg(status == STATUS_OK, "%s", err.text);
        text_fini(&text);
        return config;
    }
    ck_abort_msg("no configuration %s", name);
    return NULL;
}

static void render_fact(const struct feed_fact *fact, struct text *out)
{
    char id[RESIDENT_ID_TEXT_SIZE], from[CIVIL_TEXT_SIZE], to[CIVIL_TEXT_SIZE], as_of[CIVIL_TEXT_SIZE];
    if (fact->id_packed)
        text_add_str(out, resident_id_format(fact->id_packed, id));
    else
        text_add(out, fact->household_no.bytes, fact->household_no.length);
    text_printf(out, " %s=", fact->code->name);
    if (fact->value == FACT_UNKNOWN)
        text_add_str(out, "?");
    else
        text_printf(out, "%lld", (long long)fact->value);
    text_printf(out, " %s..%s", civil_format(fact->from_day, from), civil_format(fact->to_day, to));
    if (fact->ref.length > 0)
        text_printf(out, " #%.*s", (int)fact->ref.length, fact->ref.bytes);
    if (fact->detail.length > 0)
        text_printf(out, " (%.*s)", (int)fact->detail.length, fact->detail.bytes);
    if (fact->name.length > 0)
        text_printf(out, " %.*s", (int)fact->name.length, fact->name.bytes);
    if (fact->as_of != DAY_NONE)
        text_printf(out, " ~%s", civil_format(fact->as_of, as_of));
    text_add_str(out, ";");
}

/* Facts, then what is kept, then what is refused. */
static void render(const struct feed_row *row, struct text *out)
{
    size_t refused = 0;
    for (size_t i = 0; i < row->fact_count; i++)
        render_fact(&row->facts[i], out);
    for (int kept = 1; kept >= 0; kept--)
        for (size_t i = 0; i < row->note_count; i++) {
            const struct row_note *note = &row->notes[i];
            if (note->kept != kept)
                continue;
            ck_assert_uint_eq(note->line, 2);
            ck_assert(note->expected[0]);
            text_printf(out, "%s %s @%s%s%s;", kept ? "+" : "-", note->reason, note->column,
                        note->found[0] ? " " : "", note->found);
            refused += !kept;
        }
    ck_assert_uint_eq(refused, row->refused);
}

static void read_case(const struct case_row *row, const struct dictionary *dictionary, struct text *out)
{
    struct text file;
    text_init(&file);
    text_printf(&file, "%s\n%s\n", row->cell[1].bytes, row->cell[2].bytes);
    csv_init(&csv);
    csv_window(&csv, file.bytes, file.length, true);
    ck_assert_int_eq(csv_next(&csv), CSV_HEADER);
    struct feed_config *config = config_named(row->cell[0].bytes, dictionary);
    struct feed_rows *rows;
    struct error err;
    day_t today;
    ck_assert(civil_from_ymd(2021, 6, 30, &today));
    if (feed_rows_new(&rows, dictionary, config, &csv, today, &err) != STATUS_OK) {
        ck_assert_int_eq(err.status, STATUS_REJECT);
        text_printf(out, "! %s", err.text);
    } else {
        enum csv_step step = csv_next(&csv);
        ck_assert(step == CSV_ROW || step == CSV_BAD_ROW);
        feed_rows_read(rows, step == CSV_BAD_ROW, &row_read);
        render(&row_read, out);
        feed_rows_free(rows);
    }
    feed_config_free(config);
    text_fini(&file);
}

START_TEST(rows)
{
    struct error err;
    struct dictionary *dictionary = dictionary_new();
    ck_assert_ptr_nonnull(dictionary);
    ck_assert_int_eq(dictionary_add_base(dictionary, &err), STATUS_OK);
    struct text out;
    text_init(&out);
    struct cases *cases = cases_open("feed_rows.tsv", 5);
    for (const struct case_row *row; (row = cases_next(cases));) {
        text_clear(&out);
        text_add_str(&out, "");
        read_case(row, dictionary, &out);
        ck_assert_msg(slice_equal((struct slice){out.bytes, out.length}, row->cell[3]),
                      "%s\nfound    %s\nexpected %s", cases_where(cases), out.bytes, row->cell[3].bytes);
    }
    cases_close(cases);
    text_fini(&out);
    dictionary_free(dictionary);
}
END_TEST

START_TEST(masks)
{
    struct cases *cases = cases_open("feed_masks.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct row_note note;
        row_note_set(&note, 1, "column", row->cell[0].bytes, row->cell[1], "expected", false);
        ck_assert_msg(case_is(row, 2, note.found), "%s: found %s", cases_where(cases), note.found);
    }
    cases_close(cases);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feed_rows");
    TCase *tests = tcase_create("feed_rows");
    tcase_add_test(tests, rows);
    tcase_add_test(tests, masks);
    suite_add_tcase(suite, tests);
    return unit_run((Suite *const[]){suite}, 1);
}
