/* SPDX-License-Identifier: PostgreSQL */
/* Verbs that only the daemon can do: it is asked over the control socket. */
#include "ctl.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    QUICK_TIMEOUT_MS = 30000,          /* status, endpoint test: seconds at the most */
    RELOAD_TIMEOUT_MS = 60000,         /* reads all configuration and compiles the policy */
    ROUND_TIMEOUT_MS = 4 * 3600 * 1000 /* a first round behind a queue of feeds */
};

static void show_progress(const json_t *step)
{
    const char *stage = json_string_value(json_object_get(step, "stage"));
    if (stage != NULL && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s …", stage);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL && *value != '\0' ? value : "-";
}

/* With --json the result as it is, else what `print` makes of it. */
static int show(const struct ctl *ctl, json_t *result, void (*print)(const json_t *))
{
    if (ctl->json)
        return ctl_print_json(result);
    print(result);
    json_decref(result);
    return 0;
}

/* --- status ----------------------------------------------------------------------------------------------------- */

static void print_levels(const json_t *levels)
{
    static const char *const names[] = {"red", "orange", "yellow", "verify"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        printf("%s%s %lld", i ? ", " : "", names[i], (long long)number(levels, names[i]));
}

static void print_feed(const json_t *feed)
{
    const json_t *age = json_object_get(feed, "age_days"), *swings = json_object_get(feed, "swings");
    int64_t townships = number(swings, "townships");
    bool in_sum = json_is_true(json_object_get(swings, "in_sum"));
    if (json_is_null(age))
        printf("  %-20s nothing yet\n", text(feed, "feed"));
    else
        printf("  %-20s %s, %lld days old%s\n", text(feed, "feed"), text(feed, "batch"),
               (long long)json_integer_value(age),
               json_is_true(json_object_get(feed, "fresh")) ? "" : ": STALE, it clears nothing");
    if (townships > 0 || in_sum)
        printf("  %-20s SWINGS in %lld townships%s: it clears nothing%s; shouwangctl feeds says more\n", "",
               (long long)townships, in_sum ? " and in sum" : "", in_sum ? "" : " there");
    const json_t *unusable = json_object_get(feed, "unusable");
    if (json_is_object(unusable))
        printf(
            "  %-20s UNUSABLE: %lld of %lld rows of %s: it clears nothing; shouwangctl feed show says which\n",
            "", (long long)number(unusable, "quarantined"), (long long)number(unusable, "rows"),
            text(unusable, "batch"));
    if (number(unusable, "batches") > 1)
        printf("  %-20s and much of %lld batches before it; shouwangctl feeds says which\n", "",
               (long long)number(unusable, "batches") - 1);
    if (json_is_string(json_object_get(feed, "refused")))
        printf("  %-20s REFUSED: %s; shouwangctl feeds says why\n", "", text(feed, "refused"));
}

/* What is shown may be old: of the database, while it cannot be asked. */
static void print_database(const json_t *status)
{
    const json_t *database = json_object_get(status, "database");
    if (strcmp(text(database, "state"), "up") == 0)
        return;
    printf("DATABASE %s: %s; ", text(database, "state"), text(database, "reason"));
    if (json_is_string(json_object_get(status, "figures_of")))
        printf("the figures below are of %s\n", text(status, "figures_of"));
    else
        puts("there are no figures yet");
}

static void print_trouble(const json_t *status)
{
    const json_t *township, *lonely = json_object_get(status, "no_receiver");
    size_t i;
    if (number(status, "endpoints_held") > 0)
        printf("HELD: %lld receivers answered 410 and are sent nothing until they are released\n",
               (long long)number(status, "endpoints_held"));
    const json_t *transaction = json_object_get(status, "oldest_transaction");
    if (json_is_true(json_object_get(transaction, "old")))
        printf(
            "OLD TRANSACTION: session %lld of the database, of account %s, has kept dead rows from being cleaned for %lld min\n",
            (long long)number(transaction, "pid"), text(transaction, "account"),
            (long long)(number(transaction, "age_s") / 60));
    if (json_array_size(lonely) > 0) {
        printf("NO RECEIVER is configured (townships.d) for townships whose events wait:");
        json_array_foreach(lonely, i, township) printf(" %s", json_string_value(township));
        putchar('\n');
    }
    if (json_is_true(json_object_get(status, "configuration_refused")))
        puts(
            "the last reload was refused: the configuration before it is in force; shouwangd --check-config says why");
}

static void print_status(const json_t *status)
{
    const json_t *database = json_object_get(status, "database"), *policy = json_object_get(status, "policy");
    const json_t *round = json_object_get(status, "last_round"), *queue = json_object_get(status, "queue");
    const json_t *feed;
    size_t i;
    printf("shouwangd %s since %s%s; database %s; job %s\n", text(status, "version"),
           text(status, "started_at"), json_is_true(json_object_get(status, "draining")) ? ", STOPPING" : "",
           text(database, "state"), text(status, "job"));
    print_database(status);
    const json_t *lease = json_object_get(status, "lease");
    printf("lease    %s; held by %s, token %lld, since %s\n", text(lease, "role"), text(lease, "holder"),
           (long long)number(lease, "token"), text(lease, "since"));
    printf("policy   %s %s\n", text(policy, "name"), text(policy, "version"));
    printf("register %lld households, %lld persons\n", (long long)number(status, "households"),
           (long long)number(status, "persons"));
    printf("warnings ");
    print_levels(json_object_get(status, "levels"));
    if (json_is_object(round))
        printf("\nround    last %lld as of %s", (long long)number(round, "round"), text(round, "as_of"));
    else
        printf("\nround    none yet");
    printf("; held %lld%s; next %s\n", (long long)number(status, "rounds_held"),
           number(status, "rounds_held") > 0 ? " (shouwangctl rounds)" : "", text(status, "next_round_at"));
    printf("queue    waiting %lld, in flight %lld, failed %lld, held %lld, expired %lld\nfeeds\n",
           (long long)number(queue, "waiting"), (long long)number(queue, "in_flight"),
           (long long)number(queue, "failed"), (long long)number(queue, "held"),
           (long long)number(queue, "expired"));
    json_array_foreach(json_object_get(status, "feeds"), i, feed) print_feed(feed);
    print_trouble(status);
}

int verb_status(struct ctl *ctl)
{
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "status", json_object(), QUICK_TIMEOUT_MS, NULL, &result);
    return exit_code ? exit_code : show(ctl, result, print_status);
}

/* --- rounds ----------------------------------------------------------------------------------------------------- */

static void print_change(const json_t *change)
{
    fputs("  ", stdout);
    ctl_print_visible(slice_of(text(change, "household_no")));
    printf("  %s  %s → %s\n", text(change, "township_code"), text(change, "from"), text(change, "to"));
}

static void print_changes(const json_t *changes)
{
    const json_t *change;
    size_t i;
    json_array_foreach(changes, i, change) print_change(change);
}

static void print_round(const json_t *round)
{
    if (json_is_true(json_object_get(round, "ordered"))) {
        puts("the round is ordered; shouwangctl rounds shows it");
        return;
    }
    const json_t *stage, *stages = json_object_get(round, "stages");
    size_t i;
    int64_t ms = 0;
    json_array_foreach(stages, i, stage) ms += number(stage, "ms");
    if (json_is_null(json_object_get(round, "round")))
        printf("dry run as of %s\n", text(round, "as_of"));
    else
        printf("round %lld as of %s%s\n", (long long)number(round, "round"), text(round, "as_of"),
               json_is_true(json_object_get(round, "held"))
                   ? ": HELD, it would change more than the limit allows"
                   : "");
    printf("%lld households, %lld persons compared in %lld ms\n", (long long)number(round, "households"),
           (long long)number(round, "persons"), (long long)ms);
    print_levels(json_object_get(round, "levels"));
    printf("\nraised %lld, escalated %lld, deescalated %lld, cleared %lld, unchanged %lld\n",
           (long long)number(round, "raised"), (long long)number(round, "escalated"),
           (long long)number(round, "deescalated"), (long long)number(round, "cleared"),
           (long long)number(round, "unchanged"));
    printf("income not declared: %lld households\n", (long long)number(round, "income_unknown"));
    print_changes(json_object_get(round, "changes"));
    if (json_is_string(json_object_get(round, "scan_error")))
        printf("NOT ALL FEEDS were looked through: %s\n", text(round, "scan_error"));
    if (json_is_true(json_object_get(round, "held")))
        printf("look at it with --dry-run, then: shouwangctl round accept %lld --reason …\n",
               (long long)number(round, "round"));
}

/* A held round is a "no", as of shouwangd --once: nothing has changed, and somebody must look. A dry run has no more to do. */
static int show_round(struct ctl *ctl, json_t *report)
{
    bool is_held =
        json_is_true(json_object_get(report, "held")) && json_is_integer(json_object_get(report, "round"));
    int exit_code = show(ctl, report, print_round);
    return exit_code == EX_OK && is_held ? 1 : exit_code;
}

int verb_round(struct ctl *ctl)
{
    day_t as_of = DAY_NONE;
    if (!ctl_date(ctl, "--as-of", &as_of))
        return EX_USAGE;
    bool dry_run = ctl_given(ctl, "--dry-run");
    bool wait = ctl_given(ctl, "--wait") || dry_run;
    json_t *args =
        json_pack("{s:b, s:b, s:b}", "dry_run", dry_run, "full", ctl_given(ctl, "--full"), "wait", wait);
    if (args != NULL && as_of != DAY_NONE)
        json_object_set_new(args, "as_of", ctl_json_day(as_of));
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "round", args, ROUND_TIMEOUT_MS, show_progress, &result);
    end_progress();
    return exit_code ? exit_code : show_round(ctl, result);
}

int verb_round_accept(struct ctl *ctl)
{
    int64_t round_id = 0;
    char end = '\0';
    if (sscanf(ctl->words[0], "%ld%c", &round_id, &end) != 1 || round_id <= 0)
        return ctl_usage(ctl, "\"%s\" is not a round's number", ctl->words[0]);
    const char *reason = ctl_value(ctl, "--reason");
    if (reason != NULL && ctl_reason(ctl, reason) != 0)
        return EX_USAGE;
    json_t *args = json_pack("{s:I, s:s*}", "id", (json_int_t)round_id, "reason", reason);
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "round accept", args, ROUND_TIMEOUT_MS, show_progress, &result);
    end_progress();
    return exit_code ? exit_code : show_round(ctl, result);
}

/* --- endpoints and configuration -------------------------------------------------------------------------------- */

static void print_test(const json_t *result)
{
    printf("delivered: HTTP %lld in %lld ms, event %s\n", (long long)number(result, "http_status"),
           (long long)(number(result, "total_us") / 1000), text(result, "event_id"));
}

int verb_endpoint_test(struct ctl *ctl)
{
    int64_t township = 0;
    if (!ctl_receiver(ctl, "", ctl->words[0], &township))
        return EX_USAGE;
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "endpoint test", json_pack("{s:I}", "township", (json_int_t)township),
                                QUICK_TIMEOUT_MS, NULL, &result);
    return exit_code ? exit_code : show(ctl, result, print_test);
}

static void print_reload(const json_t *result)
{
    const json_t *policy = json_object_get(result, "policy");
    printf("reloaded: policy %s %s, %lld townships\n", text(policy, "name"), text(policy, "version"),
           (long long)number(result, "townships"));
}

int verb_reload(struct ctl *ctl)
{
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "reload", json_object(), RELOAD_TIMEOUT_MS, NULL, &result);
    return exit_code ? exit_code : show(ctl, result, print_reload);
}
