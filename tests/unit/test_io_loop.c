/* SPDX-License-Identifier: PostgreSQL */
/* The loop: order within a turn, timers against a model, descriptors, signals, other threads; and the
 * workers. */
#include "config.h"

#include "base/random.h"
#include "cases.h"
#include "io/loop.h"
#include "io/workers.h"
#include "io_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- timers ---- */

struct probe {
    struct loop *loop;
    struct loop_timer *timer;
    int *order; /* shared by several: who ran as which */
    int ran_as;
    int runs;
    int64_t due_ms;
    int64_t ran_ms;
};

static void probe_run(void *ctx)
{
    struct probe *probe = ctx;
    probe->runs++;
    probe->ran_ms = clock_monotonic_ms();
    if (probe->order != NULL)
        probe->ran_as = ++*probe->order;
}

START_TEST(timers_run_in_order_and_never_early)
{
    enum { COUNT = 300 };
    struct loop *loop = io_loop();
    struct probe probes[COUNT] = {0};
    struct random random;
    random_seed(&random, 42);
    int order = 0;
    const int64_t base_ms = clock_monotonic_ms();
    for (int i = 0; i < COUNT; i++) {
        probes[i].order = &order;
        probes[i].timer = loop_timer_new(loop, probe_run, &probes[i]);
        ck_assert_ptr_nonnull(probes[i].timer);
    }
    /* Arm all, re-arm some, cancel some: each of them removes from the middle of the heap. */
    for (int i = 0; i < COUNT * 3; i++) {
        struct probe *probe = &probes[random_below(&random, COUNT)];
        probe->due_ms = base_ms + (int64_t)random_below(&random, 40);
        loop_timer_arm_at(probe->timer, probe->due_ms);
        if (i % 5 == 0) {
            loop_timer_cancel(probe->timer);
            probe->due_ms = 0;
        }
    }
    int armed = 0;
    for (int i = 0; i < COUNT; i++)
        armed += loop_timer_armed(probes[i].timer);
    ck_assert_int_gt(armed, COUNT / 2);
    io_turn_until(loop, order == armed);
    for (int i = 0; i < COUNT; i++) {
        ck_assert_int_eq(probes[i].runs, probes[i].due_ms != 0);
        ck_assert_int_ge(probes[i].ran_ms, probes[i].due_ms);
        for (int k = 0; k < COUNT; k++)
            if (probes[i].runs && probes[k].runs && probes[i].due_ms < probes[k].due_ms)
                ck_assert_int_lt(probes[i].ran_as, probes[k].ran_as);
    }
    for (int i = 0; i < COUNT; i++)
        loop_timer_free(probes[i].timer);
    loop_free(loop);
}
END_TEST

START_TEST(timers_of_one_time_run_in_order_of_arming)
{
    struct loop *loop = io_loop();
    struct probe probes[20] = {0};
    int order = 0;
    const int64_t due_ms = clock_monotonic_ms();
    for (int i = 0; i < 20; i++) {
        probes[i].order = &order;
        probes[i].timer = loop_timer_new(loop, probe_run, &probes[i]);
        loop_timer_arm_at(probes[i].timer, due_ms);
    }
    io_turn_until(loop, order == 20);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(probes[i].ran_as, i + 1);
        loop_timer_free(probes[i].timer);
    }
    loop_free(loop);
}
END_TEST

static void probe_run_and_arm(void *ctx)
{
    struct probe *probe = ctx;
    probe->runs++;
    loop_timer_arm(probe->timer, 0);
}

START_TEST(timer_that_arms_itself_with_zero_runs_once_a_turn)
{
    struct loop *loop = io_loop();
    struct probe probe = {.loop = loop};
    probe.timer = loop_timer_new(loop, probe_run_and_arm, &probe);
    loop_timer_arm(probe.timer, -5);
    for (int i = 1; i <= 5; i++) {
        io_turn(loop);
        ck_assert_int_eq(probe.runs, i);
        ck_assert_uint_eq(loop_turns(loop), (uint64_t)i);
    }
    loop_timer_free(probe.timer);
    loop_free(loop);
}
END_TEST

static void probe_run_and_free(void *ctx)
{
    struct probe *probe = ctx;
    probe->runs++;
    loop_timer_free(probe->timer);
    probe->timer = NULL;
}

START_TEST(timer_may_free_itself_and_the_far_future_does_not_overflow)
{
    struct loop *loop = io_loop();
    struct probe probe = {.loop = loop};
    struct probe never = {.loop = loop};
    probe.timer = loop_timer_new(loop, probe_run_and_free, &probe);
    never.timer = loop_timer_new(loop, probe_run, &never);
    loop_timer_arm(never.timer, INT64_MAX);
    loop_timer_arm(probe.timer, 1);
    io_turn_until(loop, probe.runs == 1);
    ck_assert_int_eq(never.runs, 0);
    loop_timer_free(never.timer);
    loop_free(loop);
}
END_TEST

static void stop_run(void *ctx)
{
    loop_stop(ctx);
}

START_TEST(loop_runs_until_it_is_stopped)
{
    struct loop *loop = io_loop();
    struct error err;
    struct loop_timer *timer = loop_timer_new(loop, stop_run, loop);
    for (int i = 0; i < 2; i++) { /* and may be run again */
        const int64_t begin_ms = clock_monotonic_ms();
        loop_timer_arm(timer, 5);
        io_ok(loop_run(loop, &err), err);
        ck_assert_int_ge(clock_monotonic_ms(), begin_ms + 5);
    }
    loop_stop(loop); /* before the run: one turn, without waiting */
    const uint64_t turns = loop_turns(loop);
    io_ok(loop_run(loop, &err), err);
    ck_assert_uint_eq(loop_turns(loop), turns + 1);
    loop_timer_free(timer);
    loop_free(loop);
}
END_TEST

/* ---- tasks ---- */

struct chore {
    struct loop *loop;
    struct loop_task task;
    int runs;
    bool again;
    atomic_int *counter;
};

static void chore_run(void *ctx)
{
    struct chore *chore = ctx;
    chore->runs++;
    if (chore->again)
        loop_defer(chore->loop, &chore->task);
}

START_TEST(deferred_tasks_run_once_at_the_end_of_the_turn)
{
    struct loop *loop = io_loop();
    struct chore chore = {.loop = loop, .task = {.run = chore_run, .ctx = &chore}};
    loop_defer(loop, &chore.task);
    loop_defer(loop, &chore.task);
    ck_assert_int_eq(chore.runs, 0);
    io_turn(loop);
    ck_assert_int_eq(chore.runs, 1);
    loop_defer(loop, &chore.task);
    loop_task_cancel(loop, &chore.task);
    loop_task_cancel(loop, &chore.task);
    io_turn(loop);
    ck_assert_int_eq(chore.runs, 1);
    /* One that defers itself has its next run in the next turn, which does not wait. */
    chore.again = true;
    loop_defer(loop, &chore.task);
    const int64_t begin_ms = clock_monotonic_ms();
    struct error err;
    for (int i = 2; i <= 6; i++) {
        io_ok(loop_turn(loop, IO_PATIENCE_MS, &err), err);
        ck_assert_int_eq(chore.runs, i);
    }
    ck_assert_int_lt(clock_monotonic_ms() - begin_ms, IO_PATIENCE_MS);
    chore.again = false;
    loop_free(loop); /* runs what is left */
    ck_assert_int_eq(chore.runs, 7);
}
END_TEST

static void free_run(void *ctx)
{
    free(ctx);
}

START_TEST(deferred_task_may_free_what_holds_it)
{
    struct loop *loop = io_loop();
    for (int i = 0; i < 3; i++) {
        struct chore *chore = calloc(1, sizeof *chore);
        chore->task.run = free_run;
        chore->task.ctx = chore;
        loop_defer(loop, &chore->task);
        if (i < 2)
            io_turn(loop);
    }
    loop_free(loop);
}
END_TEST

enum { POSTERS = 4, POSTS = 2000 };

struct poster {
    pthread_t thread;
    struct loop *loop;
    struct chore chores[POSTS];
};

static void count_run(void *ctx)
{
    struct chore *chore = ctx;
    chore->runs++;
    atomic_fetch_add(chore->counter, 1);
}

static void *poster_main(void *arg)
{
    struct poster *poster = arg;
    for (int i = 0; i < POSTS; i++)
        loop_post(poster->loop, &poster->chores[i].task);
    return NULL;
}

START_TEST(posts_of_many_threads_all_arrive_once)
{
    struct loop *loop = io_loop();
    atomic_int counter = 0;
    struct poster *posters = calloc(POSTERS, sizeof *posters);
    for (int p = 0; p < POSTERS; p++) {
        posters[p].loop = loop;
        for (int i = 0; i < POSTS; i++) {
            struct chore *chore = &posters[p].chores[i];
            chore->counter = &counter;
            chore->task = (struct loop_task){.run = count_run, .ctx = chore};
        }
        ck_assert_int_eq(pthread_create(&posters[p].thread, NULL, poster_main, &posters[p]), 0);
    }
    io_turn_until(loop, atomic_load(&counter) == POSTERS * POSTS);
    for (int p = 0; p < POSTERS; p++) {
        pthread_join(posters[p].thread, NULL);
        for (int i = 0; i < POSTS; i++)
            ck_assert_int_eq(posters[p].chores[i].runs, 1);
    }
    free(posters);
    loop_free(loop);
}
END_TEST

START_TEST(post_wakes_a_waiting_loop)
{
    struct loop *loop = io_loop();
    atomic_int counter = 0;
    struct poster *poster = calloc(1, sizeof *poster);
    poster->loop = loop;
    for (int i = 0; i < POSTS; i++) {
        poster->chores[i].counter = &counter;
        poster->chores[i].task = (struct loop_task){.run = count_run, .ctx = &poster->chores[i]};
    }
    poster->chores[0].task.run = stop_run;
    poster->chores[0].task.ctx = loop;
    struct error err;
    ck_assert_int_eq(pthread_create(&poster->thread, NULL, poster_main, poster), 0);
    io_ok(loop_run(loop, &err), err); /* has nothing else to end it */
    pthread_join(poster->thread, NULL);
    loop_free(loop); /* what came after the stop still runs */
    ck_assert_int_eq(atomic_load(&counter), POSTS - 1);
    free(poster);
}
END_TEST

/* ---- descriptors and signals ---- */

struct seen {
    struct loop_watch *watch;
    unsigned ready;
    int calls;
    bool free_in_callback;
};

static void seen_ready(void *ctx, unsigned ready)
{
    struct seen *seen = ctx;
    seen->ready |= ready;
    seen->calls++;
    if (seen->free_in_callback) {
        loop_watch_free(seen->watch);
        seen->watch = NULL;
    }
}

START_TEST(watch_tells_what_is_ready)
{
    struct loop *loop = io_loop();
    struct error err;
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    struct seen seen = {0};
    seen.watch = loop_watch_new(loop, pair[0], seen_ready, &seen);
    io_turn(loop);
    ck_assert_int_eq(seen.calls, 0); /* nothing until it is set */
    io_ok(loop_watch_set(seen.watch, LOOP_READ, &err), err);
    io_turn(loop);
    ck_assert_int_eq(seen.calls, 0);
    io_ok(loop_watch_set(seen.watch, LOOP_READ | LOOP_WRITE, &err), err);
    io_turn(loop);
    ck_assert_uint_eq(seen.ready, LOOP_WRITE);
    seen = (struct seen){.watch = seen.watch};
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    io_turn(loop);
    ck_assert_uint_eq(seen.ready, LOOP_READ | LOOP_WRITE);
    loop_watch_pause(seen.watch);
    seen.calls = 0;
    io_turn(loop);
    ck_assert_int_eq(seen.calls, 0);
    io_ok(loop_watch_set(seen.watch, LOOP_READ, &err), err);
    io_turn(loop);
    io_turn(loop);
    ck_assert_int_eq(seen.calls, 2); /* level-triggered */
    seen.free_in_callback = true;
    io_turn(loop);
    io_turn(loop);
    ck_assert_int_eq(seen.calls, 3);
    ck_assert_ptr_null(seen.watch);
    close(pair[0]);
    close(pair[1]);
    loop_free(loop);
}
END_TEST

START_TEST(watch_shows_a_hang_up_and_refuses_what_cannot_be_watched)
{
    struct loop *loop = io_loop();
    struct error err;
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct seen seen = {0};
    seen.watch = loop_watch_new(loop, pair[0], seen_ready, &seen);
    io_ok(loop_watch_set(seen.watch, LOOP_READ, &err), err);
    close(pair[1]);
    io_turn(loop);
    ck_assert_uint_eq(seen.ready, LOOP_READ);
    loop_watch_free(seen.watch);
    close(pair[0]);
    struct loop_watch *bad = loop_watch_new(loop, pair[0], seen_ready, &seen);
    ck_assert_int_eq(loop_watch_set(bad, LOOP_READ, &err), STATUS_RETRY);
    loop_watch_free(bad);
    loop_free(loop);
}
END_TEST

START_TEST(signals_arrive_in_a_turn)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
    struct loop *loop = io_loop();
    struct error err;
    struct probe probes[4] = {0};
    struct loop_signal *handles[4];
    for (int i = 0; i < 4; i++)
        io_ok(loop_signal_new(&handles[i], loop, numbers[i], probe_run, &probes[i], &err), err);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(raise(numbers[i]), 0);
        ck_assert_int_eq(probes[i].runs, 0);
        io_turn_until(loop, probes[i].runs > 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(probes[i].runs, 1);
        loop_signal_free(handles[i]);
    }
    int pair[2];
    ck_assert_int_eq(pipe(pair), 0);
    close(pair[0]);
    ck_assert_int_eq(write(pair[1], "x", 1), -1); /* SIGPIPE would have ended us */
    close(pair[1]);
    loop_free(loop);
}
END_TEST

/* ---- workers ---- */

struct work {
    struct workers_job job;
    pthread_t ran_on;
    int done_calls;
    bool did_run;
    atomic_bool started;
    atomic_bool released; /* a job that waits polls this and the cancel flag */
};

static void work_run(struct workers_job *job)
{
    struct work *work = job->ctx;
    work->ran_on = pthread_self();
    atomic_store(&work->started, true);
    while (!atomic_load(&work->released) && !workers_job_cancelled(job))
        sched_yield();
}

static int done_calls; /* of all */

static void work_done(struct workers_job *job, bool did_run)
{
    done_calls++;
    struct work *work = job->ctx;
    work->done_calls++;
    work->did_run = did_run;
}

static void work_init(struct work *work, bool released)
{
    memset(work, 0, sizeof *work);
    work->job.run = work_run;
    work->job.done = work_done;
    work->job.ctx = work;
    atomic_store(&work->released, released);
}

START_TEST(jobs_run_on_workers_and_are_done_on_the_loop)
{
    enum { JOBS = 200 };
    struct loop *loop = io_loop();
    struct workers *workers = NULL;
    struct error err;
    io_ok(workers_new(&workers, loop, 3, JOBS, &err), err);
    struct work *work = calloc(JOBS, sizeof *work);
    for (int round = 0; round < 2; round++) { /* a job may be submitted again */
        for (int i = 0; i < JOBS; i++) {
            if (round == 0)
                work_init(&work[i], true);
            io_ok(workers_submit(workers, &work[i].job, &err), err);
        }
        ck_assert_int_eq(done_calls, round * JOBS); /* only the loop's turns call it */
        io_turn_until(loop, done_calls == (round + 1) * JOBS);
    }
    for (int i = 0; i < JOBS; i++) {
        ck_assert_int_eq(work[i].done_calls, 2);
        ck_assert(work[i].did_run);
        ck_assert(!pthread_equal(work[i].ran_on, pthread_self()));
    }
    workers_free(workers);
    free(work);
    loop_free(loop);
}
END_TEST

START_TEST(full_queue_refuses_and_cancel_skips_what_waits)
{
    struct loop *loop = io_loop();
    struct workers *workers = NULL;
    struct error err;
    struct work work[4];
    io_ok(workers_new(&workers, loop, 1, 2, &err), err);
    for (int i = 0; i < 4; i++)
        work_init(&work[i], false);
    io_ok(workers_submit(workers, &work[0].job, &err), err);
    io_turn_until(loop, atomic_load(&work[0].started));
    io_ok(workers_submit(workers, &work[1].job, &err), err);
    io_ok(workers_submit(workers, &work[2].job, &err), err);
    ck_assert_int_eq(workers_submit(workers, &work[3].job, &err), STATUS_RETRY);
    workers_job_cancel(&work[1].job); /* waits: will not run */
    atomic_store(&work[0].released, true);
    io_turn_until(loop, work[1].done_calls == 1 && atomic_load(&work[2].started));
    ck_assert(!work[1].did_run);
    ck_assert(!atomic_load(&work[1].started));
    workers_job_cancel(&work[2].job); /* runs: sees the flag */
    io_turn_until(loop, work[2].done_calls == 1);
    ck_assert(work[0].did_run && work[2].did_run);
    ck_assert_int_eq(work[3].done_calls, 0);
    workers_free(workers);
    loop_free(loop);
}
END_TEST

START_TEST(freeing_the_pool_ends_every_job)
{
    struct loop *loop = io_loop();
    struct workers *workers = NULL;
    struct error err;
    struct work work[6];
    io_ok(workers_new(&workers, loop, 2, 10, &err), err);
    for (int i = 0; i < 6; i++) {
        work_init(&work[i], false);
        io_ok(workers_submit(workers, &work[i].job, &err), err);
    }
    io_turn_until(loop, atomic_load(&work[0].started) && atomic_load(&work[1].started));
    workers_free(workers);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(work[i].done_calls, 1);
        ck_assert_int_eq(work[i].did_run, i < 2);
    }
    io_turn(loop);
    loop_free(loop);
    ck_assert_int_eq(workers_new(&workers, loop, 0, 1, &err), STATUS_CONFIG);
    ck_assert_int_eq(workers_new(&workers, loop, 65, 1, &err), STATUS_CONFIG);
    workers_free(NULL);
}
END_TEST

static Suite *loop_suite(void)
{
    Suite *suite = suite_create("io_loop");
    TCase *timers = tcase_create("timers");
    tcase_add_test(timers, timers_run_in_order_and_never_early);
    tcase_add_test(timers, timers_of_one_time_run_in_order_of_arming);
    tcase_add_test(timers, timer_that_arms_itself_with_zero_runs_once_a_turn);
    tcase_add_test(timers, timer_may_free_itself_and_the_far_future_does_not_overflow);
    tcase_add_test(timers, loop_runs_until_it_is_stopped);
    suite_add_tcase(suite, timers);
    TCase *tasks = tcase_create("tasks");
    tcase_add_test(tasks, deferred_tasks_run_once_at_the_end_of_the_turn);
    tcase_add_test(tasks, deferred_task_may_free_what_holds_it);
    tcase_add_test(tasks, posts_of_many_threads_all_arrive_once);
    tcase_add_test(tasks, post_wakes_a_waiting_loop);
    suite_add_tcase(suite, tasks);
    TCase *events = tcase_create("events");
    tcase_add_test(events, watch_tells_what_is_ready);
    tcase_add_test(events, watch_shows_a_hang_up_and_refuses_what_cannot_be_watched);
    tcase_add_test(events, signals_arrive_in_a_turn);
    suite_add_tcase(suite, events);
    TCase *workers = tcase_create("workers");
    tcase_add_test(workers, jobs_run_on_workers_and_are_done_on_the_loop);
    tcase_add_test(workers, full_queue_refuses_and_cancel_skips_what_waits);
    tcase_add_test(workers, freeing_the_pool_ends_every_job);
    suite_add_tcase(suite, workers);
    return suite;
}

int main(void)
{
    Suite *suites[] = {loop_suite()};
    return unit_run(suites, 1);
}
