/* SPDX-License-Identifier: PostgreSQL */
#include "store/sender.h"

#include "io/pg.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct parcel {
    struct parcel *next;
    char *sql;
    struct pg_rows rows;
};

struct sender {
    struct pg *pg;
    pthread_t thread;
    bool threaded; /* false: no thread could be made; rows are sent as they come */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex. */
    struct parcel *first, *last;
    size_t waiting_bytes;
    bool busy, ending;
    enum status status; /* of the first that failed */
    struct error err;
};

static void parcel_free(struct parcel *parcel)
{
    pg_rows_fini(&parcel->rows);
    free(parcel->sql);
    free(parcel);
}

static struct parcel *parcel_new(const char *copy_sql, struct pg_rows *rows)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    struct text sql;
    text_init(&sql);
    text_add_str(&sql, copy_sql);
    if (!parcel || sql.failed) {
        text_fini(&sql);
        free(parcel);
        return NULL;
    }
    parcel->sql = text_take(&sql);
    parcel->rows = *rows;
    pg_rows_init(rows);
    return parcel;
}

/* The next parcel, or NULL when it is time to end. The mutex is held. */
static struct parcel *next_parcel(struct sender *sender)
{
    while (!sender->first && !sender->ending)
        pthread_cond_wait(&sender->changed, &sender->mutex);
    struct parcel *parcel = sender->ending ? NULL : sender->first;
    if (!parcel)
        return NULL;
    sender->first = parcel->next;
    if (!sender->first)
        sender->last = NULL;
    sender->waiting_bytes -= parcel->rows.bytes.length;
    sender->busy = true;
    pthread_cond_broadcast(&sender->changed);
    return parcel;
}

static void *run(void *argument)
{
    struct sender *sender = argument;
    struct parcel *parcel;
    pthread_mutex_lock(&sender->mutex);
    while ((parcel = next_parcel(sender))) {
        enum status status = sender->status;
        struct error err;
        pthread_mutex_unlock(&sender->mutex);
        bool sent = status == STATUS_OK; /* after a failure the transaction is lost anyway */
        if (sent)
            status = pg_copy_in(sender->pg, parcel->sql, &parcel->rows, &err);
        parcel_free(parcel);
        pthread_mutex_lock(&sender->mutex);
        if (sent && status) {
            sender->status = status;
            sender->err = err;
        }
        sender->busy = false;
        pthread_cond_broadcast(&sender->changed);
    }
    pthread_mutex_unlock(&sender->mutex);
    return NULL;
}

/* Signals are the main thread's: a thread inherits the mask that stands when it is made. */
static bool start(struct sender *sender)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&sender->thread, NULL, run, sender);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

enum status sender_new(struct pg *pg, struct sender **sender, struct error *err)
{
    *sender = calloc(1, sizeof **sender);
    if (!*sender)
        return error_set(err, STATUS_FATAL, "no memory to send rows");
    (*sender)->pg = pg;
    pthread_mutex_init(&(*sender)->mutex, NULL);
    pthread_cond_init(&(*sender)->changed, NULL);
    (*sender)->threaded = start(*sender);
    return STATUS_OK;
}

/* The mutex is held. */
static enum status failure_of(const struct sender *sender, struct error *err)
{
    if (sender->status)
        *err = sender->err;
    return sender->status;
}

static enum status enqueue(struct sender *sender, struct parcel *parcel, struct error *err)
{
    pthread_mutex_lock(&sender->mutex);
    while (sender->waiting_bytes > 0 && !sender->status &&
           sender->waiting_bytes + parcel->rows.bytes.length > SENDER_WAITING_BYTES)
        pthread_cond_wait(&sender->changed, &sender->mutex);
    enum status status = failure_of(sender, err);
    if (!status) {
        if (sender->last)
            sender->last->next = parcel;
        else
            sender->first = parcel;
        sender->last = parcel;
        sender->waiting_bytes += parcel->rows.bytes.length;
        pthread_cond_broadcast(&sender->changed);
    }
    pthread_mutex_unlock(&sender->mutex);
    if (status)
        parcel_free(parcel);
    return status;
}

enum status sender_send(struct sender *sender, const char *copy_sql, struct pg_rows *rows, struct error *err)
{
    if (rows->bytes.failed)
        return error_set(err, STATUS_FATAL, "no memory for rows to send");
    if (rows->count == 0)
        return STATUS_OK;
    if (!sender->threaded)
        return pg_copy_in(sender->pg, copy_sql, rows, err);
    struct parcel *parcel = parcel_new(copy_sql, rows);
    return parcel ? enqueue(sender, parcel, err) : error_set(err, STATUS_FATAL, "no memory to send rows");
}

enum status sender_wait(struct sender *sender, struct error *err)
{
    pthread_mutex_lock(&sender->mutex);
    while (sender->first || sender->busy)
        pthread_cond_wait(&sender->changed, &sender->mutex);
    enum status status = failure_of(sender, err);
    pthread_mutex_unlock(&sender->mutex);
    return status;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    pthread_mutex_lock(&sender->mutex);
    sender->ending = true;
    pthread_cond_broadcast(&sender->changed);
    pthread_mutex_unlock(&sender->mutex);
    if (sender->threaded)
        pthread_join(sender->thread, NULL);
    for (struct parcel *parcel = sender->first, *next; parcel; parcel = next) {
        next = parcel->next;
        parcel_free(parcel);
    }
    pthread_cond_destroy(&sender->changed);
    pthread_mutex_destroy(&sender->mutex);
    free(sender);
}
