/* SPDX-License-Identifier: PostgreSQL */
/* How settings come in: at the start, for --check-config, and by a reload of the running daemon. */
#include "app/daemon_state.h"
#include "app/settings_difference.h"
#include "base/clock.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "config.h"
#include "io/notify.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* --- what is said of them -------------------------------------------------------------------------------------- */

static void print_mistakes(const struct mistakes *mistakes, const struct error *err)
{
    if (mistakes->count == 0) {
        fprintf(stderr, "shouwangd: %s\n", err->text);
        return;
    }
    fputs(mistakes->lines.bytes ? mistakes->lines.bytes : "", stderr);
    if (mistakes->count > MISTAKES_MAX)
        fprintf(stderr, "… and %zu more\n", mistakes->count - MISTAKES_MAX);
}

static void log_mistakes(const struct mistakes *mistakes)
{
    const char *line = mistakes->lines.bytes ? mistakes->lines.bytes : "";
    while (*line) {
        size_t length = strcspn(line, "\n");
        char text[ERROR_TEXT_MAX + 256];
        snprintf(text, sizeof text, "%.*s", (int)length, line);
        log_event(LOG_CONFIG_MISTAKE, log_text("mistake", text));
        line += length + (line[length] == '\n');
    }
}

void daemon_log_findings(const struct settings *settings)
{
    const struct policy_diagnostics *found[] = {&settings->findings.warnings, &settings->findings.notices};
    static const enum log_event_id events[] = {LOG_POLICY_WARNING, LOG_POLICY_NOTICE};
    for (size_t k = 0; k < sizeof found / sizeof found[0]; k++)
        for (size_t i = 0; i < found[k]->count; i++)
            log_event(events[k], log_text("file", settings->options->policy_file),
                      log_int("line", found[k]->items[i].line), log_int("column", found[k]->items[i].column),
                      log_text("text", found[k]->items[i].text));
}

static void print_findings(const struct settings *settings)
{
    const struct policy_diagnostics *found[] = {&settings->findings.warnings, &settings->findings.notices};
    static const char *const kinds[] = {"warning", "notice"};
    for (size_t k = 0; k < sizeof found / sizeof found[0]; k++)
        for (size_t i = 0; i < found[k]->count; i++)
            printf("%s:%d:%d: %s: %s\n", settings->options->policy_file, found[k]->items[i].line,
                   found[k]->items[i].column, kinds[k], found[k]->items[i].text);
}

/* --- at the start --------------------------------------------------------------------------------------------- */

int daemon_load_settings(const char *conf, struct settings **settings)
{
    struct mistakes mistakes;
    struct error err = {0};
    mistakes_init(&mistakes);
    enum status status = settings_load(conf, settings, &mistakes, &err);
    if (status != STATUS_OK &&
        notify_stderr_is_journal()) { /* which sorts by priority; a person reads plain lines */
        log_mistakes(&mistakes);
        log_event(LOG_DAEMON_FAILED, log_error(&err));
    } else if (status != STATUS_OK)
        print_mistakes(&mistakes, &err);
    if (status != STATUS_OK)
        notify_status("%s", err.text);
    mistakes_fini(&mistakes);
    return status_exit_code(status);
}

int daemon_check_config(const char *conf)
{
    struct settings *settings = 0;
    int exit_code = daemon_load_settings(conf, &settings);
    if (exit_code == EX_OK)
        printf("%s: good; policy %s version %s, %zu townships, %zu feeds of their own form\n", conf,
               policy_name(settings->policy), policy_version(settings->policy), settings->townships.count,
               settings->feed_count);
    if (exit_code == EX_OK)
        print_findings(settings);
    settings_release(settings);
    return exit_code;
}

/* --- while it runs -------------------------------------------------------------------------------------------- */

struct delivery_settings daemon_delivery_settings(const struct settings *settings)
{
    const struct options *options = settings->options;
    return (struct delivery_settings){
        .conninfo = options->database_conninfo,
        .connect_timeout_ms = options->database_connect_timeout,
        .county_code = options->county_code,
        .endpoints = settings->townships.endpoints,
        .endpoint_count = settings->townships.count,
        .connections = (unsigned)options->delivery_connections,
        .timeout_ms = options->delivery_timeout,
        .retry_first_ms = options->delivery_retry_first,
        .retry_max_ms = options->delivery_retry_max,
        .expiry_ms = options->delivery_expiry,
        .networks = options->delivery_allow.items,
        .network_count = options->delivery_allow.count,
    };
}

static void take_settings(struct daemon *daemon, struct settings *settings)
{
    struct settings *before = daemon->settings;
    daemon->settings = settings;
    daemon->settings_loaded_unix_ms = clock_unix_ms();
    daemon->settings_failed = false;
    log_set_level((enum log_level)settings->options->log_level);
    jobs_set_settings(daemon->jobs, settings);
    database_set_settings(daemon->database, settings);
    if (!daemon->arguments->once && option_changed(&before->file.set, &settings->file.set,
                                                   option_index(&options_table, "rounds", "schedule")))
        schedule_set(daemon->schedule, &settings->options->rounds_schedule);
    size_t changes = settings_difference_log(before, settings);
    log_event(LOG_CONFIG_LOADED, log_int("changes", (int64_t)changes),
              log_text("policy", policy_name(settings->policy)),
              log_text("version", policy_version(settings->policy)));
    daemon_log_findings(settings);
    settings_release(before);
}

enum status daemon_reload(struct daemon *daemon, struct mistakes *mistakes, struct error *err)
{
    struct settings *settings = 0;
    if (daemon->stopping)
        return error_set(err, STATUS_RETRY, "the daemon is stopping");
    notify_reloading();
    enum status status = settings_load_again(daemon->settings, &settings, mistakes, err);
    KILL_POINT("reload.read");
    if (status == STATUS_OK && daemon->delivery) {
        struct delivery_settings delivery = daemon_delivery_settings(settings);
        status = delivery_reconfigure(daemon->delivery, &delivery, err);
    }
    KILL_POINT("reload.delivery_taken");
    if (status == STATUS_OK)
        take_settings(daemon, settings);
    else {
        settings_release(settings);
        daemon->settings_failed = true;
        log_mistakes(mistakes);
        log_event(LOG_CONFIG_REFUSED, log_error(err));
    }
    if (daemon->ready)
        notify_ready();
    daemon_tell_status(daemon);
    return status;
}
