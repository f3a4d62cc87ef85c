/* SPDX-License-Identifier: PostgreSQL */
/*
 * The peer of bench/feed_decode: libcsv splits a file into fields and rows, and nothing else.
 *   bench/feed_libcsv FILE.csv [ROUNDS]
 * The best of the rounds in MB per second of processor time, reading from the page cache included.
 */
#include "config.h"

#include <csv.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK_BYTES = 128 * 1024 };

struct counts {
    uint64_t fields, bytes, rows;
};

static void on_field(void *bytes, size_t length, void *ctx)
{
    struct counts *counts = ctx;
    (void)bytes;
    counts->fields++;
    counts->bytes += length;
}

static void on_row(int end, void *ctx)
{
    struct counts *counts = ctx;
    (void)end;
    counts->rows++;
}

static int64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t split(const char *path, struct counts *counts)
{
    static char chunk[CHUNK_BYTES];
    struct csv_parser parser;
    uint64_t total = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || csv_init(&parser, CSV_STRICT) != 0) {
        fprintf(stderr, "feed_libcsv: %s cannot be read\n", path);
        exit(66);
    }
    *counts = (struct counts){0};
    for (ssize_t got; (got = read(fd, chunk, sizeof chunk)) > 0; total += (uint64_t)got)
        if (csv_parse(&parser, chunk, (size_t)got, on_field, on_row, counts) != (size_t)got) {
            fprintf(stderr, "feed_libcsv: %s\n", csv_strerror(csv_error(&parser)));
            exit(65);
        }
    csv_fini(&parser, on_field, on_row, counts);
    csv_free(&parser);
    close(fd);
    return total;
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 5;
    if (argc < 2 || rounds < 1) {
        fprintf(stderr, "usage: feed_libcsv FILE.csv [ROUNDS]\n");
        return 64;
    }
    struct counts counts;
    uint64_t bytes = 0;
    int64_t best = INT64_MAX;
    for (int i = 0; i < rounds; i++) {
        int64_t began_ns = processor_ns();
        bytes = split(argv[1], &counts);
        int64_t ns = processor_ns() - began_ns;
        best = ns < best ? ns : best;
    }
    printf("%-8s %7.0f MB/s %7.2f M rows/s %7.1f ns/row\n", "libcsv", (double)bytes * 1e3 / (double)best,
           (double)counts.rows * 1e3 / (double)best, (double)best / (double)counts.rows);
    return 0;
}
