/* SPDX-License-Identifier: PostgreSQL */
/* Verbs about households: what stands about them, and why. */
#include "ctl.h"

#include "app/options.h"
#include "base/arena.h"
#include "domain/area.h"
#include "domain/fact.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/pg.h"
#include "policy/policy.h"
#include "round/explain.h"
#include "round/warnings.h"
#include "store/listing.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

/* --- warnings --------------------------------------------------------------------------------------------------- */

static bool read_areas(const struct ctl *ctl, int64_t *township_code, int64_t *village_code)
{
    const char *township = ctl_value(ctl, "--township"), *village = ctl_value(ctl, "--village");
    if (township != NULL && !ctl_township(ctl, "--township: ", township, township_code))
        return false;
    if (village == NULL || area_parse_village(slice_of(village), village_code))
        return true;
    ctl_usage(ctl, "--village: \"%s\" is no village's code; expected 12 digits, a township's 9 and 3 more",
              village);
    return false;
}

static bool one_of(const struct ctl *ctl, const char *option, const char *const *words, const char **chosen)
{
    *chosen = ctl_value(ctl, option);
    for (const char *const *word = words; *chosen != NULL && *word != NULL; word++)
        if (strcmp(*word, *chosen) == 0)
            return true;
    if (*chosen == NULL)
        return true;
    struct text known;
    text_init(&known);
    for (const char *const *word = words; *word != NULL; word++)
        text_printf(&known, "%s%s", word == words ? "" : ", ", *word);
    ctl_usage(ctl, "%s: unknown \"%s\"; expected %s", option, *chosen,
              known.failed ? "another" : known.bytes);
    text_fini(&known);
    return false;
}

static void print_findings(const struct listing_household *household, bool undecided)
{
    for (size_t i = 0; i < household->finding_count; i++) {
        const struct listing_finding *finding = &household->findings[i];
        if (finding->undecided == undecided)
            printf(" %.*s%s%s", (int)finding->rule.length, finding->rule.bytes, undecided ? "?" : "",
                   finding->stale_since == DAY_NONE ? "" : " (stale)");
    }
}

static enum status print_household(void *context, const struct listing_household *household,
                                   struct error *err)
{
    (void)err;
    (*(int64_t *)context)++;
    char due[CIVIL_TEXT_SIZE];
    ctl_print_visible(household->household_no);
    printf("  %lld  %-6s  due %-10s ", (long long)household->township, policy_level_name(household->level),
           household->has_case ? civil_format(household->due_on, due) : "-");
    print_findings(household, false);
    print_findings(household, true);
    putchar('\n');
    return STATUS_OK;
}

/* For people: a line a household, with its clauses; undecided ones end with a question mark. */
static int print_warnings(struct ctl *ctl, const struct warnings_options *options)
{
    struct error err;
    int64_t count = 0;
    struct listing_filter filter = {.township = options->township_code, .village = options->village_code};
    filter.by_level = options->level != NULL && policy_level_parse(slice_of(options->level), &filter.level);
    filter.by_state = options->state != NULL && case_state_parse(slice_of(options->state), &filter.state);
    int exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    if (listing_warnings(ctl->pg, &filter, print_household, &count, &err) != STATUS_OK)
        return ctl_fail_error(&err);
    printf("%lld households\n", (long long)count);
    return 0;
}

int verb_warnings(struct ctl *ctl)
{
    static const char *const levels[] = {"red", "orange", "yellow", "verify", NULL};
    static const char *const states[] = {"open",     "accepted", "visited", "assisting",
                                         "watching", "closed",   NULL};
    struct error err;
    struct warnings_options options = {.conninfo = ctl->options->database_conninfo};
    if (!ctl_apart(ctl, "--csv", "--json") ||
        !read_areas(ctl, &options.township_code, &options.village_code) ||
        !one_of(ctl, "--level", levels, &options.level) || !one_of(ctl, "--state", states, &options.state))
        return EX_USAGE;
    if (!ctl->json && !ctl_given(ctl, "--csv"))
        return print_warnings(ctl, &options);
    int exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    struct text out;
    text_init(&out);
    enum status status = ctl->json ? warnings_json(&options, &out, &err) : warnings_csv(&options, &out, &err);
    if (status == STATUS_OK)
        fwrite(out.bytes, 1, out.length, stdout);
    text_fini(&out);
    return status == STATUS_OK ? 0 : ctl_fail_error(&err);
}

/* --- explain ---------------------------------------------------------------------------------------------------- */

struct todays_policy {
    struct arena *arena;
    struct text text;
    struct policy *policy;
    char hash[CRYPTO_SHA256_HEX_SIZE];
};

static enum status read_policy(const struct ctl *ctl, struct todays_policy *today, struct error *err)
{
    struct policy_diagnostics diagnostics;
    text_init(&today->text);
    today->arena = arena_new(0);
    if (today->arena == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    const char *path = ctl->options->policy_file;
    enum status status = file_read(path, POLICY_TEXT_MAX_BYTES, &today->text, err);
    if (status != STATUS_OK)
        return status;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    status = crypto_sha256(today->text.bytes, today->text.length, digest, err);
    if (status != STATUS_OK)
        return status;
    crypto_hex(digest, sizeof digest, today->hash);
    return policy_compile(path, today->text.bytes, today->text.length, ctl->dictionary, today->arena,
                          &diagnostics, &today->policy, err);
}

static void forget_policy(struct todays_policy *today)
{
    policy_free(today->policy);
    text_fini(&today->text);
    arena_free(today->arena);
}

int verb_explain(struct ctl *ctl)
{
    struct error err, no_policy;
    day_t as_of = DAY_NONE;
    int64_t round_id = 0;
    if (!ctl_date(ctl, "--as-of", &as_of) || !ctl_number(ctl, "--round", &round_id))
        return EX_USAGE;
    if (ctl_given(ctl, "--round") && (round_id == 0 || as_of != DAY_NONE))
        return round_id == 0
                   ? ctl_usage(ctl, "--round 0: rounds are numbered from 1")
                   : ctl_usage(ctl, "--round and --as-of: expected one of them; a round has its own date");
    int exit_code = ctl_utf8(ctl, ctl->words[0]);
    if (exit_code == 0)
        exit_code = ctl_dictionary(ctl);
    if (exit_code == 0)
        exit_code = ctl_store(ctl);
    if (exit_code != 0)
        return exit_code;
    struct todays_policy today = {0};
    bool found = false;
    struct text out;
    text_init(&out);
    /* What a past round decided is told whatever has become of the file. */
    bool has_policy = read_policy(ctl, &today, &no_policy) == STATUS_OK;
    struct explain_options options = {
        .conninfo = ctl->options->database_conninfo,
        .policy = has_policy ? today.policy : NULL,
        .no_policy = &no_policy,
        .policy_hash = today.hash,
        .dictionary = ctl->dictionary,
        .subject = ctl->words[0],
        .round_id = round_id,
        .as_of = as_of,
        .named = ctl_given(ctl, "--named"),
        .json = ctl->json,
        .all = ctl_given(ctl, "--all"),
    };
    enum status status = explain_execute(&options, &out, &found, &err);
    if (status == STATUS_OK && found)
        fwrite(out.bytes, 1, out.length, stdout);
    forget_policy(&today);
    text_fini(&out);
    if (status != STATUS_OK)
        return ctl_fail_error(&err);
    /* What was asked for is not repeated: it may be somebody's identity number. */
    return found ? 0
                 : ctl_fail(EX_NOINPUT, "there is no warning and no household of that number; expected a "
                                        "household_no of the register or a warning's id");
}
