/* SPDX-License-Identifier: PostgreSQL */
/*
 * Facts of the sample county on their way into the register's fact.csv and the feeds' batches.
 *
 * A feed has one batch per month; the last one ends on the evaluation date. The first batch of every feed is
 * full: all that was known until then. Afterwards the feeds that are rosters (certificates, dwellings,
 * monitored households) send everything again each month, the others only what became known in that month. So
 * the facts on the evaluation date are the same however many months are asked for.
 */
#include "county.h"

#include <string.h>
#include <sysexits.h>

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct feed_kind {
    const char *name;
    bool roster;
    enum county_encoding mixed; /* what it sends with --encoding mixed */
} feed_kinds[COUNTY_SOURCES] = {
    [COUNTY_MEDICAL] = {"medical_insurance", false, COUNTY_GB18030},
    [COUNTY_DISABLED] = {"disabled_federation", true, COUNTY_GB18030},
    [COUNTY_EDUCATION] = {"education", false, COUNTY_UTF8_BOM},
    [COUNTY_HR] = {"hr_social_security", false, COUNTY_UTF8},
    [COUNTY_HOUSING] = {"housing", true, COUNTY_UTF8},
    [COUNTY_EMERGENCY] = {"emergency", false, COUNTY_UTF8_BOM},
    [COUNTY_REVITALISATION] = {"revitalisation", true, COUNTY_UTF8},
};

static const char *const feed_columns[] = {"id_number", "household_no", "name", "code",
                                           "value",     "from",         "to",   "ref"};
static const char *const fact_columns[] = {"household_no", "id_number", "code", "value",
                                           "from",         "to",        "ref",  "as_of"};

const char *county_feed_name(enum county_source source)
{
    return feed_kinds[source].name;
}

/* The last day that batch `index` covers. */
static day_t batch_end(const struct county_options *options, int index)
{
    if (index == options->months - 1)
        return options->date;
    int year, month, day;
    civil_to_ymd(options->date, &year, &month, &day);
    day_t first = options->date - (day - 1); /* of the evaluation date's month */
    return civil_add_months(first, index + 2 - options->months) - 1;
}

static int batch_of_day(const struct county_options *options, day_t known_on)
{
    int index = 0;
    while (index < options->months - 1 && known_on > batch_end(options, index))
        index++;
    return index;
}

void county_batch_name(const struct county_options *options, enum county_source source, int index,
                       char out[64])
{
    int year, month, day;
    civil_to_ymd(batch_end(options, index), &year, &month, &day);
    snprintf(out, 64, "%s-%04d-%02d", feed_kinds[source].name, year, month);
}

static enum county_encoding feed_encoding(const struct county_options *options, enum county_source source)
{
    return options->encoding == COUNTY_MIXED ? feed_kinds[source].mixed : options->encoding;
}

static void batch_path(char out[COUNTY_PATH_MAX], const struct county_options *options,
                       enum county_source source, int index, const char *folder)
{
    char name[64];
    county_batch_name(options, source, index, name);
    county_path(out, "%s/%s/%s/%s.csv", options->out, folder, feed_kinds[source].name, name);
}

static void open_feed(struct county *county, enum county_source source)
{
    const struct county_options *options = &county->options;
    struct county_feed *feed = &county->feeds[source];
    char path[COUNTY_PATH_MAX];
    bool native = options->native && county_native_has(source);
    county_path(path, "%s/feeds/%s", options->out, feed_kinds[source].name);
    county_make_folder(path);
    county_path(path, "%s/feeds-native/%s", options->out, feed_kinds[source].name);
    if (native)
        county_make_folder(path);
    for (int i = 0; i < options->months; i++) {
        batch_path(path, options, source, i, "feeds");
        county_file_open(&feed->batches[i], path, feed_encoding(options, source), feed_columns,
                         COUNT_OF(feed_columns));
        batch_path(path, options, source, i, "feeds-native");
        if (native)
            county_native_open(&feed->native[i], path, source);
    }
}

void county_feeds_open(struct county *county)
{
    char path[COUNTY_PATH_MAX];
    enum county_encoding encoding = feed_encoding(&county->options, COUNTY_REVITALISATION);
    county_path(path, "%s/register/fact.csv", county->options.out);
    county_file_open(&county->fact, path, encoding, fact_columns, COUNT_OF(fact_columns));
    for (enum county_source source = COUNTY_REGISTER + 1; source < COUNTY_SOURCES; source++)
        open_feed(county, source);
}

static void close_batch(struct county *county, enum county_source source, int index, const char *folder,
                        struct county_file *file)
{
    const struct county_options *options = &county->options;
    day_t begin = batch_end(options, index);
    int year, month, day;
    civil_to_ymd(begin, &year, &month, &day);
    char path[COUNTY_PATH_MAX], name[64], sha256[COUNTY_SHA256_HEX_SIZE], sent_on[CIVIL_TEXT_SIZE],
        sent_at[40];
    batch_path(path, options, source, index, folder);
    county_batch_name(options, source, index, name);
    county_file_close(file, sha256);
    /* Sent in the evening of the last day that it covers; the hour only keeps the sources apart. */
    snprintf(sent_at, sizeof sent_at, "%sT%02d:00:00+08:00", civil_format(batch_end(options, index), sent_on),
             14 + (int)source);
    county_manifest_write(path, &(struct county_manifest){
                                    .feed = feed_kinds[source].name,
                                    .batch = name,
                                    .period_from = begin - (day - 1),
                                    .period_to = batch_end(options, index),
                                    .mode = index == 0 || feed_kinds[source].roster ? "full" : "delta",
                                    .rows = file->rows,
                                    .sha256 = sha256,
                                    .sent_at = sent_at,
                                });
}

void county_feeds_close(struct county *county)
{
    char sha256[COUNTY_SHA256_HEX_SIZE];
    county_file_close(&county->fact, sha256);
    for (enum county_source source = COUNTY_REGISTER + 1; source < COUNTY_SOURCES; source++)
        for (int i = 0; i < county->options.months; i++) {
            close_batch(county, source, i, "feeds", &county->feeds[source].batches[i]);
            if (county->options.native && county_native_has(source))
                close_batch(county, source, i, "feeds-native", &county->feeds[source].native[i]);
        }
}

/* The header is line 1, and no field holds a line end. */
void county_expect_row(struct county *county, const char *file, uint64_t row, const char *fault)
{
    fprintf(county->expected_rows, "%s\t%llu\t%s\n", file, (unsigned long long)row + 1, fault);
}

static void put_in_register(struct county *county, const struct county_fact *fact, day_t known_on)
{
    char as_of[CIVIL_TEXT_SIZE];
    const char *const fields[] = {
        fact->household_no, fact->id_number, fact->code, fact->value,
        fact->from,         fact->to,        fact->ref,  civil_format(known_on, as_of)};
    county_file_row(&county->fact, fields, COUNT_OF(fields));
    if (fact->fault)
        county_expect_row(county, "register/fact.csv", county->fact.rows, fact->fault);
}

static void put_in_batch(struct county *county, const struct county_fact *fact, int index)
{
    struct county_feed *feed = &county->feeds[fact->source];
    const char *const fields[] = {fact->id_number, fact->household_no, fact->name, fact->code,
                                  fact->value,     fact->from,         fact->to,   fact->ref};
    county_file_row(&feed->batches[index], fields, COUNT_OF(fields));
    if (county->options.native && county_native_has(fact->source))
        county_native_put(&feed->native[index], fact);
    if (fact->fault) {
        char name[64], path[COUNTY_PATH_MAX];
        county_batch_name(&county->options, fact->source, index, name);
        county_path(path, "feeds/%s/%s.csv", feed_kinds[fact->source].name, name);
        county_expect_row(county, path, feed->batches[index].rows, fact->fault);
    }
}

void county_fact_put(struct county *county, const struct county_fact *fact)
{
    const struct county_options *options = &county->options;
    day_t known_on =
        fact->known_on == DAY_NONE || fact->known_on > options->date ? options->date : fact->known_on;
    if (fact->source == COUNTY_REGISTER) {
        put_in_register(county, fact, known_on);
        return;
    }
    int first = batch_of_day(options, known_on), last = first;
    if (feed_kinds[fact->source].roster)
        last = options->months - 1;
    if (fact->batch == COUNTY_BATCH_FIRST)
        first = last = 0;
    else if (fact->batch == COUNTY_BATCH_LAST)
        first = last = options->months - 1;
    for (int i = first; i <= last; i++)
        put_in_batch(county, fact, i);
}
