/* SPDX-License-Identifier: PostgreSQL */
/*
 * Takes in what lies in a drop directory, as the daemon does, or a register, as shouwangctl does, and says what it cost:
 *   bench/take_in CONNINFO DROP ARCHIVE
 *   bench/take_in CONNINFO REGISTER
 * One line per file or register: batch, outcome, facts stored, milliseconds in all, CPU milliseconds of this process and
 * of its backend, and the greatest memory of this process so far in MB.
 */
#include "config.h"

#include "base/clock.h"
#include "domain/fact.h"
#include "io/pg.h"
#include "source/import.h"
#include "source/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static _Noreturn void fail(const struct error *err)
{
    fprintf(stderr, "take_in: %s\n", err->text);
    exit(status_exit_code(err->status));
}

/* Processor time so far, finer than the ticks of /proc/PID/stat; -1 where /proc does not tell. A backend has one thread. */
static int64_t backend_us(long pid)
{
    char path[64];
    long long running_ns;
    snprintf(path, sizeof path, "/proc/%ld/schedstat", pid);
    FILE *file = fopen(path, "r");
    int read = file ? fscanf(file, "%lld", &running_ns) : 0;
    if (file)
        fclose(file);
    return read == 1 ? running_ns / 1000 : -1;
}

static int64_t own_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

struct watch {
    long backend;
    int64_t began_us, own_us, backend_us;
};

static void watch_begin(struct watch *watch)
{
    watch->began_us = clock_monotonic_us();
    watch->own_us = own_us();
    watch->backend_us = backend_us(watch->backend);
}

static void print(struct watch *watch, const char *name, const char *outcome, int64_t facts)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t own = own_us(), backend = backend_us(watch->backend);
    printf("%s %s %lld %.1f %.1f %.1f %ld\n", name, outcome, (long long)facts,
           (double)(clock_monotonic_us() - watch->began_us) / 1000.0, (double)(own - watch->own_us) / 1000.0,
           (double)(backend - watch->backend_us) / 1000.0, usage.ru_maxrss / 1024);
    fflush(stdout);
    watch_begin(watch);
}

static void report(void *context, const struct ingest_result *result)
{
    print(context, result->batch, ingest_outcome_name(result->outcome),
          result->facts_stored + result->facts_stranger);
    if (result->outcome != INGEST_ACCEPTED)
        fprintf(stderr, "take_in: %s: %s\n", result->batch, result->reason);
}

static enum status import(struct pg *pg, const struct dictionary *dictionary, const char *folder,
                          struct watch *watch, struct error *err)
{
    const struct import_settings settings = {.dictionary = dictionary, .today = DAY_NONE, .actor = "bench"};
    struct import_result result;
    enum status status = import_directory(pg, &settings, folder, &result, err);
    if (status == STATUS_OK)
        print(watch, "register", result.same ? "same" : "imported",
              result.facts.added + result.facts.unchanged);
    return status;
}

int main(int argc, char **argv)
{
    struct error err;
    struct pg *pg;
    struct pg_result *row;
    struct watch watch;
    if (argc != 3 && argc != 4) {
        fprintf(stderr, "usage: take_in CONNINFO DROP ARCHIVE, or take_in CONNINFO REGISTER\n");
        return 64;
    }
    struct dictionary *dictionary = dictionary_new();
    if (!dictionary || dictionary_add_base(dictionary, &err) ||
        pg_connect(argv[1], "bench", 10000, &pg, &err) ||
        pg_query(pg, "select pg_backend_pid()", pg_params(), &row, &err))
        fail(&err);
    watch.backend = pg_get_int32(row, 0, 0);
    pg_result_free(row);
    struct ingest_settings settings = {
        .dictionary = dictionary, .drop_directory = argv[2], .archive_directory = argv[3], .actor = "bench"};
    watch_begin(&watch);
    if (argc == 3 ? import(pg, dictionary, argv[2], &watch, &err)
                  : ingest_scan(pg, &settings, report, &watch, &err))
        fail(&err);
    pg_close(pg);
    dictionary_free(dictionary);
    return 0;
}
