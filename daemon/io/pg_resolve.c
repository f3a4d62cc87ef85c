/* SPDX-License-Identifier: PostgreSQL */
/*
 * Resolving the database's host names beside the caller: libpq would do it within PQconnectStart or PQconnectPoll, where
 * a dead name server stops everything for half a minute. A thread calls getaddrinfo and then writes to a pipe; whoever
 * gave up waiting drops its part, and the thread frees the rest when it comes back.
 */
#include "config.h"

#include "io/pg_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ADDRESSES_SIZE = 1024 };

/* Answers no connection: stands for a name that could not be resolved, beside others that could. */
static const char nowhere[] = "255.255.255.255";

struct pg_resolve {
    atomic_int holders; /* the caller and the thread */
    int done[2];        /* the thread writes a byte into [1] */
    char *hosts;
    atomic_bool
        ended;     /* the thread will write no more of what follows; the pipe wakes, but orders no memory */
    bool resolved; /* at least one name */
    char addresses[ADDRESSES_SIZE];
};

static void let_go(struct pg_resolve *resolve)
{
    if (atomic_fetch_sub(&resolve->holders, 1) > 1)
        return;
    close(resolve->done[0]);
    close(resolve->done[1]);
    free(resolve->hosts);
    free(resolve);
}

/* The first address of a name, as digits. */
static bool address_of(const char *host, char *out, size_t size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    bool ok =
        getnameinfo(found->ai_addr, found->ai_addrlen, out, (socklen_t)size, NULL, 0, NI_NUMERICHOST) == 0;
    freeaddrinfo(found);
    return ok;
}

/* hostaddr has an entry for every entry of host; an empty one leaves a socket's folder or a numeric host as it is. */
static void add_address(struct pg_resolve *resolve, size_t *used, const char *host)
{
    char address[INET6_ADDRSTRLEN + 32] = ""; /* with a zone */
    if (pg_is_host_name(host)) {
        bool found = address_of(host, address, sizeof address);
        resolve->resolved |= found;
        if (!found)
            memcpy(address, nowhere, sizeof nowhere);
    } else {
        resolve->resolved = true;
    }
    size_t length = strlen(address);
    if (*used + length + 2 > ADDRESSES_SIZE)
        return;
    memcpy(resolve->addresses + *used, address, length + 1);
    *used += length;
}

static void *run(void *context)
{
    struct pg_resolve *resolve = context;
    size_t used = 0;
    char *rest = resolve->hosts, *host;
    for (bool first = true; (host = strsep(&rest, ",")); first = false) {
        if (!first && used + 2 < ADDRESSES_SIZE)
            resolve->addresses[used++] = ',';
        add_address(resolve, &used, host);
    }
    atomic_store(&resolve->ended, true);
    ssize_t written;
    do
        written = write(resolve->done[1], "", 1);
    while (written < 0 && errno == EINTR);
    let_go(resolve);
    return NULL;
}

static bool start_thread(struct pg_resolve *resolve)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's business */
    atomic_store(&resolve->holders, 2);
    bool started = pthread_create(&thread, &attributes, run, resolve) == 0;
    if (!started)
        atomic_store(&resolve->holders, 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

enum status pg_resolve_start(const char *hosts, struct pg_resolve **resolve, int *fd, struct error *err)
{
    *resolve = NULL;
    struct pg_resolve *new = calloc(1, sizeof *new);
    if (!new)
        return error_set(err, STATUS_FATAL, "database: no memory for a connection");
    if (pipe2(new->done, O_CLOEXEC) != 0) {
        free(new);
        return error_set(err, STATUS_RETRY,
                         "database: no pipe to resolve its host name (too many open files?)");
    }
    atomic_store(&new->holders, 1);
    new->hosts = strdup(hosts);
    if (!new->hosts || !start_thread(new)) {
        let_go(new);
        return error_set(err, STATUS_RETRY, "database: no thread to resolve its host name");
    }
    *resolve = new;
    *fd = new->done[0];
    return STATUS_OK;
}

const char *pg_resolve_addresses(const struct pg_resolve *resolve)
{
    return atomic_load(&resolve->ended) && resolve->resolved ? resolve->addresses : NULL;
}

void pg_resolve_free(struct pg_resolve *resolve)
{
    if (resolve)
        let_go(resolve);
}
