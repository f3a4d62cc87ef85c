/* SPDX-License-Identifier: PostgreSQL */
/*
 * A policy: compiled, shown, its examples run; then run over households with every kind of value there is, and explained: the
 * explanation must come to the outcome of the machine.
 */
#include "config.h"

#include "fuzz.h"
#include "policy/policy.h"

#include <string.h>

enum { INPUT_MAX = 48 * 1024, HOUSEHOLDS = 5, PERSONS = 3, FACTS_EACH = 3, CODES_MAX = 64, AS_OF = 18808 };

struct county {
    uint8_t urban[HOUSEHOLDS];
    uint32_t person_begin[HOUSEHOLDS + 1], household_fact_begin[HOUSEHOLDS + 1];
    uint32_t person_fact_begin[HOUSEHOLDS * PERSONS + 1];
    day_t birth[HOUSEHOLDS * PERSONS];
    struct policy_fact household_facts[HOUSEHOLDS * CODES_MAX * FACTS_EACH];
    struct policy_fact person_facts[HOUSEHOLDS * PERSONS * CODES_MAX * FACTS_EACH];
};

static struct dictionary *the_dictionary(void)
{
    static struct dictionary *dictionary;
    struct error err;
    if (!dictionary) {
        dictionary = dictionary_new();
        FUZZ_CHECK(dictionary && dictionary_add_base(dictionary, &err) == STATUS_OK);
    }
    return dictionary;
}

/* splitmix64: the county follows from the policy's text alone. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int64_t value_of(uint64_t *state, const struct fact_code *code)
{
    static const int64_t amounts[] = {FACT_UNKNOWN, 0,      1,       99,
                                      480000,       481000, 1000000, INT64_C(99999999999999)};
    uint64_t number = draw(state);
    switch (code->kind) {
    case FACT_AMOUNT:
        return amounts[number % 8];
    case FACT_RELIEF:
        return amounts[1 + number % 7];
    case FACT_CHOICE:
        return 1 + (int64_t)(number % (unsigned)code->choice_count);
    case FACT_CERTIFICATE:
        return (1 + (int64_t)(number % 7)) * 10 + 1 + (int64_t)(number / 7 % 4);
    case FACT_YESNO:
    case FACT_TEXT:
    case FACT_EVENT:
        break;
    }
    return (int64_t)(number % 2);
}

static size_t add_facts(const struct policy *policy, uint64_t *state, struct policy_fact *facts, size_t count)
{
    size_t codes;
    const int16_t *numbers = policy_codes(policy, &codes);
    for (size_t i = 0; i < codes && i < CODES_MAX; i++)
        for (uint64_t n = draw(state) % (FACTS_EACH + 1); n > 0; n--) {
            day_t from = AS_OF - (day_t)(draw(state) % 900), to = from + (day_t)(draw(state) % 400);
            facts[count] = (struct policy_fact){
                .value = value_of(state, dictionary_by_number(the_dictionary(), numbers[i])),
                .from = draw(state) % 8 ? from : DAY_NONE,
                .to = draw(state) % 3 ? to : DAY_NONE,
                .batch = 1 + (uint32_t)(draw(state) % 3),
                .row = (uint32_t)count,
                .code = (uint16_t)i,
                .source = (uint8_t)(draw(state) % 8),
            };
            if (facts[count].from == DAY_NONE && facts[count].to == DAY_NONE)
                facts[count].to = from;
            count++;
        }
    return count;
}

static struct policy_block make_block(const struct policy *policy, struct county *county, uint64_t state)
{
    size_t of_households = 0, of_persons = 0;
    for (uint32_t i = 0; i < HOUSEHOLDS; i++) {
        county->urban[i] = draw(&state) % 2;
        county->person_begin[i] = i * PERSONS;
        county->household_fact_begin[i] = (uint32_t)of_households;
        of_households = add_facts(policy, &state, county->household_facts, of_households);
        for (uint32_t j = i * PERSONS; j < (i + 1) * PERSONS; j++) {
            county->birth[j] = draw(&state) % 10 ? AS_OF - (day_t)(draw(&state) % 36000) : DAY_NONE;
            county->person_fact_begin[j] = (uint32_t)of_persons;
            of_persons = add_facts(policy, &state, county->person_facts, of_persons);
        }
    }
    county->person_begin[HOUSEHOLDS] = HOUSEHOLDS * PERSONS;
    county->household_fact_begin[HOUSEHOLDS] = (uint32_t)of_households;
    county->person_fact_begin[HOUSEHOLDS * PERSONS] = (uint32_t)of_persons;
    return (struct policy_block){
        .household_count = HOUSEHOLDS,
        .urban = county->urban,
        .person_begin = county->person_begin,
        .birth = county->birth,
        .household_fact_begin = county->household_fact_begin,
        .household_facts = county->household_facts,
        .person_fact_begin = county->person_fact_begin,
        .person_facts = county->person_facts,
    };
}

static void run_policy(const struct policy *policy, uint64_t seed)
{
    struct policy_run *run;
    struct error err;
    struct policy_outcome outcomes[HOUSEHOLDS];
    if (policy_run_new(policy, AS_OF, &run, &err) != STATUS_OK)
        return;
    struct county *county = calloc(1, sizeof *county);
    FUZZ_CHECK(county);
    struct policy_block block = make_block(policy, county, seed);
    FUZZ_CHECK(policy_run_evaluate(run, &block, outcomes, &err) == STATUS_OK);
    for (size_t i = 0; i < HOUSEHOLDS; i++) {
        struct arena *arena = arena_new(0);
        struct policy_explanation explanation;
        FUZZ_CHECK(arena && policy_explain(run, &block, i, arena, &explanation, &err) == STATUS_OK);
        FUZZ_CHECK((outcomes[i].fired & outcomes[i].undecided) == 0 &&
                   (outcomes[i].fired & outcomes[i].denied) == 0);
        FUZZ_CHECK(explanation.outcome.fired == outcomes[i].fired);
        FUZZ_CHECK(explanation.outcome.undecided == outcomes[i].undecided);
        FUZZ_CHECK(explanation.outcome.denied == outcomes[i].denied);
        FUZZ_CHECK(explanation.outcome.level == outcomes[i].level);
        arena_free(arena);
    }
    free(county);
    policy_run_free(run);
}

static void use_policy(const struct policy *policy, struct arena *arena, uint64_t seed)
{
    struct policy_test_result result;
    struct text page;
    struct error err;
    FUZZ_CHECK(policy_test(policy, arena, &result, &err) == STATUS_OK);
    text_init(&page);
    FUZZ_CHECK(policy_show(policy, &page, &err) == STATUS_OK);
    FUZZ_CHECK(policy_show_html(policy, &page, &err) == STATUS_OK);
    text_clear(&page);
    FUZZ_CHECK(policy_format(policy, &page, &err) == STATUS_OK);
    FUZZ_CHECK(utf8_valid(page.bytes, page.length));
    text_fini(&page);
    run_policy(policy, seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > INPUT_MAX)
        return 0;
    struct arena *arena = arena_new(0);
    struct policy_diagnostics diagnostics = {0};
    struct policy *policy = NULL;
    struct error err = {0};
    FUZZ_CHECK(arena);
    enum status status = policy_compile("county.policy", (const char *)bytes, length, the_dictionary(), arena,
                                        &diagnostics, &policy, &err);
    FUZZ_CHECK(status == STATUS_OK || status == STATUS_CONFIG);
    FUZZ_CHECK((status == STATUS_OK) == (policy != NULL));
    FUZZ_CHECK((status == STATUS_OK) == (diagnostics.count == 0) &&
               diagnostics.count <= POLICY_DIAGNOSTICS_MAX);
    for (size_t i = 0; i < diagnostics.count; i++)
        FUZZ_CHECK(diagnostics.items[i].line >= 1 && diagnostics.items[i].column >= 1 &&
                   diagnostics.items[i].text[0]);
    if (policy) {
        uint64_t seed = length;
        for (size_t i = 0; i < length; i++)
            seed = seed * 31 + bytes[i];
        use_policy(policy, arena, seed);
    }
    policy_free(policy);
    arena_free(arena);
    return 0;
}
