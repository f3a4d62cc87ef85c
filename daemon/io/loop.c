/* SPDX-License-Identifier: PostgreSQL */
/*
 * Timers are an intrusive pairing heap of our own rather than libevent's: arming one then allocates nothing,
 * a turn has a defined order, and one libevent timer (`tick`) bounds the wait.
 */
#include "config.h"

#include "io/loop.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum task_queue { TASK_IDLE, TASK_DEFERRED, TASK_POSTED };

TAILQ_HEAD(task_list, loop_task);

struct loop_timer {
    struct loop *loop;
    loop_fn *fn;
    void *ctx;
    int64_t due_ms;
    uint64_t sequence; /* of its arming: equal times run in the order of arming */
    bool armed;
    /* `previous` is the parent for a first child, else the sibling before it. */
    struct loop_timer *child;
    struct loop_timer *next;
    struct loop_timer *previous;
};

struct loop {
    struct event_base *base;
    struct event *tick;
    struct event *wake;
    int wake_fd;
    struct loop_timer *timers; /* the heap's root */
    uint64_t sequence;
    bool stopping;
    atomic_uint_fast64_t turns;
    struct task_list deferred;
    pthread_mutex_t posted_lock;
    struct task_list posted; /* under posted_lock, as is `queued` of every task in it */
};

struct loop_watch {
    struct loop *loop;
    struct event *event;
    loop_watch_fn *fn;
    void *ctx;
    int fd;
    unsigned ready;
};

struct loop_signal {
    struct event *event;
    loop_fn *fn;
    void *ctx;
};

/* ---- the heap of timers ---- */

static bool timer_before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->sequence < b->sequence);
}

/* Two roots become one; either may be NULL. */
static struct loop_timer *heap_meld(struct loop_timer *a, struct loop_timer *b)
{
    if (a == NULL)
        return b;
    if (b == NULL)
        return a;
    if (timer_before(b, a)) {
        struct loop_timer *swap = a;
        a = b;
        b = swap;
    }
    b->previous = a;
    b->next = a->child;
    if (b->next != NULL)
        b->next->previous = b;
    a->child = b;
    return a;
}

/* A list of siblings becomes one heap: pairs from left to right, then the pairs together. */
static struct loop_timer *heap_meld_siblings(struct loop_timer *first)
{
    struct loop_timer *pairs = NULL;
    while (first != NULL) {
        struct loop_timer *a = first;
        struct loop_timer *b = a->next;
        first = b != NULL ? b->next : NULL;
        a->next = a->previous = NULL;
        if (b != NULL)
            b->next = b->previous = NULL;
        a = heap_meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    struct loop_timer *root = NULL;
    while (pairs != NULL) {
        struct loop_timer *a = pairs;
        pairs = a->next;
        a->next = NULL;
        root = heap_meld(root, a);
    }
    return root;
}

static void heap_remove(struct loop *loop, struct loop_timer *timer)
{
    struct loop_timer *rest = heap_meld_siblings(timer->child);
    if (loop->timers == timer) {
        loop->timers = rest;
    } else {
        if (timer->previous->child == timer)
            timer->previous->child = timer->next;
        else
            timer->previous->next = timer->next;
        if (timer->next != NULL)
            timer->next->previous = timer->previous;
        loop->timers = heap_meld(loop->timers, rest);
    }
    timer->child = timer->next = timer->previous = NULL;
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fn *fn, void *ctx)
{
    struct loop_timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL)
        return NULL;
    timer->loop = loop;
    timer->fn = fn;
    timer->ctx = ctx;
    return timer;
}

void loop_timer_arm_at(struct loop_timer *timer, int64_t due_ms)
{
    loop_timer_cancel(timer);
    timer->due_ms = due_ms;
    timer->sequence = ++timer->loop->sequence;
    timer->armed = true;
    timer->loop->timers = heap_meld(timer->loop->timers, timer);
}

void loop_timer_arm(struct loop_timer *timer, int64_t delay_ms)
{
    int64_t now_ms = clock_monotonic_ms();
    if (delay_ms < 0)
        delay_ms = 0;
    loop_timer_arm_at(timer, delay_ms > INT64_MAX - now_ms ? INT64_MAX : now_ms + delay_ms);
}

void loop_timer_cancel(struct loop_timer *timer)
{
    if (!timer->armed)
        return;
    timer->armed = false;
    heap_remove(timer->loop, timer);
}

bool loop_timer_armed(const struct loop_timer *timer)
{
    return timer->armed;
}

void loop_timer_free(struct loop_timer *timer)
{
    if (timer == NULL)
        return;
    loop_timer_cancel(timer);
    free(timer);
}

/* Those due now, but none that was armed after this function began: they belong to the next turn. */
static void run_timers(struct loop *loop)
{
    const int64_t now_ms = clock_monotonic_ms();
    const uint64_t last_sequence = loop->sequence;
    while (loop->timers != NULL) {
        struct loop_timer *timer = loop->timers;
        if (timer->due_ms > now_ms || timer->sequence > last_sequence)
            break;
        loop_timer_cancel(timer);
        timer->fn(timer->ctx);
    }
}

/* ---- tasks ---- */

void loop_defer(struct loop *loop, struct loop_task *task)
{
    if (task->queued != TASK_IDLE)
        return;
    task->queued = TASK_DEFERRED;
    TAILQ_INSERT_TAIL(&loop->deferred, task, link);
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    bool wake = false;
    pthread_mutex_lock(&loop->posted_lock);
    if (task->queued == TASK_IDLE) {
        task->queued = TASK_POSTED;
        wake = TAILQ_EMPTY(&loop->posted);
        TAILQ_INSERT_TAIL(&loop->posted, task, link);
    }
    pthread_mutex_unlock(&loop->posted_lock);
    if (!wake)
        return;
    const uint64_t one = 1;
    /* An eventfd takes it unless its counter is full, and then the loop is awake anyway. */
    ssize_t written;
    do
        written = write(loop->wake_fd, &one, sizeof one);
    while (written < 0 && errno == EINTR);
}

void loop_task_cancel(struct loop *loop, struct loop_task *task)
{
    pthread_mutex_lock(&loop->posted_lock);
    if (task->queued == TASK_POSTED)
        TAILQ_REMOVE(&loop->posted, task, link);
    else if (task->queued == TASK_DEFERRED)
        TAILQ_REMOVE(&loop->deferred, task, link);
    task->queued = TASK_IDLE;
    pthread_mutex_unlock(&loop->posted_lock);
}

static struct loop_task *take_task(struct task_list *list)
{
    struct loop_task *task = TAILQ_FIRST(list);
    if (task != NULL) {
        TAILQ_REMOVE(list, task, link);
        task->queued = TASK_IDLE;
    }
    return task;
}

static struct loop_task *take_posted(struct loop *loop)
{
    pthread_mutex_lock(&loop->posted_lock);
    struct loop_task *task = take_task(&loop->posted);
    pthread_mutex_unlock(&loop->posted_lock);
    return task;
}

static size_t count_tasks(const struct task_list *list)
{
    size_t count = 0;
    const struct loop_task *task;
    TAILQ_FOREACH(task, list, link)
    count++;
    return count;
}

/* As many as there were: what they queue in turn waits for the next turn. */
static void run_posted(struct loop *loop)
{
    pthread_mutex_lock(&loop->posted_lock);
    size_t count = count_tasks(&loop->posted);
    pthread_mutex_unlock(&loop->posted_lock);
    for (; count > 0; count--) {
        struct loop_task *task = take_posted(loop);
        if (task == NULL)
            return;
        task->run(task->ctx);
    }
}

static void run_deferred(struct loop *loop)
{
    for (size_t count = count_tasks(&loop->deferred); count > 0; count--) {
        struct loop_task *task = take_task(&loop->deferred);
        if (task == NULL)
            return;
        task->run(task->ctx);
    }
}

/* ---- file descriptors and signals ---- */

static void watch_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    const struct loop_watch *watch = arg;
    /* The callback may free the watch: nothing may follow. */
    watch->fn(watch->ctx, (what & EV_READ ? LOOP_READ : 0U) | (what & EV_WRITE ? LOOP_WRITE : 0U));
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, loop_watch_fn *fn, void *ctx)
{
    struct loop_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL)
        return NULL;
    watch->loop = loop;
    watch->fn = fn;
    watch->ctx = ctx;
    watch->fd = fd;
    watch->event = event_new(loop->base, fd, EV_PERSIST, watch_ready, watch);
    if (watch->event == NULL) {
        free(watch);
        return NULL;
    }
    return watch;
}

void loop_watch_pause(struct loop_watch *watch)
{
    if (watch->ready == 0)
        return;
    watch->ready = 0;
    event_del(watch->event);
}

enum status loop_watch_set(struct loop_watch *watch, unsigned ready, struct error *err)
{
    if (ready == watch->ready)
        return STATUS_OK;
    loop_watch_pause(watch);
    if (ready == 0)
        return STATUS_OK;
    const int what = EV_PERSIST | (ready & LOOP_READ ? EV_READ : 0) | (ready & LOOP_WRITE ? EV_WRITE : 0);
    if (event_assign(watch->event, watch->loop->base, watch->fd, (short)what, watch_ready, watch) != 0 ||
        event_add(watch->event, NULL) != 0)
        return error_set(err, STATUS_RETRY, "cannot watch file descriptor %d: %s", watch->fd,
                         strerror(errno));
    watch->ready = ready;
    return STATUS_OK;
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch == NULL)
        return;
    event_free(watch->event);
    free(watch);
}

static void signal_ready(evutil_socket_t signal_number, short what, void *arg)
{
    (void)signal_number;
    (void)what;
    const struct loop_signal *handle = arg;
    handle->fn(handle->ctx);
}

enum status loop_signal_new(struct loop_signal **handle, struct loop *loop, int signal_number, loop_fn *fn,
                            void *ctx, struct error *err)
{
    struct loop_signal *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    made->fn = fn;
    made->ctx = ctx;
    made->event = evsignal_new(loop->base, signal_number, signal_ready, made);
    if (made->event == NULL || event_add(made->event, NULL) != 0) {
        loop_signal_free(made);
        return error_set(err, STATUS_FATAL, "cannot handle signal %d", signal_number);
    }
    *handle = made;
    return STATUS_OK;
}

void loop_signal_free(struct loop_signal *handle)
{
    if (handle == NULL)
        return;
    if (handle->event != NULL)
        event_free(handle->event);
    free(handle);
}

/* ---- the loop ---- */

static void wake_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    (void)arg;
    uint64_t count;
    /* EAGAIN would mean that it was taken already: nothing to do either way. */
    ssize_t got = read(fd, &count, sizeof count);
    (void)got;
}

static void tick_ready(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* libevent's own warnings repeat what its return values say, outside of the log's format. */
static void drop_libevent_message(int severity, const char *message)
{
    (void)severity;
    (void)message;
}

static bool set_up(struct loop *loop)
{
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->base = event_base_new();
    if (loop->wake_fd < 0 || loop->base == NULL)
        return false;
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, wake_ready, NULL);
    loop->tick = evtimer_new(loop->base, tick_ready, NULL);
    /* Adding the tick once gives libevent's heap its memory, so that adding it in a turn cannot fail. */
    const struct timeval hour = {3600, 0};
    return loop->wake != NULL && loop->tick != NULL && event_add(loop->wake, NULL) == 0 &&
           event_add(loop->tick, &hour) == 0 && event_del(loop->tick) == 0;
}

enum status loop_new(struct loop **loop, struct error *err)
{
    struct loop *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    TAILQ_INIT(&made->deferred);
    TAILQ_INIT(&made->posted);
    pthread_mutex_init(&made->posted_lock, NULL);
    event_set_log_callback(drop_libevent_message);
    if (!set_up(made)) {
        error_set(err, STATUS_FATAL, "cannot set up the event loop: %s", strerror(errno));
        loop_free(made);
        return STATUS_FATAL;
    }
    signal(SIGPIPE, SIG_IGN);
    *loop = made;
    return STATUS_OK;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL)
        return;
    while (!TAILQ_EMPTY(&loop->posted) || !TAILQ_EMPTY(&loop->deferred)) {
        run_posted(loop);
        run_deferred(loop);
    }
    assert(loop->timers == NULL); /* their owners free before the loop */
    if (loop->tick != NULL)
        event_free(loop->tick);
    if (loop->wake != NULL)
        event_free(loop->wake);
    if (loop->base != NULL)
        event_base_free(loop->base);
    if (loop->wake_fd >= 0)
        close(loop->wake_fd);
    pthread_mutex_destroy(&loop->posted_lock);
    free(loop);
}

/* How long the kernel may wait: < 0 = until something happens. */
static int64_t turn_wait_ms(const struct loop *loop, int64_t max_wait_ms)
{
    if (!TAILQ_EMPTY(&loop->deferred))
        return 0;
    if (loop->timers == NULL)
        return max_wait_ms;
    int64_t wait_ms = loop->timers->due_ms - clock_monotonic_ms();
    if (wait_ms < 0)
        wait_ms = 0;
    return max_wait_ms >= 0 && max_wait_ms < wait_ms ? max_wait_ms : wait_ms;
}

enum status loop_turn(struct loop *loop, int64_t max_wait_ms, struct error *err)
{
    const int64_t wait_ms = turn_wait_ms(loop, max_wait_ms);
    if (wait_ms > 0) {
        const struct timeval tv = {wait_ms / 1000, wait_ms % 1000 * 1000};
        event_add(loop->tick, &tv);
    }
    const int rc = event_base_loop(loop->base, EVLOOP_ONCE | (wait_ms == 0 ? EVLOOP_NONBLOCK : 0));
    event_del(loop->tick);
    if (rc < 0)
        return error_set(err, STATUS_FATAL, "the event loop failed: %s", strerror(errno));
    run_timers(loop);
    run_posted(loop);
    run_deferred(loop);
    atomic_fetch_add_explicit(&loop->turns, 1, memory_order_relaxed);
    return STATUS_OK;
}

enum status loop_run(struct loop *loop, struct error *err)
{
    enum status status = STATUS_OK;
    do
        status = loop_turn(loop, loop->stopping ? 0 : -1, err);
    while (status == STATUS_OK && !loop->stopping);
    loop->stopping = false;
    return status;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

uint64_t loop_turns(const struct loop *loop)
{
    return atomic_load_explicit(&loop->turns, memory_order_relaxed);
}
