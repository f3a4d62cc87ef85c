/* SPDX-License-Identifier: PostgreSQL */
/* Jobs: one whose worker is quicker than whoever gave it the job. */
#include "test_app.h"

#include "app/jobs.h"
#include "app/settings.h"
#include "cases.h"
#include "io/workers.h"

#include <semaphore.h>
#include <time.h>

enum { PATIENCE_S = 60, PATIENCE_MS = PATIENCE_S * 1000 };

/* Once at a time. */
static workers_run_fn *given_run;
static sem_t has_run;

static void run_and_tell(struct workers_job *job)
{
    given_run(job);
    sem_post(&has_run);
}

enum status __real_workers_submit(struct workers *workers, struct workers_job *job, struct error *err);
enum status __wrap_workers_submit(struct workers *workers, struct workers_job *job, struct error *err);

/* The worker has done all of its work before the loop's thread goes on. */
enum status __wrap_workers_submit(struct workers *workers, struct workers_job *job, struct error *err)
{
    given_run = job->run;
    job->run = run_and_tell;
    enum status status = __real_workers_submit(workers, job, err);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    if (status == STATUS_OK)
        ck_assert_int_eq(sem_timedwait(&has_run, &until), 0);
    return status;
}

struct ends {
    unsigned count;
    enum status status;
    bool with_report;
};

static void watch(void *ctx, const struct job_end *end)
{
    struct ends *ends = ctx;
    ends->count++;
    ends->status = end->status;
    ends->with_report = end->report != NULL;
}

START_TEST(a_job_that_fails_at_once_has_failed)
{
    struct settings settings = {.holders = 1, .options = &settings.file.values};
    settings.file.values.database_conninfo = "host=/nonexistent";
    settings.file.values.database_connect_timeout = 1000;
    const struct job_order order = {
        .kind = JOB_ROUND, .actor = "daemon", .cause = "schedule", .as_of = DAY_NONE};
    struct ends ends = {0};
    struct loop *loop;
    struct workers *workers;
    struct jobs *jobs;
    struct error err;
    sem_init(&has_run, 0, 0);
    ck_assert_int_eq(loop_new(&loop, &err), STATUS_OK);
    ck_assert_int_eq(workers_new(&workers, loop, 1, 1, &err), STATUS_OK);
    ck_assert_int_eq(jobs_new(&jobs, loop, workers, &settings, watch, &ends, &err), STATUS_OK);
    jobs_lead(jobs, 1);
    ck_assert_int_eq(jobs_order(jobs, &order, NULL, NULL, NULL, &err), STATUS_OK);
    while (ends.count == 0)
        ck_assert_int_eq(loop_turn(loop, PATIENCE_MS, &err), STATUS_OK);
    ck_assert_int_eq(ends.status, STATUS_RETRY);
    ck_assert(!ends.with_report);
    ck_assert_uint_eq(jobs_counts(jobs)->rounds_committed, 0);
    ck_assert_uint_eq(jobs_counts(jobs)->rounds_failed, 1);
    workers_free(workers);
    ck_assert_uint_eq(ends.count, 1);
    jobs_free(jobs);
    loop_free(loop);
    sem_destroy(&has_run);
}
END_TEST

Suite *jobs_suite(void)
{
    Suite *suite = suite_create("app_jobs");
    TCase *tcase = tcase_create("jobs");
    tcase_add_test(tcase, a_job_that_fails_at_once_has_failed);
    suite_add_tcase(suite, tcase);
    return suite;
}
