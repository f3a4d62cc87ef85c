/* SPDX-License-Identifier: PostgreSQL */
/*
 * One full round as the daemon does it, in a process of its own, so that its peak of memory and its processor time are its own:
 *
 *     round_once CONNINFO POLICY YYYY-MM-DD [--dry-run]
 *
 * Prints one JSON document: wall and processor time of round_execute, the process' peak of resident memory, and the
 * round's report. bench/round.mjs runs it.
 */
#include "base/arena.h"
#include "base/civil.h"
#include "base/clock.h"
#include "io/crypto.h"
#include "policy/policy.h"
#include "round/round.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { POLICY_MAX_BYTES = 1 << 20 };

static int fail(const char *what, const struct error *err)
{
    fprintf(stderr, "round_once: %s: %s\n", what, err == NULL ? "cannot be read" : err->text);
    return EXIT_FAILURE;
}

static int64_t cpu_us(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

/* VmHWM: of this program alone, where getrusage would tell the peak of whoever started it. */
static int64_t peak_bytes(void)
{
    char line[128];
    long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %lld", &kib) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kib * 1024;
}

static enum status compile(const char *path, struct dictionary *dictionary, struct arena *arena,
                           struct policy **policy, char hash[CRYPTO_SHA256_HEX_SIZE], struct error *err)
{
    struct policy_diagnostics diagnostics;
    unsigned char digest[CRYPTO_SHA256_BYTES];
    char *text = arena_alloc(arena, POLICY_MAX_BYTES);
    FILE *file = fopen(path, "r");
    size_t length = file == NULL || text == NULL ? 0 : fread(text, 1, POLICY_MAX_BYTES, file);
    if (file != NULL)
        fclose(file);
    if (length == 0)
        return error_set(err, STATUS_CONFIG, "%s cannot be read", path);
    enum status status = crypto_sha256(text, length, digest, err);
    crypto_hex(digest, sizeof digest, hash);
    if (status == STATUS_OK)
        status = policy_compile(path, text, length, dictionary, arena, &diagnostics, policy, err);
    return status;
}

static int run(const struct round_options *options)
{
    struct error err = {0};
    struct round_report report;
    struct text json;
    round_report_init(&report);
    text_init(&json);
    int64_t wall = clock_monotonic_us(), cpu = cpu_us();
    enum status status = round_execute(options, NULL, &report, &err);
    wall = clock_monotonic_us() - wall;
    cpu = cpu_us() - cpu;
    if (status == STATUS_OK)
        status = round_report_json(&report, &json, &err);
    if (status == STATUS_OK)
        printf("{\"wall_us\":%lld,\"cpu_us\":%lld,\"peak_bytes\":%lld,\"report\":%s}\n", (long long)wall,
               (long long)cpu, (long long)peak_bytes(), json.bytes);
    text_fini(&json);
    round_report_fini(&report);
    return status == STATUS_OK ? EXIT_SUCCESS : fail("round", &err);
}

int main(int argc, char **argv)
{
    struct error err = {0};
    char hash[CRYPTO_SHA256_HEX_SIZE];
    struct policy *policy = NULL;
    day_t as_of;
    if (argc < 4 || argc > 5 || !civil_parse(slice_of(argv[3]), &as_of) ||
        (argc == 5 && strcmp(argv[4], "--dry-run") != 0)) {
        fprintf(stderr, "usage: round_once CONNINFO POLICY YYYY-MM-DD [--dry-run]\n");
        return EXIT_FAILURE;
    }
    struct arena *arena = arena_new(0);
    struct dictionary *dictionary = dictionary_new();
    if (arena == NULL || dictionary == NULL || dictionary_add_base(dictionary, &err) != STATUS_OK)
        return fail("dictionary", &err);
    if (compile(argv[2], dictionary, arena, &policy, hash, &err) != STATUS_OK)
        return fail("policy", &err);
    const struct round_options options = {
        .conninfo = argv[1],
        .policy = policy,
        .policy_hash = hash,
        .dictionary = dictionary,
        .county_code = 610922,
        .as_of = as_of,
        .cause = "operator",
        .actor = "bench",
        .dry_run = argc == 5,
        .full = true,
    };
    int status = run(&options);
    policy_free(policy);
    dictionary_free(dictionary);
    arena_free(arena);
    return status;
}
