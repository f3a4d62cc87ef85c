/* SPDX-License-Identifier: PostgreSQL */
/*
 * Evaluation alone: a policy's compiled program, the same scheme in C by hand, and the program household by household, over the
 * same blocks in memory.
 *   bench/evaluation/evaluate POLICY HOUSEHOLDS ROUNDS [POLICY...]
 * POLICY must be the Shaanxi county scheme. First every household's outcomes of the three are compared: level, clauses that
 * fired, are undecided, are denied, and the statistics; one difference, and the program fails, having shown the first. Then
 * they take turns; the best of the rounds counts, in processor time. At last each policy is compiled as often.
 *
 *   machine     policy_run_evaluate, as a round calls it: columns, 1,024 households at a time
 *   by hand     by_hand.c
 *   one by one  policy_run_evaluate again, called for each household: the same program, row at a time
 */
#include "config.h"

#include "base/clock.h"
#include "by_hand.h"
#include "households.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SEED = 5, TEXT_MAX = 1 << 20, WAYS = 3 };

static _Noreturn void fail(const struct error *err)
{
    fprintf(stderr, "evaluate: %s\n", err->text);
    exit(status_exit_code(err->status));
}

static int64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct bench {
    struct dictionary *dictionary;
    struct policy *policy;
    struct policy_run *run;
    struct by_hand *hand;
    struct households households;
    struct policy_outcome *outcomes[WAYS]; /* of one block */
};

static size_t read_text(const char *path, char *text)
{
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(text, 1, TEXT_MAX, file) : 0;
    if (file)
        fclose(file);
    if (length > 0)
        return length;
    fprintf(stderr, "evaluate: %s cannot be read\n", path);
    exit(66);
}

static struct policy *compile(const struct dictionary *dictionary, const char *path, const char *text,
                              size_t length)
{
    struct error err;
    struct policy *policy;
    struct policy_diagnostics diagnostics;
    struct arena *arena = arena_new(0);
    if (!arena || policy_compile(path, text, length, dictionary, arena, &diagnostics, &policy, &err))
        fail(&err);
    arena_free(arena);
    return policy;
}

/* --- the three ways ----------------------------------------------------------------------------------------------------- */

static void by_machine(struct bench *bench, const struct policy_block *block, struct policy_outcome *outcomes)
{
    struct error err;
    if (policy_run_evaluate(bench->run, block, outcomes, &err))
        fail(&err);
}

static void by_hand(struct bench *bench, const struct policy_block *block, struct policy_outcome *outcomes)
{
    by_hand_evaluate(bench->hand, block, outcomes);
}

static void one_by_one(struct bench *bench, const struct policy_block *block, struct policy_outcome *outcomes)
{
    struct policy_block one = *block;
    one.household_count = 1;
    for (size_t i = 0; i < block->household_count; i++) {
        one.urban = block->urban + i;
        one.person_begin = block->person_begin + i;
        one.household_fact_begin = block->household_fact_begin + i;
        by_machine(bench, &one, outcomes + i);
    }
}

static const struct {
    const char *name;
    void (*evaluate)(struct bench *bench, const struct policy_block *block, struct policy_outcome *outcomes);
} ways[WAYS] = {{"machine", by_machine}, {"by hand", by_hand}, {"one by one", one_by_one}};

/* --- do they agree? ------------------------------------------------------------------------------------------------------- */

static bool same(const struct policy_outcome *a, const struct policy_outcome *b)
{
    return a->level == b->level && a->fired == b->fired && a->undecided == b->undecided &&
           a->denied == b->denied && a->statistics == b->statistics;
}

static void print_outcome(const struct bench *bench, const char *name, const struct policy_outcome *outcome)
{
    fprintf(stderr, "  %-10s %s, statistics %x:", name, policy_level_name((enum policy_level)outcome->level),
            (unsigned)outcome->statistics);
    for (size_t i = 0; i < policy_clause_count(bench->policy); i++) {
        bool fired = outcome->fired >> i & 1, undecided = outcome->undecided >> i & 1,
             denied = outcome->denied >> i & 1;
        if (!denied)
            fprintf(stderr, " %s%s", policy_clause_at(bench->policy, i)->name,
                    fired       ? ""
                    : undecided ? " (undecided, with evidence)"
                                : " (undecided)");
    }
    fputc('\n', stderr);
}

struct tally {
    size_t fired[POLICY_CLAUSES_MAX], undecided[POLICY_CLAUSES_MAX], levels[LEVEL_RED + 1];
};

static void count(struct tally *tally, const struct policy_outcome *outcome)
{
    tally->levels[outcome->level]++;
    for (size_t i = 0; i < POLICY_CLAUSES_MAX; i++) {
        tally->fired[i] += outcome->fired >> i & 1;
        tally->undecided[i] += outcome->undecided >> i & 1;
    }
}

static void compare(struct bench *bench)
{
    struct tally tally = {0};
    for (size_t b = 0; b < bench->households.block_count; b++) {
        const struct policy_block *block = &bench->households.blocks[b];
        for (size_t way = 0; way < WAYS; way++)
            ways[way].evaluate(bench, block, bench->outcomes[way]);
        for (size_t i = 0; i < block->household_count; i++) {
            count(&tally, &bench->outcomes[0][i]);
            for (size_t way = 1; way < WAYS; way++) {
                if (same(&bench->outcomes[0][i], &bench->outcomes[way][i]))
                    continue;
                fprintf(stderr, "evaluate: household %zu of block %zu:\n", i, b);
                print_outcome(bench, ways[0].name, &bench->outcomes[0][i]);
                print_outcome(bench, ways[way].name, &bench->outcomes[way][i]);
                exit(70);
            }
        }
    }
    printf("%zu households, %zu persons, %zu facts; the three agree on every household\n",
           bench->households.count, bench->households.persons, bench->households.facts);
    for (int level = LEVEL_RED; level >= LEVEL_NONE; level--)
        printf("%s %zu%s", policy_level_name((enum policy_level)level), tally.levels[level],
               level ? ", " : "\n");
    for (size_t i = 0; i < policy_clause_count(bench->policy); i++)
        printf("  %-28s fired %7zu  undecided with evidence %7zu\n", policy_clause_at(bench->policy, i)->name,
               tally.fired[i], tally.undecided[i]);
}

/* --- how long do they take? ----------------------------------------------------------------------------------------------- */

static int64_t measure(struct bench *bench, size_t way)
{
    int64_t began_ns = processor_ns();
    for (size_t b = 0; b < bench->households.block_count; b++)
        ways[way].evaluate(bench, &bench->households.blocks[b], bench->outcomes[way]);
    return processor_ns() - began_ns;
}

static void measure_ways(struct bench *bench, int rounds)
{
    int64_t best[WAYS];
    for (int round = 0; round < rounds; round++)
        for (size_t way = 0; way < WAYS; way++) {
            int64_t ns = measure(bench, way);
            best[way] = round == 0 || ns < best[way] ? ns : best[way];
        }
    for (size_t way = 0; way < WAYS; way++)
        printf("%-12s %8.1f ms  %6.1f ns a household   x %.2f by hand\n", ways[way].name,
               (double)best[way] / 1e6, (double)best[way] / (double)bench->households.count,
               (double)best[way] / (double)best[1]);
}

static void measure_compilation(const struct bench *bench, const char *path, int rounds)
{
    char *text = malloc(TEXT_MAX);
    if (!text)
        exit(71);
    size_t length = read_text(path, text);
    int64_t best = INT64_MAX;
    for (int round = 0; round < rounds; round++) {
        int64_t began_ns = processor_ns();
        policy_free(compile(bench->dictionary, path, text, length));
        int64_t ns = processor_ns() - began_ns;
        best = ns < best ? ns : best;
    }
    const char *name = strrchr(path, '/');
    printf("compiled     %8.2f ms  %s\n", (double)best / 1e6, name ? name + 1 : path);
    free(text);
}

static void check_clauses(const struct policy *policy)
{
    size_t i = 0;
    for (; by_hand_clauses[i]; i++)
        if (policy_clause_on(policy, by_hand_clauses[i], DAY_NONE) != (int)i)
            break;
    if (!by_hand_clauses[i] && policy_clause_count(policy) == i)
        return;
    fprintf(stderr, "evaluate: not the Shaanxi county scheme\n");
    exit(65);
}

static void set_up(struct bench *bench, const char *path, size_t household_count)
{
    struct error err;
    size_t code_count;
    char *text = malloc(TEXT_MAX);
    bench->dictionary = dictionary_new();
    if (!bench->dictionary || !text)
        exit(71);
    if (dictionary_add_base(bench->dictionary, &err))
        fail(&err);
    bench->policy = compile(bench->dictionary, path, text, read_text(path, text));
    free(text);
    check_clauses(bench->policy);
    const int16_t *codes = policy_codes(bench->policy, &code_count);
    if (policy_run_new(bench->policy, HOUSEHOLDS_AS_OF, &bench->run, &err))
        fail(&err);
    bench->hand = by_hand_new(codes, code_count, HOUSEHOLDS_AS_OF);
    households_make(&bench->households, household_count, SEED, codes, code_count);
    for (size_t way = 0; way < WAYS; way++)
        if (!(bench->outcomes[way] = calloc(HOUSEHOLDS_BLOCK, sizeof **bench->outcomes)) || !bench->hand)
            exit(71);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    int rounds = argc > 3 ? atoi(argv[3]) : 0;
    if (rounds < 1 || atol(argv[2]) < 1) {
        fprintf(stderr, "usage: evaluate POLICY HOUSEHOLDS ROUNDS [POLICY...]\n");
        return 64;
    }
    set_up(&bench, argv[1], (size_t)atol(argv[2]));
    compare(&bench);
    measure_ways(&bench, rounds);
    for (int i = 4; i < argc; i++)
        measure_compilation(&bench, argv[i], rounds);
    for (size_t way = 0; way < WAYS; way++)
        free(bench.outcomes[way]);
    households_free(&bench.households);
    by_hand_free(bench.hand);
    policy_run_free(bench.run);
    policy_free(bench.policy);
    dictionary_free(bench.dictionary);
    return 0;
}
