/* SPDX-License-Identifier: PostgreSQL */
#include "round/twin.h"

#include <pthread.h>
#include <signal.h>

struct half {
    twin_fn *fn;
    void *context;
    enum status status;
    struct error err;
};

static void *half_run(void *argument)
{
    struct half *half = argument;
    half->status = half->fn(half->context, &half->err);
    return NULL;
}

/* Signals are the main thread's: a thread inherits the mask that stands when it is made. */
static int start(pthread_t *thread, struct half *half)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, half_run, half);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

enum status twin_run(twin_fn *fn, void *first, void *second, struct error *err)
{
    pthread_t thread;
    struct half other = {.fn = fn, .context = second};
    int failed = start(&thread, &other);
    enum status status = fn(first, err);
    if (failed)
        half_run(&other);
    else
        pthread_join(thread, NULL);
    if (status != STATUS_OK || other.status == STATUS_OK)
        return status;
    return error_set(err, other.status, "%s", other.err.text);
}
