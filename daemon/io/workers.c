/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io/workers.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREAD_COUNT_MAX = 64 };

TAILQ_HEAD(job_list, workers_job);

struct worker {
    struct workers *pool;
    pthread_t thread;
    struct workers_job *running; /* under the pool's lock */
};

struct workers {
    struct loop *loop;
    struct loop_task finished_task; /* calls the done functions on the loop's thread */
    size_t queue_max;
    size_t pending; /* loop's thread only */
    unsigned thread_count;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t work;
    struct job_list waiting;
    size_t waiting_count;
    struct job_list finished;
    bool closing;
    struct worker workers[THREAD_COUNT_MAX];
};

/* Under the lock: the next job that is not cancelled; those that are go straight to `finished`. */
static struct workers_job *take_job(struct workers *pool)
{
    struct workers_job *job;
    while ((job = TAILQ_FIRST(&pool->waiting)) != NULL) {
        TAILQ_REMOVE(&pool->waiting, job, link);
        pool->waiting_count--;
        if (!workers_job_cancelled(job))
            return job;
        TAILQ_INSERT_TAIL(&pool->finished, job, link);
        loop_post(pool->loop, &pool->finished_task);
    }
    return NULL;
}

static void *worker_main(void *arg)
{
    struct worker *self = arg;
    struct workers *pool = self->pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct workers_job *job = take_job(pool);
        if (job == NULL) {
            if (pool->closing)
                break;
            pthread_cond_wait(&pool->work, &pool->lock);
            continue;
        }
        self->running = job;
        pthread_mutex_unlock(&pool->lock);
        job->did_run = true;
        job->run(job);
        pthread_mutex_lock(&pool->lock);
        self->running = NULL;
        TAILQ_INSERT_TAIL(&pool->finished, job, link);
        loop_post(pool->loop, &pool->finished_task);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Loop's thread: calls done for what has finished by now. */
static void call_done(void *ctx)
{
    struct workers *pool = ctx;
    struct job_list finished = TAILQ_HEAD_INITIALIZER(finished);
    pthread_mutex_lock(&pool->lock);
    TAILQ_CONCAT(&finished, &pool->finished, link);
    pthread_mutex_unlock(&pool->lock);
    struct workers_job *job;
    while ((job = TAILQ_FIRST(&finished)) != NULL) {
        TAILQ_REMOVE(&finished, job, link);
        pool->pending--;
        job->done(job, job->did_run);
    }
}

static enum status start_threads(struct workers *pool, unsigned thread_count, struct error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = 0;
    while (pool->thread_count < thread_count && rc == 0) {
        struct worker *worker = &pool->workers[pool->thread_count];
        worker->pool = pool;
        rc = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (rc == 0) {
            char name[16];
            snprintf(name, sizeof name, "worker-%u", pool->thread_count);
            pthread_setname_np(worker->thread, name);
            pool->thread_count++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return error_set(err, STATUS_FATAL, "cannot start worker thread %u of %u: %s", pool->thread_count + 1,
                         thread_count, strerror(rc));
    return STATUS_OK;
}

enum status workers_new(struct workers **workers, struct loop *loop, unsigned thread_count, size_t queue_max,
                        struct error *err)
{
    if (thread_count < 1 || thread_count > THREAD_COUNT_MAX)
        return error_set(err, STATUS_CONFIG, "%u worker threads: expected 1 to %d", thread_count,
                         THREAD_COUNT_MAX);
    struct workers *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    pool->loop = loop;
    pool->finished_task.run = call_done;
    pool->finished_task.ctx = pool;
    pool->queue_max = queue_max;
    TAILQ_INIT(&pool->waiting);
    TAILQ_INIT(&pool->finished);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    const enum status status = start_threads(pool, thread_count, err);
    if (status != STATUS_OK) {
        workers_free(pool);
        return status;
    }
    *workers = pool;
    return STATUS_OK;
}

static void cancel_all(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct workers_job *job;
    TAILQ_FOREACH(job, &workers->waiting, link)
    workers_job_cancel(job);
    for (unsigned i = 0; i < workers->thread_count; i++)
        if (workers->workers[i].running != NULL)
            workers_job_cancel(workers->workers[i].running);
    pthread_mutex_unlock(&workers->lock);
}

void workers_free(struct workers *workers)
{
    if (workers == NULL)
        return;
    cancel_all(workers);
    pthread_mutex_lock(&workers->lock);
    workers->closing = true;
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->thread_count; i++)
        pthread_join(workers->workers[i].thread, NULL);
    loop_task_cancel(workers->loop, &workers->finished_task);
    call_done(workers);
    assert(workers->pending == 0);
    pthread_cond_destroy(&workers->work);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
}

enum status workers_submit(struct workers *workers, struct workers_job *job, struct error *err)
{
    enum status status = STATUS_OK;
    pthread_mutex_lock(&workers->lock);
    if (workers->closing) {
        status = error_set(err, STATUS_RETRY, "the workers are stopping");
    } else if (workers->waiting_count >= workers->queue_max) {
        status =
            error_set(err, STATUS_RETRY, "%zu jobs are waiting for a worker already", workers->waiting_count);
    } else {
        atomic_store(&job->cancelled, false);
        job->did_run = false;
        TAILQ_INSERT_TAIL(&workers->waiting, job, link);
        workers->waiting_count++;
        workers->pending++;
        pthread_cond_signal(&workers->work);
    }
    pthread_mutex_unlock(&workers->lock);
    return status;
}

void workers_job_cancel(struct workers_job *job)
{
    atomic_store_explicit(&job->cancelled, true, memory_order_relaxed);
}

bool workers_job_cancelled(const struct workers_job *job)
{
    return atomic_load_explicit(&job->cancelled, memory_order_relaxed);
}
