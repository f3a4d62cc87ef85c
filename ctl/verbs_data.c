/* SPDX-License-Identifier: PostgreSQL */
/* Verbs about what is stored: migrate, import, rounds, leads. They work while the daemon is down. */
#include "ctl.h"

#include "app/mistakes.h"
#include "app/options.h"
#include "app/settings.h"
#include "base/arena.h"
#include "base/clock.h"
#include "domain/fact.h"
#include "domain/person_name.h"
#include "domain/resident_id.h"
#include "io/pg.h"
#include "source/import.h"
#include "store/batch.h"
#include "store/listing.h"
#include "store/migrate.h"
#include "store/round_store.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* --- migrate ---------------------------------------------------------------------------------------------------- */

struct migrate_log {
    bool json;
    json_t *lines;
};

static void migrate_line(void *context, const char *line)
{
    struct migrate_log *log = context;
    json_array_append_new(log->lines, json_string(line));
    if (!log->json)
        puts(line);
}

/* The county's own feeds stand in feeds.d. A mistake elsewhere in the configuration does not keep the schema from being
 * brought up to date; the daemon will name it. */
static struct settings *county_settings(const struct ctl *ctl)
{
    struct error err;
    struct mistakes mistakes;
    struct settings *settings = NULL;
    mistakes_init(&mistakes);
    if (settings_load(ctl->conf_path, &settings, &mistakes, &err) != STATUS_OK) {
        fprintf(stderr, "shouwangctl: the county's own feeds are not entered: %s\n", err.text);
        settings = NULL;
    }
    mistakes_fini(&mistakes);
    return settings;
}

int verb_migrate(struct ctl *ctl)
{
    struct error err;
    signal(SIGPIPE,
           SIG_IGN); /* who reads what is told, and stops, does not stop a migration between two steps */
    int exit_code = ctl_dictionary(ctl);
    if (exit_code == 0)
        exit_code = ctl_database(ctl);
    if (exit_code != 0)
        return exit_code;
    struct migrate_log log = {ctl->json, json_array()};
    struct settings *settings = county_settings(ctl);
    enum status status = migrate_run(ctl->pg, ctl->dictionary, settings ? settings->county_sources : NULL,
                                     settings ? settings->county_source_count : 0, migrate_line, &log, &err);
    settings_release(settings);
    if (status != STATUS_OK) {
        json_decref(log.lines);
        return ctl_fail_error(&err);
    }
    struct migrate_state state;
    if (migrate_status(ctl->pg, &state, &err) != STATUS_OK) {
        json_decref(log.lines);
        return ctl_fail_error(&err);
    }
    if (ctl->json)
        return ctl_print_json(json_pack("{s:i, s:o}", "schema", state.database, "done", log.lines));
    if (json_array_size(log.lines) == 0)
        printf("nothing to do: the schema is at %d\n", state.database);
    json_decref(log.lines);
    return 0;
}

/* --- import ----------------------------------------------------------------------------------------------------- */

static void import_show(void *context, enum import_stage stage, int64_t rows, int64_t total)
{
    (void)context;
    if (total > 0)
        fprintf(stderr, "\r\033[K%s %lld of %lld", import_stage_name(stage), (long long)rows,
                (long long)total);
    else
        fprintf(stderr, "\r\033[K%s %lld", import_stage_name(stage), (long long)rows);
}

static json_t *import_counts_json(const struct import_counts *counts)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rows", (json_int_t)counts->rows, "quarantined",
                     (json_int_t)counts->quarantined, "kept", (json_int_t)counts->kept, "added",
                     (json_int_t)counts->added, "changed", (json_int_t)counts->changed, "ended",
                     (json_int_t)counts->ended, "unchanged", (json_int_t)counts->unchanged);
}

static void print_import_counts(const char *what, const struct import_counts *counts)
{
    printf("%-10s %9lld rows: %lld added, %lld changed, %lld ended, %lld unchanged; %lld quarantined, %lld "
           "listed\n",
           what, (long long)counts->rows, (long long)counts->added, (long long)counts->changed,
           (long long)counts->ended, (long long)counts->unchanged, (long long)counts->quarantined,
           (long long)counts->kept);
}

static int print_import(const struct ctl *ctl, const struct import_result *result)
{
    if (ctl->json)
        return ctl_print_json(json_pack(
            "{s:o, s:b, s:o, s:o, s:o, s:I, s:I, s:I}", "batch",
            result->batch_id ? json_integer(result->batch_id) : json_null(), "same", result->same,
            "households", import_counts_json(&result->households), "persons",
            import_counts_json(&result->persons), "facts", import_counts_json(&result->facts),
            "without_identity", (json_int_t)result->without_identity, "empty_households",
            (json_int_t)result->empty_households, "strangers_moved", (json_int_t)result->strangers_moved));
    if (result->same) {
        puts("the register is that of the last import: nothing has changed");
        return 0;
    }
    print_import_counts("households", &result->households);
    print_import_counts("persons", &result->persons);
    print_import_counts("facts", &result->facts);
    printf("%lld persons without a usable identity number, %lld households without persons\n",
           (long long)result->without_identity, (long long)result->empty_households);
    if (result->batch_id != 0)
        printf("what was quarantined or listed: shouwangctl feed show %lld\n", (long long)result->batch_id);
    return 0;
}

/* A file that is not there is no input, not a mistake in the configuration. */
static int import_missing(const char *directory)
{
    static const char *const names[] = {"household.csv", "person.csv", "fact.csv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        if (length >= 0 && length < PATH_MAX && access(path, R_OK) != 0)
            return ctl_fail(EX_NOINPUT, "%s: cannot be read: %s", path, strerror(errno));
    }
    return 0;
}

static enum status read_views(struct ctl *ctl, const struct import_settings *settings,
                              struct import_result *result, struct error *err)
{
    const struct options *options = ctl->options;
    struct pg *county = NULL;
    enum status status =
        pg_connect(options->register_conninfo ? options->register_conninfo : options->database_conninfo,
                   "shouwangctl", (int)options->database_connect_timeout, &county, err);
    if (status == STATUS_OK)
        status = import_views(ctl->pg, county, options->register_schema, settings, result, err);
    pg_close(county);
    return status;
}

int verb_import(struct ctl *ctl)
{
    struct error err;
    struct import_settings settings = {
        .today = DAY_NONE,
        .allow_shrink = ctl_given(ctl, "--allow-shrink"),
        .actor = ctl_account(),
        .progress = isatty(STDERR_FILENO) && !ctl->json ? import_show : NULL,
    };
    const char *encoding = ctl_value(ctl, "--encoding");
    bool views = ctl_given(ctl, "--views");
    if (views == (ctl->word_count == 1))
        return ctl_usage(ctl, "give either a DIR or --views");
    if (views && ctl->options->register_schema == NULL)
        return ctl_fail(EX_CONFIG, "--views: %s names no [register] schema", ctl->conf_path);
    if (encoding != NULL && !encoding_parse(slice_of(encoding), &settings.encoding))
        return ctl_usage(ctl, "--encoding: \"%s\" is none of auto, utf-8, gb18030", encoding);
    int exit_code = views ? 0 : import_missing(ctl->words[0]);
    if (exit_code == 0)
        exit_code = ctl_dictionary(ctl);
    if (exit_code == 0)
        exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    settings.dictionary = ctl->dictionary;
    struct import_result result = {0};
    enum status status = views ? read_views(ctl, &settings, &result, &err)
                               : import_directory(ctl->pg, &settings, ctl->words[0], &result, &err);
    if (settings.progress != NULL)
        fputs("\r\033[K", stderr);
    return status == STATUS_OK ? print_import(ctl, &result) : ctl_fail_error(&err);
}

/* --- rounds ----------------------------------------------------------------------------------------------------- */

static json_t *json_or_null(const char *text)
{
    json_t *value = text && *text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return value ? value : json_null();
}

static json_t *round_json(const struct round_info *round)
{
    return json_pack("{s:I, s:s, s:s, s:o, s:{s:s, s:s, s:s}, s:o, s:o, s:s, s:s, s:s, s:o, s:o}", "round",
                     (json_int_t)round->round_id, "state", round_state_name(round->state), "cause",
                     round->cause, "as_of", ctl_json_day(round->as_of), "policy", "name", round->policy_name,
                     "version", round->policy_version, "hash", round->policy_hash, "started_at",
                     ctl_json_time(round->started_at_ms), "finished_at", ctl_json_time(round->finished_at_ms),
                     "error", round->error, "accepted_by", round->accepted_by, "accepted_reason",
                     round->accepted_reason, "counts", json_or_null(round->counts_json), "stages",
                     json_or_null(round->stages_json));
}

static void print_round(const struct round_info *round)
{
    char as_of[CIVIL_TEXT_SIZE], started[CLOCK_RFC3339_SIZE];
    json_t *counts = json_or_null(round->counts_json);
    json_int_t n[4] = {0};
    static const char *const names[4] = {"raised", "escalated", "deescalated", "cleared"};
    for (int i = 0; i < 4; i++)
        n[i] = json_integer_value(json_object_get(counts, names[i]));
    json_decref(counts);
    printf(
        "%6lld  %-9s as of %s  %-8s %s  raised %lld, escalated %lld, deescalated %lld, cleared %lld%s%s%s%s%s",
        (long long)round->round_id, round_state_name(round->state), civil_format(round->as_of, as_of),
        round->cause, clock_rfc3339(round->started_at_ms, started), (long long)n[0], (long long)n[1],
        (long long)n[2], (long long)n[3], *round->error ? ": " : "", round->error,
        *round->accepted_by ? "; accepted by " : "", round->accepted_by, *round->accepted_reason ? ": " : "");
    ctl_print_visible(slice_of(round->accepted_reason));
    putchar('\n');
}

int verb_rounds(struct ctl *ctl)
{
    struct error err;
    int64_t limit = 20;
    if (!ctl_number(ctl, "--limit", &limit))
        return EX_USAGE;
    int exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    struct arena *arena = arena_new(0);
    const struct round_info *rounds = NULL;
    size_t count = 0;
    if (round_list(ctl->pg, (int)limit, arena, &rounds, &count, &err) != STATUS_OK) {
        exit_code = ctl_fail_error(&err);
    } else if (ctl->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, round_json(&rounds[i]));
        exit_code = ctl_print_json(json_pack("{s:o}", "rounds", list));
    } else {
        for (size_t i = 0; i < count; i++)
            print_round(&rounds[i]);
        if (count == 0)
            puts("no round yet; shouwangctl round --wait runs one");
    }
    arena_free(arena);
    return exit_code;
}

/* --- leads ------------------------------------------------------------------------------------------------------ */

static void masked_name(struct slice name, struct text *out)
{
    text_clear(out);
    person_name_mask(name, out);
}

static enum status lead_json(void *context, const struct listing_lead *lead, struct error *err)
{
    char id[RESIDENT_ID_TEXT_SIZE];
    struct text name;
    text_init(&name);
    masked_name(lead->name, &name);
    json_t *item = json_pack("{s:s, s:s, s:o, s:o, s:I, s:b}", "id_number",
                             resident_id_mask(lead->id_packed, id), "name", name.bytes ? name.bytes : "",
                             "sources", ctl_json_slice(lead->sources), "codes", ctl_json_slice(lead->codes),
                             "facts", (json_int_t)lead->fact_count, "was_on_register", lead->was_on_register);
    text_fini(&name);
    return json_array_append_new(context, item) == 0 ? STATUS_OK
                                                     : error_set(err, STATUS_FATAL, "out of memory");
}

static enum status lead_print(void *context, const struct listing_lead *lead, struct error *err)
{
    (void)context;
    (void)err;
    char id[RESIDENT_ID_TEXT_SIZE];
    struct text name;
    text_init(&name);
    masked_name(lead->name, &name);
    printf("%s  ", resident_id_mask(lead->id_packed, id));
    ctl_print_visible(text_slice(&name));
    printf("  %.*s  %.*s  %lld facts%s\n", (int)lead->sources.length,
           lead->sources.length ? lead->sources.bytes : "", (int)lead->codes.length,
           lead->codes.length ? lead->codes.bytes : "", (long long)lead->fact_count,
           lead->was_on_register ? ", left the register" : "");
    text_fini(&name);
    return STATUS_OK;
}

int verb_leads(struct ctl *ctl)
{
    struct error err;
    int64_t limit = 1000, total = 0;
    if (!ctl_number(ctl, "--limit", &limit))
        return EX_USAGE;
    int exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    json_t *list = json_array();
    if (listing_leads(ctl->pg, limit, ctl->json ? lead_json : lead_print, list, &total, &err) != STATUS_OK) {
        json_decref(list);
        return ctl_fail_error(&err);
    }
    if (ctl->json)
        return ctl_print_json(json_pack("{s:I, s:o}", "total", (json_int_t)total, "leads", list));
    json_decref(list);
    printf("%lld people in the feeds are not on the register\n", (long long)total);
    return 0;
}
