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

/* User and system time so far; -1 where /proc does not tell. */
static int64_t cpu_ms_of(long pid)
{
    char path[64];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    int read =
        fscanf(file, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    fclose(file);
    return read == 2 ? (int64_t)(user + system) * 1000 / sysconf(_SC_CLK_TCK) : -1;
}

struct watch {
    long backend;
    int64_t began_us, own_ms, backend_ms;
};

static void watch_begin(struct watch *watch)
{
    watch->began_us = clock_monotonic_us();
    watch->own_ms = cpu_ms_of((long)getpid());
    watch->backend_ms = cpu_ms_of(watch->backend);
}

static void print(struct watch *watch, const char *name, const char *outcome, int64_t facts)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t own_ms = cpu_ms_of((long)getpid()), backend_ms = cpu_ms_of(watch->backend);
    printf("%s %s %lld %.0f %lld %lld %ld\n", name, outcome, (long long)facts,
           (double)(clock_monotonic_us() - watch->began_us) / 1000.0, (long long)(own_ms - watch->own_ms),
           (long long)(backend_ms - watch->backend_ms), usage.ru_maxrss / 1024);
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
