/* SPDX-License-Identifier: PostgreSQL */
/*
 * The floor under every round: the same rows and columns by the same COPY statements, one after another on one connection,
 * received and thrown away.
 *
 *     raw_copy CONNINFO <statements      one statement a line
 *
 * Prints one JSON document: wall and processor time, rows and bytes. libpq hands over each row in memory of its own; what
 * that costs runs beside the server on the other core, and psql's \copy to /dev/null is not faster.
 */
#include "config.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { STATEMENT_MAX = 4096, STATEMENTS_MAX = 500 };

static long long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static long long cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

static int fail(PGconn *pg, const char *what)
{
    fprintf(stderr, "raw_copy: %s: %s\n", what, PQerrorMessage(pg));
    return 0;
}

static int execute(PGconn *pg, const char *sql)
{
    PGresult *result = PQexec(pg, sql);
    int done = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return done ? 1 : fail(pg, sql);
}

static int copy(PGconn *pg, const char *sql, long long *rows, long long *bytes)
{
    char *buffer;
    int length;
    PGresult *result = PQexec(pg, sql);
    int begun = PQresultStatus(result) == PGRES_COPY_OUT;
    PQclear(result);
    if (!begun)
        return fail(pg, sql);
    while ((length = PQgetCopyData(pg, &buffer, 0)) > 0) {
        *bytes += length;
        PQfreemem(buffer);
    }
    while ((result = PQgetResult(pg)) != NULL) {
        if (PQresultStatus(result) == PGRES_COMMAND_OK)
            *rows += strtoll(PQcmdTuples(result), NULL, 10);
        else
            begun = fail(pg, sql);
        PQclear(result);
    }
    return begun && length == -1;
}

static int read_statements(char *statements[STATEMENTS_MAX])
{
    static char line[STATEMENT_MAX];
    int count = 0;
    while (count < STATEMENTS_MAX && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0' && (statements[count++] = strdup(line)) == NULL)
            return 0;
    }
    return count;
}

int main(int argc, char **argv)
{
    static char *statements[STATEMENTS_MAX];
    int count = read_statements(statements);
    if (argc != 2 || count == 0) {
        fprintf(stderr, "usage: raw_copy CONNINFO <statements\n");
        return EXIT_FAILURE;
    }
    long long rows = 0, bytes = 0, began = now_us();
    PGconn *pg = PQconnectdb(argv[1]);
    int done = PQstatus(pg) == CONNECTION_OK ? 1 : fail(pg, "connect");
    /* The round's own session: compiling a plan costs more than most of these statements. */
    done = done && execute(pg, "set search_path = shouwang") && execute(pg, "set jit = off") &&
           execute(pg, "set max_parallel_workers_per_gather = 0") &&
           execute(pg, "begin isolation level repeatable read read only");
    for (int i = 0; i < count; i++) {
        done = done && copy(pg, statements[i], &rows, &bytes);
        free(statements[i]);
    }
    PQfinish(pg);
    printf("{\"wall_us\":%lld,\"cpu_us\":%lld,\"rows\":%lld,\"bytes\":%lld,\"statements\":%d}\n",
           now_us() - began, cpu_us(), rows, bytes, count);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
