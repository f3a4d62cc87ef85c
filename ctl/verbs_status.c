/* SPDX-License-Identifier: PostgreSQL */
/*
 * The verb status. First what wants somebody, one matter a line, in capitals what it is and then what to do; then the figures.
 * A figure that nobody knows is not shown.
 */
#include "answer.h"
#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { STATUS_TIMEOUT_MS = 30000 };

struct matters {
    struct text lines;
    int count;
};

static void add_matter(struct matters *matters, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_matter(struct matters *matters, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    text_printf(&matters->lines, "%s\n", line);
    matters->count++;
}

/* "610922103 610922104"; as many as find room. */
static const char *codes_of(const json_t *codes, char *out, size_t size)
{
    const json_t *code;
    size_t i, used = 0;
    out[0] = '\0';
    json_array_foreach(codes, i, code)
    {
        const char *text = json_string_value(code);
        if (text == NULL || used + strlen(text) + 8 > size)
            break;
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "", text);
    }
    if (i < json_array_size(codes))
        snprintf(out + used, size - used, " …");
    return out;
}

/* --- what wants somebody ---------------------------------------------------------------------------------------- */

static void judge_database(const json_t *status, struct matters *matters)
{
    const json_t *database = json_object_get(status, "database");
    if (strcmp(answer_text(database, "state"), "up") == 0)
        return;
    const char *figures = json_string_value(json_object_get(status, "figures_of"));
    add_matter(matters, "DATABASE %s: %s; %s%s", answer_text(database, "state"),
               answer_text(database, "reason"),
               figures ? "the figures below are of " : "there are no figures yet", figures ? figures : "");
}

/* A standby that knows who leads waits, and all is well. Of the database it is told above. */
static void judge_work(const json_t *status, struct matters *matters)
{
    const json_t *lease = json_object_get(status, "lease");
    const bool is_up = strcmp(answer_text(json_object_get(status, "database"), "state"), "up") == 0;
    const bool looks_on =
        strcmp(answer_text(lease, "role"), "standby") == 0 && strcmp(answer_text(lease, "holder"), "-") != 0;
    const char *waits = answer_text(status, "waits");
    if (is_up && !looks_on && strcmp(waits, "-") != 0)
        add_matter(matters, "WORK WAITS, no round and no feed: %s", waits);
    if (json_is_true(json_object_get(status, "configuration_refused")))
        add_matter(
            matters,
            "RELOAD REFUSED: the configuration before it is in force; shouwangd --check-config says why");
}

static void judge_failure(const json_t *status, const char *key, const char *what, const char *then,
                          struct matters *matters)
{
    const json_t *failure = json_object_get(status, key);
    if (json_is_object(failure))
        add_matter(matters, "%s FAILED at %s: %s; %s", what, answer_text(failure, "at"),
                   answer_text(failure, "error"), then);
}

static void judge_rounds(const json_t *status, struct matters *matters)
{
    judge_failure(status, "round_failed", "THE LAST ROUND", "what is passing is tried again", matters);
    judge_failure(status, "scan_failed", "THE DROP DIRECTORY", "the other feeds are taken in", matters);
    if (answer_number(status, "rounds_held") > 0)
        add_matter(matters,
                   "ROUND HELD: it would change more than the limit; shouwangctl rounds says how much, round "
                   "accept lets it happen");
}

static bool is_among(const json_t *codes, const char *code)
{
    const json_t *other;
    size_t i;
    json_array_foreach(codes, i, other) if (strcmp(json_string_value(other), code) == 0) return true;
    return false;
}

/* Of whom it is said already why nothing comes is not called late. */
static void judge_receivers(const json_t *status, struct matters *matters)
{
    char codes[256];
    const json_t *township, *held = json_object_get(status, "held"),
                            *lonely = json_object_get(status, "no_receiver");
    size_t i;
    if (json_array_size(held) > 0)
        add_matter(
            matters,
            "HELD: these receivers answered 410 and are sent nothing: %s; shouwangctl queue release --township CODE",
            codes_of(held, codes, sizeof codes));
    if (json_array_size(lonely) > 0)
        add_matter(matters, "NO RECEIVER is configured (townships.d) for townships whose events wait: %s",
                   codes_of(lonely, codes, sizeof codes));
    json_array_foreach(json_object_get(status, "late"), i, township)
    {
        const char *code = answer_text(township, "township_code");
        if (!is_among(held, code) && !is_among(lonely, code))
            add_matter(
                matters,
                "LATE: %lld events wait for %s, one of them for %lld min; shouwangctl queue --township %s says why",
                (long long)answer_number(township, "waiting"), code,
                (long long)(answer_number(township, "oldest_s") / 60), code);
    }
    json_array_foreach(json_object_get(status, "given_up"), i, township)
    {
        const char *code = answer_text(township, "township_code");
        add_matter(
            matters,
            "NOT TOLD: %s refused %lld events and let %lld expire; shouwangctl queue --township %s says why, queue requeue sends them again",
            code, (long long)answer_number(township, "failed"), (long long)answer_number(township, "expired"),
            code);
    }
}

static void judge_feed(const json_t *feed, struct matters *matters)
{
    const char *name = answer_text(feed, "feed");
    const json_t *age = json_object_get(feed, "age_days"), *swings = json_object_get(feed, "swings");
    const json_t *unusable = json_object_get(feed, "unusable");
    const int64_t townships = answer_number(swings, "townships");
    const bool in_sum = json_is_true(json_object_get(swings, "in_sum"));
    if (json_is_integer(age) && !json_is_true(json_object_get(feed, "fresh")))
        add_matter(matters, "STALE: %s is %lld days old, fresh for %lld: it clears nothing; ask who sends it",
                   name, (long long)json_integer_value(age),
                   (long long)answer_number(feed, "freshness_days"));
    if (townships > 0 || in_sum)
        add_matter(matters,
                   "SWINGS: %s in %lld townships%s: it clears nothing%s; shouwangctl feeds says more", name,
                   (long long)townships, in_sum ? " and in sum" : "", in_sum ? "" : " there");
    if (json_is_object(unusable))
        add_matter(
            matters,
            "UNUSABLE: %lld of %lld rows of batch %s of %s: it clears nothing; shouwangctl feed show says which",
            (long long)answer_number(unusable, "quarantined"), (long long)answer_number(unusable, "rows"),
            answer_text(unusable, "batch"), name);
    if (answer_number(unusable, "batches") > 1)
        add_matter(matters,
                   "UNUSABLE: much of %lld batches of %s before it, too; shouwangctl feeds says which",
                   (long long)answer_number(unusable, "batches") - 1, name);
    if (json_is_string(json_object_get(feed, "refused")))
        add_matter(matters, "REFUSED: %s of %s; shouwangctl feeds says why", answer_text(feed, "refused"),
                   name);
}

static void judge_transaction(const json_t *status, struct matters *matters)
{
    const json_t *transaction = json_object_get(status, "oldest_transaction");
    if (json_is_true(json_object_get(transaction, "old")))
        add_matter(
            matters,
            "OLD TRANSACTION: session %lld of the database, of account %s, has kept dead rows from being cleaned for %lld min",
            (long long)answer_number(transaction, "pid"), answer_text(transaction, "account"),
            (long long)(answer_number(transaction, "age_s") / 60));
}

static void judge(const json_t *status, struct matters *matters)
{
    const json_t *feed;
    size_t i;
    judge_database(status, matters);
    judge_work(status, matters);
    judge_rounds(status, matters);
    judge_receivers(status, matters);
    json_array_foreach(json_object_get(status, "feeds"), i, feed) judge_feed(feed, matters);
    judge_transaction(status, matters);
}

/* --- the figures ------------------------------------------------------------------------------------------------ */

static void print_feed(const json_t *feed)
{
    if (json_is_integer(json_object_get(feed, "age_days")))
        printf("  %-20s %s, %lld days old\n", answer_text(feed, "feed"), answer_text(feed, "batch"),
               (long long)answer_number(feed, "age_days"));
    else
        printf("  %-20s nothing yet\n", answer_text(feed, "feed"));
}

static void print_counts(const json_t *status)
{
    if (json_object_get(status, "households") == NULL) {
        puts("register and warnings are not counted yet");
        return;
    }
    printf("register %lld households, %lld persons\nwarnings ",
           (long long)answer_number(status, "households"), (long long)answer_number(status, "persons"));
    answer_levels(json_object_get(status, "levels"), stdout);
    putchar('\n');
}

static void print_round_and_queue(const json_t *status)
{
    const json_t *round = json_object_get(status, "last_round"), *queue = json_object_get(status, "queue");
    if (json_is_object(round))
        printf("round    last %lld as of %s", (long long)answer_number(round, "round"),
               answer_text(round, "as_of"));
    else
        printf("round    none yet");
    printf("; held %lld; next %s\n", (long long)answer_number(status, "rounds_held"),
           answer_text(status, "next_round_at"));
    printf("queue    waiting %lld, in flight %lld, failed %lld, held %lld, expired %lld\n",
           (long long)answer_number(queue, "waiting"), (long long)answer_number(queue, "in_flight"),
           (long long)answer_number(queue, "failed"), (long long)answer_number(queue, "held"),
           (long long)answer_number(queue, "expired"));
}

static void print_figures(const json_t *status)
{
    const json_t *lease = json_object_get(status, "lease"), *policy = json_object_get(status, "policy"),
                 *feed;
    size_t i;
    printf("lease    %s; held by %s, token %lld, since %s\n", answer_text(lease, "role"),
           answer_text(lease, "holder"), (long long)answer_number(lease, "token"),
           answer_text(lease, "since"));
    printf("policy   %s %s\n", answer_text(policy, "name"), answer_text(policy, "version"));
    if (!json_is_string(json_object_get(status, "figures_of")))
        return;
    print_counts(status);
    print_round_and_queue(status);
    puts("feeds");
    json_array_foreach(json_object_get(status, "feeds"), i, feed) print_feed(feed);
}

static void print_status(const json_t *status, const struct matters *matters)
{
    printf("shouwangd %s since %s%s; database %s; job %s\n", answer_text(status, "version"),
           answer_text(status, "started_at"),
           json_is_true(json_object_get(status, "draining")) ? ", STOPPING" : "",
           answer_text(json_object_get(status, "database"), "state"), answer_text(status, "job"));
    if (matters->count == 0)
        puts("all is well");
    else
        printf("%d %s you:\n%s\n", matters->count, matters->count == 1 ? "matter wants" : "matters want",
               matters->lines.bytes);
    print_figures(status);
}

int verb_status(struct ctl *ctl)
{
    struct matters matters = {.count = 0};
    json_t *status = NULL;
    const bool check = ctl_given(ctl, "--check");
    int exit_code = ctl_request(ctl, "status", json_object(), STATUS_TIMEOUT_MS, NULL, &status);
    if (exit_code != 0)
        return exit_code;
    text_init(&matters.lines);
    judge(status, &matters);
    if (ctl->json)
        exit_code = ctl_print_json(json_incref(status));
    else if (!check)
        print_status(status, &matters);
    else if (matters.count > 0)
        fputs(matters.lines.bytes, stdout);
    json_decref(status);
    text_fini(&matters.lines);
    return exit_code == 0 && check && matters.count > 0 ? EXIT_NO : exit_code;
}
