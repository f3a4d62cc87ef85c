/* SPDX-License-Identifier: PostgreSQL */
/*
 * How fast a canonical feed file is read, stage by stage, from the page cache:
 *   bench/feed_decode FILE.csv [ROUNDS]
 * One line per stage: the best of the rounds in MB/s of the file and rows/s. Each stage includes those above it.
 */
#include "config.h"

#include "base/clock.h"
#include "source/feed_rows.h"
#include "source/table.h"

#include <stdio.h>
#include <stdlib.h>

enum stage { STAGE_OPEN, STAGE_SPLIT, STAGE_FACTS, STAGES };

static _Noreturn void fail(const struct error *err)
{
    fprintf(stderr, "feed_decode: %s\n", err->text);
    exit(status_exit_code(err->status));
}

struct measure {
    const char *path;
    const struct dictionary *dictionary;
    const struct feed_config *config;
    struct feed_row row;
    uint64_t bytes, rows, facts, notes;
};

static void read_rows(struct measure *measure, struct table *table, bool facts)
{
    struct error err;
    struct feed_rows *rows = NULL;
    if (table_header(table, &err) != STATUS_OK)
        fail(&err);
    if (facts && feed_rows_new(&rows, measure->dictionary, measure->config, &table->csv, clock_today(), &err))
        fail(&err);
    measure->facts = measure->notes = 0;
    enum csv_step step;
    while ((step = table_next(table, &err)) != CSV_END) {
        if (step == CSV_BROKEN)
            fail(&err);
        if (!facts)
            continue;
        feed_rows_read(rows, step == CSV_BAD_ROW, &measure->row);
        measure->facts += measure->row.fact_count;
        measure->notes += measure->row.note_count;
    }
    measure->rows = table->csv.rows;
    feed_rows_free(rows);
}

/* Microseconds of the stage; the hash belongs to the first alone. */
static int64_t run(struct measure *measure, enum stage stage)
{
    struct error err;
    struct table *table;
    int64_t began_us = clock_monotonic_us();
    if (table_open(&table, measure->path, ENCODING_AUTO, NULL, &err) != STATUS_OK)
        fail(&err);
    if (stage != STAGE_OPEN)
        began_us = clock_monotonic_us();
    measure->bytes = table->bytes;
    if (stage != STAGE_OPEN)
        read_rows(measure, table, stage == STAGE_FACTS);
    int64_t us = clock_monotonic_us() - began_us;
    table_close(table);
    return us;
}

int main(int argc, char **argv)
{
    static const char *const names[STAGES] = {"hash and encoding", "decode and split", "… and facts"};
    struct error err;
    struct feed_config *config;
    struct dictionary *dictionary = dictionary_new();
    int rounds = argc > 2 ? atoi(argv[2]) : 3;
    if (argc < 2 || rounds < 1 || !dictionary) {
        fprintf(stderr, "usage: feed_decode FILE.csv [ROUNDS]\n");
        return 64;
    }
    if (dictionary_add_base(dictionary, &err) || feed_config_default("medical_insurance", &config, &err))
        fail(&err);
    struct measure measure = {.path = argv[1], .dictionary = dictionary, .config = config};
    for (int stage = 0; stage < STAGES; stage++) {
        int64_t best = INT64_MAX;
        for (int i = 0; i < rounds; i++) {
            int64_t us = run(&measure, (enum stage)stage);
            best = us < best ? us : best;
        }
        printf("%-18s %6.0f MB/s %6.2f M rows/s\n", names[stage], (double)measure.bytes / (double)best,
               (double)measure.rows / (double)best);
    }
    printf("%llu rows, %llu facts, %llu notes\n", (unsigned long long)measure.rows,
           (unsigned long long)measure.facts, (unsigned long long)measure.notes);
    feed_config_free(config);
    dictionary_free(dictionary);
    return 0;
}
