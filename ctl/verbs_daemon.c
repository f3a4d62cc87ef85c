/* SPDX-License-Identifier: PostgreSQL */
/* Verbs that only the daemon can do: it is asked over the control socket. */
#include "answer.h"
#include "ctl.h"

#include "app/options.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    TEST_MARGIN_MS = 30000,            /* beyond what one attempt may take */
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

/* With --json the result as it is, else what `print` makes of it. */
static int show(const struct ctl *ctl, json_t *result, void (*print)(const json_t *))
{
    if (ctl->json)
        return ctl_print_json(result);
    print(result);
    json_decref(result);
    return 0;
}

/* --- rounds ----------------------------------------------------------------------------------------------------- */

static void print_change(const json_t *change)
{
    fputs("  ", stdout);
    ctl_print_visible(slice_of(answer_text(change, "household_no")));
    printf("  %s  %s → %s\n", answer_text(change, "township_code"), answer_text(change, "from"),
           answer_text(change, "to"));
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
    json_array_foreach(stages, i, stage) ms += answer_number(stage, "ms");
    if (json_is_null(json_object_get(round, "round")))
        printf("dry run as of %s\n", answer_text(round, "as_of"));
    else
        printf("round %lld as of %s%s\n", (long long)answer_number(round, "round"),
               answer_text(round, "as_of"),
               json_is_true(json_object_get(round, "held"))
                   ? ": HELD, it would change more than the limit allows"
                   : "");
    printf("%lld households, %lld persons compared in %lld ms\n",
           (long long)answer_number(round, "households"), (long long)answer_number(round, "persons"),
           (long long)ms);
    answer_levels(json_object_get(round, "levels"), stdout);
    printf("\nraised %lld, escalated %lld, deescalated %lld, cleared %lld, unchanged %lld\n",
           (long long)answer_number(round, "raised"), (long long)answer_number(round, "escalated"),
           (long long)answer_number(round, "deescalated"), (long long)answer_number(round, "cleared"),
           (long long)answer_number(round, "unchanged"));
    printf("income not declared: %lld households\n", (long long)answer_number(round, "income_unknown"));
    print_changes(json_object_get(round, "changes"));
    if (json_is_string(json_object_get(round, "scan_error")))
        printf("NOT ALL FEEDS were looked through: %s\n", answer_text(round, "scan_error"));
    if (json_is_true(json_object_get(round, "held")))
        printf("look at it with --dry-run, then: shouwangctl round accept %lld --reason …\n",
               (long long)answer_number(round, "round"));
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
    printf("delivered: HTTP %lld in %lld ms, event %s\n", (long long)answer_number(result, "http_status"),
           (long long)(answer_number(result, "total_us") / 1000), answer_text(result, "event_id"));
}

int verb_endpoint_test(struct ctl *ctl)
{
    int64_t township = 0;
    if (!ctl_receiver(ctl, "", ctl->words[0], &township))
        return EX_USAGE;
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "endpoint test", json_pack("{s:I}", "township", (json_int_t)township),
                                ctl->options->delivery_timeout + TEST_MARGIN_MS, NULL, &result);
    return exit_code ? exit_code : show(ctl, result, print_test);
}

static void print_reload(const json_t *result)
{
    const json_t *policy = json_object_get(result, "policy");
    printf("reloaded: policy %s %s, %lld townships\n", answer_text(policy, "name"),
           answer_text(policy, "version"), (long long)answer_number(result, "townships"));
}

int verb_reload(struct ctl *ctl)
{
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "reload", json_object(), RELOAD_TIMEOUT_MS, NULL, &result);
    return exit_code ? exit_code : show(ctl, result, print_reload);
}
