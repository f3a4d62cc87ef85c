/* SPDX-License-Identifier: PostgreSQL */
/*
 * How fast a canonical feed file is decoded, from the page cache, without a database:
 *   bench/feed_decode FILE.csv [ROUNDS]
 * One line a step: the best of the rounds, in MB of the file per second of processor time (user and system) and million
 * rows per second. The steps take turns within a round, so that all meet the same neighbours.
 *
 *   read            the file is read, and nothing else
 *   hash            SHA-256 over it, as OpenSSL does it
 *   utf-8           it is read and its encoding found out
 *   split           it is read and split into fields (what the second pass does at the least)
 *   facts           it is read, split and turned into facts: codes, dates, amounts, resident IDs checked
 *   decode          utf-8 and facts together, with one reading: all that decoding costs, the hash and its reading aside
 */
#include "config.h"

#include "base/clock.h"
#include "io/crypto.h"
#include "source/feed_rows.h"
#include "source/table.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum step { STEP_READ, STEP_HASH, STEP_UTF8, STEP_SPLIT, STEP_FACTS, STEPS };
enum { CHUNK_BYTES = 128 * 1024 };

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
    char chunk[CHUNK_BYTES];
    uint64_t bytes, rows, facts, notes, sum;
};

static int64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void read_chunks(struct measure *measure, enum step step)
{
    struct error err;
    struct encoding_scan scan;
    struct crypto_sha256 *hash;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    if (crypto_sha256_new(&hash, &err))
        fail(&err);
    encoding_scan_init(&scan);
    int fd = open(measure->path, O_RDONLY | O_CLOEXEC);
    for (ssize_t got; (got = read(fd, measure->chunk, CHUNK_BYTES)) > 0;) {
        if (step == STEP_HASH)
            crypto_sha256_add(hash, measure->chunk, (size_t)got);
        else if (step == STEP_UTF8)
            encoding_scan_add(&scan, measure->chunk, (size_t)got);
    }
    close(fd);
    encoding_scan_end(&scan);
    if (crypto_sha256_end(hash, digest, &err))
        fail(&err);
    crypto_sha256_free(hash);
}

/* What was read must be used, or it would not be worth the name. */
static void use_row(struct measure *measure)
{
    for (size_t i = 0; i < measure->row.fact_count; i++) {
        const struct feed_fact *fact = &measure->row.facts[i];
        measure->sum +=
            fact->id_packed + (uint64_t)fact->value + (uint64_t)fact->from_day + fact->name.length;
    }
    measure->facts += measure->row.fact_count;
    measure->notes += measure->row.note_count;
}

static void read_rows(struct measure *measure, struct table *table, bool facts)
{
    struct error err;
    struct feed_rows *rows = NULL;
    if (table_header(table, &err) != STATUS_OK)
        fail(&err);
    if (facts && feed_rows_new(&rows, measure->dictionary, measure->config, &table->csv, clock_today(), &err))
        fail(&err);
    measure->facts = measure->notes = measure->sum = 0;
    for (enum csv_step step; (step = table_next(table, &err)) != CSV_END;) {
        if (step == CSV_BROKEN)
            fail(&err);
        if (!facts)
            continue;
        feed_rows_read(rows, step == CSV_BAD_ROW, &measure->row);
        use_row(measure);
    }
    measure->rows = table->csv.rows;
    feed_rows_free(rows);
}

/* Nanoseconds of the step. */
static int64_t run(struct measure *measure, enum step step)
{
    struct error err;
    struct table *table;
    int64_t began_ns = processor_ns();
    if (step <= STEP_UTF8) {
        read_chunks(measure, step);
        return processor_ns() - began_ns;
    }
    if (table_open(&table, measure->path, ENCODING_AUTO, NULL, &err) != STATUS_OK)
        fail(&err);
    began_ns = processor_ns(); /* the hash and the encoding are measured apart */
    measure->bytes = table->bytes;
    read_rows(measure, table, step == STEP_FACTS);
    int64_t ns = processor_ns() - began_ns;
    table_close(table);
    return ns;
}

static void report(const struct measure *measure, const char *name, int64_t ns)
{
    printf("%-8s %7.0f MB/s %7.2f M rows/s %7.1f ns/row\n", name, (double)measure->bytes * 1e3 / (double)ns,
           (double)measure->rows * 1e3 / (double)ns, (double)ns / (double)measure->rows);
}

static void measure_steps(struct measure *measure, int rounds)
{
    static const char *const names[STEPS] = {"read", "hash", "utf-8", "split", "facts"};
    int64_t best[STEPS];
    for (int i = 0; i < rounds; i++)
        for (int step = 0; step < STEPS; step++) {
            int64_t ns = run(measure, (enum step)step);
            best[step] = i == 0 || ns < best[step] ? ns : best[step];
        }
    for (int step = 0; step < STEPS; step++)
        report(measure, names[step], best[step]);
    report(measure, "decode", best[STEP_UTF8] - best[STEP_READ] + best[STEP_FACTS]);
    printf("%llu rows, %llu facts, %llu notes, sum %016llx\n", (unsigned long long)measure->rows,
           (unsigned long long)measure->facts, (unsigned long long)measure->notes,
           (unsigned long long)measure->sum);
}

int main(int argc, char **argv)
{
    struct error err;
    struct feed_config *config;
    struct dictionary *dictionary = dictionary_new();
    struct measure *measure = calloc(1, sizeof *measure);
    int rounds = argc > 2 ? atoi(argv[2]) : 5;
    if (argc < 2 || rounds < 1 || !dictionary || !measure) {
        fprintf(stderr, "usage: feed_decode FILE.csv [ROUNDS]\n");
        return 64;
    }
    if (dictionary_add_base(dictionary, &err) || feed_config_default("medical_insurance", &config, &err))
        fail(&err);
    measure->path = argv[1];
    measure->dictionary = dictionary;
    measure->config = config;
    measure_steps(measure, rounds);
    feed_config_free(config);
    dictionary_free(dictionary);
    free(measure);
    return 0;
}
