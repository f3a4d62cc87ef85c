/* SPDX-License-Identifier: PostgreSQL */
/* Verbs that only the daemon can do: it is asked over the control socket. */
#include "ctl/ctl.h"

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

/* With --json the result as it is; else the text that the daemon wrote for people. */
static int print_result(const struct ctl *ctl, json_t *result)
{
    const char *text = json_string_value(json_object_get(result, "text"));
    if (ctl->json || text == NULL) {
        json_object_del(result, "text");
        return ctl_print_json(result);
    }
    fputs(text, stdout);
    json_decref(result);
    return 0;
}

int verb_status(struct ctl *ctl)
{
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "status", json_object(), QUICK_TIMEOUT_MS, NULL, &result);
    return exit_code ? exit_code : print_result(ctl, result);
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
    return exit_code ? exit_code : print_result(ctl, result);
}

int verb_round_accept(struct ctl *ctl)
{
    int64_t round_id = 0;
    char end = '\0';
    if (sscanf(ctl->words[0], "%ld%c", &round_id, &end) != 1 || round_id <= 0)
        return ctl_usage(ctl, "\"%s\" is not a round's number", ctl->words[0]);
    const char *reason = ctl_value(ctl, "--reason");
    json_t *args = json_pack("{s:I, s:s, s:b}", "round", (json_int_t)round_id, "reason", reason ? reason : "",
                             "wait", 1);
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "round accept", args, ROUND_TIMEOUT_MS, show_progress, &result);
    end_progress();
    return exit_code ? exit_code : print_result(ctl, result);
}

int verb_endpoint_test(struct ctl *ctl)
{
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "endpoint test", json_pack("{s:s}", "township", ctl->words[0]),
                                QUICK_TIMEOUT_MS, NULL, &result);
    if (exit_code != 0)
        return exit_code;
    bool delivered = json_is_true(json_object_get(result, "delivered"));
    exit_code = print_result(ctl, result);
    return exit_code ? exit_code : delivered ? 0 : EXIT_NO;
}

int verb_reload(struct ctl *ctl)
{
    json_t *result = NULL;
    int exit_code = ctl_request(ctl, "reload", json_object(), RELOAD_TIMEOUT_MS, NULL, &result);
    return exit_code ? exit_code : print_result(ctl, result);
}
