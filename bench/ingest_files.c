/* SPDX-License-Identifier: PostgreSQL */
/*
 * Takes in whatever lies in a drop directory, as the daemon does, and says what each file cost:
 *   bench/ingest_files CONNINFO DROP ARCHIVE
 * One line per file: batch, outcome, facts stored, milliseconds from the look at the file to its place in the archive,
 * CPU milliseconds of this process and of its backend, and the greatest memory so far in MB.
 */
#include "config.h"

#include "base/clock.h"
#include "domain/fact.h"
#include "io/pg.h"
#include "source/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static _Noreturn void fail(const struct error *err)
{
    fprintf(stderr, "ingest_files: %s\n", err->text);
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

static void report(void *context, const struct ingest_result *result)
{
    struct watch *watch = context;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t own_ms = cpu_ms_of((long)getpid()), backend_ms = cpu_ms_of(watch->backend);
    printf("%s %s %lld %.0f %lld %lld %ld%s%s\n", result->batch, ingest_outcome_name(result->outcome),
           (long long)(result->facts_stored + result->facts_stranger),
           (double)(clock_monotonic_us() - watch->began_us) / 1000.0, (long long)(own_ms - watch->own_ms),
           (long long)(backend_ms - watch->backend_ms), usage.ru_maxrss / 1024, result->reason[0] ? " " : "",
           result->reason);
    fflush(stdout);
    watch_begin(watch);
}

int main(int argc, char **argv)
{
    struct error err;
    struct pg *pg;
    struct pg_result *row;
    struct watch watch;
    if (argc != 4) {
        fprintf(stderr, "usage: ingest_files CONNINFO DROP ARCHIVE\n");
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
    if (ingest_scan(pg, &settings, report, &watch, &err))
        fail(&err);
    pg_close(pg);
    dictionary_free(dictionary);
    return 0;
}
