/* SPDX-License-Identifier: PostgreSQL */
/*
 * A feed file: encoding, CSV, rows, facts. The first byte chooses the configuration, the second the windows; the rest is the
 * file. Read in one window by the portable scan, and in many by the fastest one, it must say the same.
 */
#include "config.h"

#include "domain/resident_id.h"
#include "fuzz.h"
#include "source/feed_rows.h"

#include <string.h>

enum { INPUT_MAX = 64 * 1024, TODAY = 18808 /* 2021-06-30 */, CONFIGS = 4 };

static const char *const configs[CONFIGS] = {
    "[feed]\nencoding = auto\n",
    "[feed]\ncodes = expense.*, housing.grade\n",
    "[map]\nid_number = id\nname = n\n[fact.1]\ncode = expense.medical_self_paid\nvalue = v\nfrom = d\nto = e\n"
    "ref = r\nunit = fen\ndate_format = YYYY/M/D|YYYYMMDD\nwhen = s = ok\n"
    "[fact.2]\ncode = housing.grade\nvalue = g\nvalues = GRADE\nfrom = d\n[values.GRADE]\n一级 = A\n二级 = D\n",
    "[map]\nhousehold_no = h\n[fact.1]\ncode = housing.grade\nvalue = =C\nfrom = d\nref = r\n",
};

struct reader {
    struct csv csv;
    struct feed_row row;
    struct text said;
};

static struct dictionary *the_dictionary(void)
{
    static struct dictionary *dictionary;
    struct error err;
    if (!dictionary) {
        dictionary = dictionary_new();
        FUZZ_CHECK(dictionary && dictionary_add_base(dictionary, &err) == STATUS_OK);
    }
    return dictionary;
}

static const struct feed_config *the_config(unsigned which)
{
    static struct feed_config *made[CONFIGS];
    struct error err = {0};
    struct slice text = slice_of(configs[which]);
    if (!made[which] && feed_config_parse("medical_insurance.conf", text, "medical_insurance",
                                          the_dictionary(), &made[which], &err) != STATUS_OK)
        fprintf(stderr, "%s\n", err.text);
    FUZZ_CHECK(made[which]);
    return made[which];
}

static void say_slice(struct text *out, struct slice text)
{
    FUZZ_CHECK(text.length <= CSV_FIELD_MAX);
    text_add_str(out, "|");
    text_add(out, text.bytes, text.length);
}

static void say_row(struct reader *reader)
{
    const struct feed_row *row = &reader->row;
    FUZZ_CHECK(row->fact_count <= FEED_FACTS_MAX && row->note_count <= FEED_NOTES_MAX);
    for (size_t i = 0; i < row->fact_count; i++) {
        const struct feed_fact *fact = &row->facts[i];
        char id[RESIDENT_ID_TEXT_SIZE] = "";
        FUZZ_CHECK((fact->id_packed == 0) != (fact->household_no.length == 0));
        FUZZ_CHECK(fact->from_day == DAY_NONE || (fact->from_day >= DAY_MIN && fact->from_day <= DAY_MAX));
        FUZZ_CHECK(fact->name.length <= NAME_BYTES_MAX && fact->ref.length <= FACT_REF_MAX &&
                   fact->detail.length <= FACT_DETAIL_MAX && fact->household_no.length <= HOUSEHOLD_NO_MAX);
        if (fact->id_packed) {
            uint64_t again;
            resident_id_format(fact->id_packed, id);
            FUZZ_CHECK(resident_id_parse((struct slice){id, strlen(id)}, TODAY, &again) == RESIDENT_ID_OK);
            FUZZ_CHECK(again == fact->id_packed);
        }
        text_printf(&reader->said, "%llu %s %s %lld %d %d %d", (unsigned long long)fact->line, id,
                    fact->code->name, (long long)fact->value, (int)fact->from_day, (int)fact->to_day,
                    (int)fact->as_of);
        say_slice(&reader->said, fact->household_no);
        say_slice(&reader->said, fact->name);
        say_slice(&reader->said, fact->ref);
        say_slice(&reader->said, fact->detail);
    }
    for (size_t i = 0; i < row->note_count; i++) {
        const struct row_note *note = &row->notes[i];
        FUZZ_CHECK(utf8_valid(note->found, strlen(note->found)) && note->expected[0]);
        text_printf(&reader->said, "%llu %s %s %s %s %d", (unsigned long long)note->line, note->column,
                    note->reason, note->found, note->expected, note->kept);
    }
    text_add_str(&reader->said, "\n");
}

/* False when nothing more comes. */
static bool take_step(struct reader *reader, enum csv_step step, unsigned which, struct feed_rows **rows)
{
    struct error err;
    char found[96], expected[96];
    switch (step) {
    case CSV_HEADER:
        if (feed_rows_new(rows, the_dictionary(), the_config(which), &reader->csv, TODAY, &err) == STATUS_OK)
            return true;
        text_add_str(&reader->said, err.text);
        return false;
    case CSV_ROW:
    case CSV_BAD_ROW:
        feed_rows_read(*rows, step == CSV_BAD_ROW, &reader->row);
        say_row(reader);
        return true;
    case CSV_BROKEN:
        csv_fault_describe(&reader->csv, found, expected, sizeof found);
        text_printf(&reader->said, "%s %s %llu", found, expected, (unsigned long long)reader->csv.fault_line);
        return false;
    case CSV_END:
    case CSV_MORE:
        break;
    }
    return false;
}

/* Windows of so many bytes, each in memory of its own. */
static void read_all(struct reader *reader, struct slice text, size_t window, unsigned which, csv_scan *scan)
{
    struct feed_rows *rows = NULL;
    char *bytes = NULL;
    size_t end = 0;
    csv_init(&reader->csv);
    reader->csv.scan = scan;
    csv_window(&reader->csv, "", 0, false);
    for (;;) {
        size_t from = end - csv_rest(&reader->csv);
        end = text.length - end < window ? text.length : end + window;
        char *next = malloc(end > from ? end - from : 1);
        FUZZ_CHECK(next);
        memcpy(next, text.bytes + from, end - from);
        free(bytes);
        bytes = next;
        csv_window(&reader->csv, bytes, end - from, end == text.length);
        enum csv_step step;
        do
            step = csv_next(&reader->csv);
        while (step != CSV_MORE && take_step(reader, step, which, &rows));
        if (step != CSV_MORE)
            break;
        FUZZ_CHECK(end < text.length);
    }
    free(bytes);
    feed_rows_free(rows);
}

/* As table.c would: UTF-8 as it is, else GB18030; false when it is neither. */
static bool decode(struct slice text, struct text *out)
{
    struct encoding_scan scan;
    encoding_scan_init(&scan);
    encoding_scan_add(&scan, text.bytes, text.length);
    encoding_scan_end(&scan);
    FUZZ_CHECK(scan.invalid == !utf8_valid(text.bytes, text.length));
    if (!scan.invalid) {
        text_add(out, text.bytes, text.length);
        return true;
    }
    struct encoding_gb18030 *decoder;
    struct error err;
    FUZZ_CHECK(encoding_gb18030_new(&decoder, &err) == STATUS_OK);
    bool valid = true;
    for (size_t at = 0; valid && at < text.length;) {
        char piece[64];
        size_t used, made;
        valid = encoding_gb18030_decode(decoder, text.bytes + at, text.length - at, &used, piece,
                                        sizeof piece, &made);
        text_add(out, piece, made);
        at += used;
        valid = valid && used + made > 0;
    }
    encoding_gb18030_free(decoder);
    FUZZ_CHECK(utf8_valid(out->bytes ? out->bytes : "", out->length));
    return valid;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 2 || length > INPUT_MAX)
        return 0;
    struct text file;
    text_init(&file);
    text_add_str(&file, "");
    if (decode((struct slice){(const char *)bytes + 2, length - 2}, &file)) {
        struct slice text = {file.bytes, file.length};
        struct reader *once = calloc(1, sizeof *once), *pieces = calloc(1, sizeof *pieces);
        FUZZ_CHECK(once && pieces);
        read_all(once, text, text.length + 1, bytes[0] % CONFIGS, csv_scan_portable);
        read_all(pieces, text, text.length / 16 + 1 + bytes[1], bytes[0] % CONFIGS, csv_scan_best());
        FUZZ_CHECK(once->said.length == pieces->said.length);
        FUZZ_CHECK(once->said.length == 0 ||
                   memcmp(once->said.bytes, pieces->said.bytes, once->said.length) == 0);
        text_fini(&once->said);
        text_fini(&pieces->said);
        free(once);
        free(pieces);
    }
    text_fini(&file);
    return 0;
}
