/* SPDX-License-Identifier: PostgreSQL */
/* Starting a connection, and what failures are called. */
#include "config.h"

#include "io/pg_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what failures are called --- */

struct sqlstate_words {
    const char *prefix; /* of the SQLSTATE; the first that fits counts, so longer ones stand first */
    enum status status;
    const char *words;
};

/* PostgreSQL documentation, appendix A. */
static const struct sqlstate_words sqlstates[] = {
    {"08", STATUS_RETRY, "connection lost"},
    {"22P05", STATUS_CONFIG, "a character cannot be stored in the database's encoding; it has to be UTF8"},
    {"22", STATUS_FATAL, "a value does not fit"},
    {"23502", STATUS_FATAL, "a value is missing"},
    {"23505", STATUS_FATAL, "a key exists already"},
    {"23503", STATUS_FATAL, "a key that is referred to does not exist"},
    {"23514", STATUS_FATAL, "a value is not allowed"},
    {"23", STATUS_FATAL, "a constraint is violated"},
    {"25006", STATUS_RETRY, "the server is read-only (a standby, or default_transaction_read_only is set)"},
    {"25P03", STATUS_RETRY, "the transaction was idle for too long"},
    {"28", STATUS_CONFIG, "the server does not accept this account or its authentication"},
    {"3D", STATUS_CONFIG, "the database does not exist"},
    {"3F", STATUS_CONFIG, "the schema does not exist"},
    {"40001", STATUS_RETRY, "a concurrent transaction came first"},
    {"40P01", STATUS_RETRY, "deadlock"},
    {"40", STATUS_RETRY, "the transaction was rolled back"},
    {"42501", STATUS_CONFIG, "no privilege; the account has not the role for it"},
    {"42P01", STATUS_CONFIG, "a table does not exist"},
    {"42703", STATUS_CONFIG, "a column does not exist"},
    {"42883", STATUS_CONFIG, "a function does not exist"},
    {"42", STATUS_CONFIG, "schema and statement do not fit"},
    {"53100", STATUS_RETRY, "the server's disk is full"},
    {"53200", STATUS_RETRY, "the server has no memory left"},
    {"53300", STATUS_RETRY, "the server has too many connections"},
    {"53", STATUS_RETRY, "the server lacks resources"},
    {"55P03", STATUS_RETRY, "a lock was not to be had in time"},
    {"57014", STATUS_RETRY, "the statement took too long or was cancelled"},
    {"57P01", STATUS_RETRY, "the server is shutting down"},
    {"57P03", STATUS_RETRY, "the server is starting up or shutting down"},
    {"57", STATUS_RETRY, "the server's operator intervened"},
    {"58", STATUS_RETRY, "the server's system failed"},
    {"P0001", STATUS_FATAL, "refused by a function of the schema"},
    {"XX001", STATUS_FATAL, "the server found its data damaged; its log says where"},
    {"XX002", STATUS_FATAL, "the server found an index damaged; its log says which"},
    {"XX", STATUS_RETRY, "the server failed in itself, as it may when its disk is full; its log says how"},
    {"SW001", STATUS_FATAL, "the leadership has passed to another daemon"},
    {"", STATUS_FATAL, "the server refused the statement"},
};

static const struct sqlstate_words *words_of(const char *sqlstate)
{
    const struct sqlstate_words *entry = sqlstates;
    while (strncmp(sqlstate, entry->prefix, strlen(entry->prefix)) != 0)
        entry++;
    return entry;
}

/* Names of schema objects are no data; the primary message and the detail may quote some. */
static void add_object(char *out, size_t size, const char *what, const char *name)
{
    size_t used = strlen(out);
    if (name && *name && used < size)
        snprintf(out + used, size - used, ", %s %s", what, name);
}

enum status pg_result_error(const PGresult *result, char sqlstate[PG_SQLSTATE_SIZE], struct error *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    snprintf(sqlstate, PG_SQLSTATE_SIZE, "%s", state ? state : "");
    if (!state)
        return error_set(err, STATUS_RETRY, "database: connection lost");
    char objects[256] = "";
    add_object(objects, sizeof objects, "table", PQresultErrorField(result, PG_DIAG_TABLE_NAME));
    add_object(objects, sizeof objects, "column", PQresultErrorField(result, PG_DIAG_COLUMN_NAME));
    add_object(objects, sizeof objects, "constraint", PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME));
    add_object(objects, sizeof objects, "character", PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION));
    const struct sqlstate_words *entry = words_of(state);
    return error_set(err, entry->status, "database: %s (SQLSTATE %s%s)", entry->words, state, objects);
}

/* With PQERRORS_SQLSTATE the text of a server's refusal ends in "FATAL:  28P01\n", whatever its language. */
static bool sqlstate_at_end(const char *message, char sqlstate[PG_SQLSTATE_SIZE])
{
    size_t length = strlen(message);
    while (length && message[length - 1] == '\n')
        length--;
    if (length < 8 || memcmp(message + length - 8, ":  ", 3) != 0)
        return false;
    const char *state = message + length - 5;
    if (strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") < 5)
        return false;
    snprintf(sqlstate, PG_SQLSTATE_SIZE, "%.5s", state);
    return true;
}

enum status pg_connect_error(const PGconn *conn, char sqlstate[PG_SQLSTATE_SIZE], struct error *err)
{
    const char *host = PQhost(conn), *port = PQport(conn);
    if (!host || !*host)
        host = "its socket";
    if (!port || !*port)
        port = "its port";
    if (sqlstate_at_end(PQerrorMessage(conn), sqlstate)) {
        const struct sqlstate_words *entry = words_of(sqlstate);
        return error_set(err, entry->status, "database at %s, %s: %s (SQLSTATE %s)", host, port, entry->words,
                         sqlstate);
    }
    sqlstate[0] = '\0';
    if (PQconnectionNeedsPassword(conn))
        return error_set(err, STATUS_CONFIG,
                         "database at %s, %s: a password is demanded and conninfo has none", host, port);
    return error_set(err, STATUS_RETRY, "database at %s, %s: cannot be reached", host, port);
}

/* --- starting --- */

/* Ours; those that conninfo gives come later in the list and win. */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    {"client_encoding", "UTF8"},   {"keepalives", "1"},       {"keepalives_idle", "30"},
    {"keepalives_interval", "10"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "30000"},
};

enum { OPTIONS_SIZE = 4096, KEYWORDS_MAX = 64 };

/* client_connection_check_interval makes the server notice that we have gone while a statement runs, so that a
 * cancelled wait needs nothing but closing the socket. JIT would compile for longer than our statements run. The
 * isolation is what the statements of store/ are written for. Whatever an administrator has set for the account, what was committed
 * must outlive a crash of the server: a township would be given a sequence number twice. */
static enum status compose_options(char out[OPTIONS_SIZE], const char *given, struct error *err)
{
    const int length =
        snprintf(out, OPTIONS_SIZE,
                 "-c search_path=shouwang,pg_temp -c timezone=UTC -c statement_timeout=%d -c lock_timeout=%d"
                 " -c idle_in_transaction_session_timeout=%d -c standard_conforming_strings=on"
                 " -c client_connection_check_interval=5000 -c jit=off"
                 " -c default_transaction_isolation=read\\ committed -c synchronous_commit=on %s",
                 PG_STATEMENT_TIMEOUT_MS, PG_LOCK_TIMEOUT_MS, PG_IDLE_IN_TRANSACTION_MS, given ? given : "");
    if (length >= OPTIONS_SIZE)
        return error_set(err, STATUS_CONFIG,
                         "database: the options in conninfo have %zu bytes, expected at most %d",
                         strlen(given), OPTIONS_SIZE - 1 - (length - (int)strlen(given)));
    return STATUS_OK;
}

/* libpq would print the server's notices to stderr, in between the log's lines. */
static void drop_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static enum status parse_conninfo(const char *conninfo, PQconninfoOption **given, struct error *err)
{
    char *message = NULL;
    *given = PQconninfoParse(conninfo, &message);
    PQfreemem(message); /* it may quote a password */
    if (!*given)
        return error_set(
            err, STATUS_CONFIG,
            "database: conninfo cannot be read; expected keyword=value pairs or a postgresql:// URI");
    return STATUS_OK;
}

static const char *given_value(const PQconninfoOption *given, const char *keyword)
{
    for (; given->keyword; given++)
        if (strcmp(given->keyword, keyword) == 0)
            return given->val;
    return NULL;
}

enum status pg_start(const char *conninfo, const char *application_name, const char *hostaddr, PGconn **conn,
                     struct error *err)
{
    PQconninfoOption *given;
    *conn = NULL;
    enum status status = parse_conninfo(conninfo, &given, err);
    if (status)
        return status;
    const char *keywords[KEYWORDS_MAX], *values[KEYWORDS_MAX];
    char options[OPTIONS_SIZE];
    status = compose_options(options, given_value(given, "options"), err);
    if (status) {
        PQconninfoFree(given);
        return status;
    }
    size_t n = 0;
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++, n++) {
        keywords[n] = defaults[i].keyword;
        values[n] = defaults[i].value;
    }
    for (const PQconninfoOption *option = given; option->keyword && n < KEYWORDS_MAX - 4; option++)
        if (option->val) {
            keywords[n] = option->keyword;
            values[n++] = option->val;
        }
    /* By these names a new leader knows the sessions of the one before it (lease_evict_async): conninfo's does not count. */
    keywords[n] = "application_name";
    values[n++] = application_name;
    keywords[n] = "options";
    values[n++] = options;
    if (hostaddr) {
        keywords[n] = "hostaddr";
        values[n++] = hostaddr;
    }
    keywords[n] = values[n] = NULL;
    *conn = PQconnectStartParams(keywords, values, 0);
    PQconninfoFree(given);
    if (!*conn)
        return error_set(err, STATUS_FATAL, "database: no memory for a connection");
    PQsetErrorVerbosity(*conn, PQERRORS_SQLSTATE);
    PQsetNoticeProcessor(*conn, drop_notice, 0);
    return STATUS_OK;
}

bool pg_is_host_name(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    return *host && *host != '/' && *host != '@' && inet_pton(AF_INET, host, address) != 1 &&
           inet_pton(AF_INET6, host, address) != 1;
}

static bool any_is_name(const char *hosts)
{
    char host[256];
    for (const char *at = hosts; *at; at += *at == ',') {
        size_t length = strcspn(at, ",");
        snprintf(host, sizeof host, "%.*s", (int)length, at);
        if (pg_is_host_name(host))
            return true;
        at += length;
    }
    return false;
}

bool pg_conninfo_has_password(const char *conninfo)
{
    PQconninfoOption *given;
    struct error ignored;
    if (parse_conninfo(conninfo, &given, &ignored) != STATUS_OK)
        return false;
    const char *const passwords[] = {given_value(given, "password"), given_value(given, "sslpassword")};
    const bool has = (passwords[0] && *passwords[0]) || (passwords[1] && *passwords[1]);
    PQconninfoFree(given);
    return has;
}

enum status pg_host_to_resolve(const char *conninfo, char **host, struct error *err)
{
    PQconninfoOption *given;
    *host = NULL;
    enum status status = parse_conninfo(conninfo, &given, err);
    if (status)
        return status;
    const char *names = given_value(given, "host"), *address = given_value(given, "hostaddr");
    if (names && any_is_name(names) && !(address && *address)) {
        *host = strdup(names);
        if (!*host)
            status = error_set(err, STATUS_FATAL, "database: no memory for a connection");
    }
    PQconninfoFree(given);
    return status;
}
