/* SPDX-License-Identifier: PostgreSQL */
/* What the files of pg.h share. Included by io/pg*.c alone: it shows libpq. */
#ifndef SHOUWANG_IO_PG_INTERNAL_H
#define SHOUWANG_IO_PG_INTERNAL_H

#include "io/pg.h"

#include <libpq-fe.h>

enum { PG_SQLSTATE_SIZE = 6, PG_PARAMS_MAX = 24 };

struct pg {
    PGconn *conn; /* NULL once broken */
    int call_timeout_ms;
    int64_t deadline_ms; /* monotonic; of the current call */
    const atomic_bool *cancel;
    bool commit_unknown;
    char sqlstate[PG_SQLSTATE_SIZE];
};

/* --- pg_connection.c: shared by both kinds of connection -------------------------------------------------- */

/* PQconnectStart with our parameters. hostaddr (NULL = none) replaces the resolving of the host. */
enum status pg_start(const char *conninfo, const char *application_name, const char *hostaddr, PGconn **conn,
                     struct error *err) WARN_UNUSED;
/* The host names in conninfo that would have to be resolved ("a" or "a,b"), malloc'd; *host NULL when there are none. */
enum status pg_host_to_resolve(const char *conninfo, char **host, struct error *err) WARN_UNUSED;
bool pg_is_host_name(const char *host); /* not a socket's folder and not a numeric address */
/* Why connecting failed. */
enum status pg_connect_error(const PGconn *conn, char sqlstate[PG_SQLSTATE_SIZE], struct error *err);
/* Why a statement failed: SQLSTATE, our words, names of schema objects. */
enum status pg_result_error(const PGresult *result, char sqlstate[PG_SQLSTATE_SIZE], struct error *err);

/* --- pg_resolve.c ------------------------------------------------------------------------------------------- */

struct pg_resolve;
/* Resolves the hosts of a conninfo beside the caller; *fd becomes readable when it is done. */
enum status pg_resolve_start(const char *hosts, struct pg_resolve **resolve, int *fd,
                             struct error *err) WARN_UNUSED;
/* For hostaddr; NULL when no name could be resolved. Only after *fd was readable. */
const char *pg_resolve_addresses(const struct pg_resolve *resolve);
void pg_resolve_free(struct pg_resolve *resolve); /* at any time; NULL is allowed */

/* --- pg.c --------------------------------------------------------------------------------------------------- */

/* Starts the deadline of a call; STATUS_RETRY when the connection is broken. */
enum status pg_call_begin(struct pg *pg, struct error *err) WARN_UNUSED;
/* Waits until the socket is ready for one of `events` (poll's); breaks the connection at the deadline. */
enum status pg_wait(struct pg *pg, short events, struct error *err) WARN_UNUSED;
/* Sends all that libpq still holds. */
enum status pg_flush(struct pg *pg, struct error *err) WARN_UNUSED;
/* The next result of the statement; *result NULL when there are no more. Errors are still inside the result. */
enum status pg_next_result(struct pg *pg, PGresult **result, struct error *err) WARN_UNUSED;
/* Reads results to the end; the first error counts. *last (may be NULL) gets the last good one. */
enum status pg_finish_results(struct pg *pg, PGresult **last, struct error *err) WARN_UNUSED;
/* The connection is of no use any more. */
enum status pg_break(struct pg *pg, struct error *err, const char *why) WARN_UNUSED;

/* --- pg_value.c --------------------------------------------------------------------------------------------- */

/* Parameters as libpq wants them. Self-contained: nothing is borrowed from the pg_params. */
struct pg_encoded {
    int count;
    Oid types[PG_PARAMS_MAX];
    const char *values[PG_PARAMS_MAX];
    int lengths[PG_PARAMS_MAX];
    int formats[PG_PARAMS_MAX];
    struct text bytes;
};
/* STATUS_REJECT for a UUID that is none, STATUS_FATAL without memory. Free with pg_encoded_fini in any case. */
enum status pg_encode(const struct pg_param *params, struct pg_encoded *encoded,
                      struct error *err) WARN_UNUSED;
void pg_encoded_fini(struct pg_encoded *encoded);
bool pg_uuid_bytes(const char *text, unsigned char out[16]);

#endif
