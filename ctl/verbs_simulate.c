/* SPDX-License-Identifier: PostgreSQL */
/* What another policy would say of the county. Writes nothing, asks the database alone: the daemon may be up or down. */
#include "ctl.h"

#include "app/options.h"
#include "base/arena.h"
#include "io/crypto.h"
#include "io/file.h"
#include "io/pg.h"
#include "policy/policy.h"
#include "round/simulate.h"

#include <stdio.h>
#include <sysexits.h>

/* A policy's file, compiled. */
struct policy_file {
    struct arena *arena;
    struct text text;
    struct policy *policy;
    char hash[CRYPTO_SHA256_HEX_SIZE];
};

static void policy_file_close(struct policy_file *file)
{
    policy_free(file->policy);
    text_fini(&file->text);
    arena_free(file->arena);
}

/* 0, or an exit code after a message; the mistakes of a policy are all told. */
static int policy_file_open(struct ctl *ctl, const char *path, const char *trial, int exit_mistakes,
                            struct policy_file *file)
{
    struct error err;
    uint8_t digest[CRYPTO_SHA256_BYTES];
    struct policy_diagnostics mistakes = {0};
    text_init(&file->text);
    file->arena = arena_new(0);
    if (file->arena == NULL)
        return ctl_fail(EX_OSERR, "out of memory");
    if (file_read(path, POLICY_TEXT_MAX_BYTES, &file->text, &err) != STATUS_OK)
        return ctl_fail(EX_NOINPUT, "%s", err.text);
    const char *text = file->text.bytes == NULL ? "" : file->text.bytes;
    if (crypto_sha256(text, file->text.length, digest, &err) != STATUS_OK)
        return ctl_fail_error(&err);
    crypto_hex(digest, sizeof digest, file->hash);
    enum status status = policy_compile_trial(path, text, file->text.length, ctl->dictionary, trial,
                                              file->arena, &mistakes, &file->policy, &err);
    if (status == STATUS_OK)
        return 0;
    for (size_t i = 0; i < mistakes.count; i++)
        fprintf(stderr, "%s:%d:%d: %s\n", path, mistakes.items[i].line, mistakes.items[i].column,
                mistakes.items[i].text);
    if (status == STATUS_CONFIG && mistakes.count > 0)
        return ctl_fail(exit_mistakes, "%s: the policy has mistakes", path);
    return status == STATUS_CONFIG ? ctl_fail(exit_mistakes, "%s", err.text) : ctl_fail_error(&err);
}

static void print_stage(void *context, const struct round_stage *stage)
{
    (void)context;
    fprintf(stderr, "simulate: %s %lld ms, %lld rows\n", stage->name, (long long)stage->ms,
            (long long)stage->rows);
}

static bool print_part(void *context, struct slice part)
{
    bool *printed = context;
    *printed = fwrite(part.bytes, 1, part.length, stdout) == part.length;
    return *printed;
}

static int print_report(const struct simulate_options *options)
{
    struct error err;
    bool printed = true;
    const struct simulate_sink sink = {print_part, &printed};
    enum status status = simulate_execute(options, NULL, &sink, &err);
    if (printed && status != STATUS_OK)
        return ctl_fail_error(&err);
    return printed && fflush(stdout) == 0 ? 0 : ctl_fail(EX_IOERR, "cannot write the report");
}

/* The options that the command line gives; the policies are not among them yet. */
static bool read_options(const struct ctl *ctl, struct simulate_options *options)
{
    *options = (struct simulate_options){
        .conninfo = ctl->options->database_conninfo, .as_of = DAY_NONE, .progress = print_stage};
    options->form = ctl->json ? SIMULATE_JSON : ctl_given(ctl, "--csv") ? SIMULATE_CSV : SIMULATE_TEXT;
    const char *township = ctl_value(ctl, "--township");
    if (!ctl_apart(ctl, "--csv", "--json"))
        return false;
    if (township != NULL && !ctl_township(ctl, "--township: ", township, &options->township))
        return false;
    return ctl_date(ctl, "--as-of", &options->as_of);
}

int verb_simulate(struct ctl *ctl)
{
    struct policy_file in_force = {0}, other = {0};
    struct simulate_options options;
    const char *trial = ctl_value(ctl, "--trial");
    if (!read_options(ctl, &options))
        return EX_USAGE;
    int exit_code = ctl_dictionary(ctl);
    if (exit_code == 0)
        exit_code = policy_file_open(ctl, ctl->options->policy_file, NULL, EX_CONFIG, &in_force);
    if (exit_code == 0)
        exit_code = policy_file_open(ctl, ctl->words[0], trial, EX_DATAERR, &other);
    if (exit_code == 0)
        exit_code = ctl_store(ctl);
    options.in_force = (struct simulate_policy){.policy = in_force.policy, .hash = in_force.hash};
    options.other = (struct simulate_policy){.policy = other.policy, .hash = other.hash, .trial = trial};
    if (exit_code == 0)
        exit_code = print_report(&options);
    policy_file_close(&other);
    policy_file_close(&in_force);
    return exit_code;
}
