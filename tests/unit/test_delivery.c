/* SPDX-License-Identifier: PostgreSQL */
/* What follows from an answer, and what goes over the wire. */
#include "cases.h"

#include "delivery/message.h"
#include "delivery/verdict.h"
#include "io/crypto.h"

#include <stdlib.h>
#include <string.h>

static const struct verdict_terms TERMS = {.retry_first_ms = 1000, .retry_max_ms = 60000};

static struct http_result answer_of(const char *text)
{
    struct http_result result = {.outcome = HTTP_ANSWERED, .status_code = atoi(text)};
    for (int outcome = 0; outcome < HTTP_OUTCOME_COUNT; outcome++)
        if (strcmp(http_outcome_name((enum http_outcome)outcome), text) == 0)
            result = (struct http_result){.outcome = (enum http_outcome)outcome};
    return result;
}

static const char *outcome_name(enum outbox_outcome outcome)
{
    static const char *const names[] = {[OUTBOX_DELIVERED] = "delivered",
                                        [OUTBOX_AGAIN] = "again",
                                        [OUTBOX_FAILED] = "failed",
                                        [OUTBOX_EXPIRED] = "expired",
                                        [OUTBOX_RELEASED] = "released"};
    return names[outcome];
}

/* verdicts.tsv: answer, attempts, refusals before, Retry-After, outcome, holds, pause, why */
START_TEST(each_answer_has_its_verdict)
{
    struct random random;
    random_seed(&random, 1);
    struct cases *cases = cases_open("verdicts.tsv", 8);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct http_result result = answer_of(row->cell[0].bytes);
        result.retry_after_ms = case_number(row, 3);
        struct verdict verdict =
            verdict_of(&result, (int32_t)case_number(row, 1), (int)case_number(row, 2), &TERMS, &random);
        ck_assert_msg(case_is(row, 4, outcome_name(verdict.outcome)), "%s: %s", cases_where(cases),
                      outcome_name(verdict.outcome));
        ck_assert_msg(verdict.hold_endpoint == case_is(row, 5, "yes"), "%s", cases_where(cases));
        ck_assert_msg(verdict.endpoint_pause_ms == case_number(row, 6), "%s", cases_where(cases));
        if (verdict.outcome == OUTBOX_AGAIN && result.retry_after_ms > 0)
            ck_assert_msg(verdict.next_attempt_in_ms >= result.retry_after_ms, "%s", cases_where(cases));
    }
    cases_close(cases);
}
END_TEST

START_TEST(waits_double_up_to_their_bound_with_jitter_around_them)
{
    struct random random;
    random_seed(&random, 7);
    for (int32_t attempts = 1; attempts < 100; attempts++) {
        int64_t base_ms = attempts > 6 ? 60000 : INT64_C(1000) << (attempts - 1);
        if (base_ms > 60000)
            base_ms = 60000;
        for (int i = 0; i < 50; i++) {
            int64_t wait_ms = verdict_backoff_ms(attempts, &TERMS, &random);
            ck_assert_int_ge(wait_ms, base_ms / 2);
            ck_assert_int_le(wait_ms, base_ms / 2 * 3);
        }
    }
}
END_TEST

static void secret_set(struct endpoint_secret *secret, const char *base64)
{
    ck_assert(crypto_base64_decode(slice_of(base64), secret->key, sizeof secret->key, &secret->length));
}

static enum status compose(struct message *message, const struct endpoint_config *endpoint,
                           const char *event_id, const char *event, int64_t sequence, int64_t unix_s)
{
    struct error err;
    struct message_keys keys;
    enum status status = message_prepare(message, event_id, slice_of(event), sequence, &err);
    if (status != STATUS_OK)
        return status;
    ck_assert_int_eq(message_keys_init(&keys, endpoint, &err), STATUS_OK);
    status = message_sign(message, &keys, unix_s, &err);
    message_keys_fini(&keys);
    return status;
}

/* The signatures were computed by the npm package standardwebhooks. */
START_TEST(both_secrets_of_a_rotation_sign)
{
    struct message message;
    struct endpoint_config endpoint = {.secret_count = 2};
    secret_set(&endpoint.secrets[0], "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    secret_set(&endpoint.secrets[1], "C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    ck_assert_int_eq(
        compose(&message, &endpoint, "msg_p5jXN8AQM9LWM0D4loKWxJek", "{\"test\":2432232314}", 42, 1614265330),
        STATUS_OK);
    ck_assert_str_eq(message.timestamp, "1614265330");
    ck_assert(slice_is(message.body, "{\"sequence\":\"00000000000000000042\",\"test\":2432232314}"));
    ck_assert_str_eq(
        message.signature,
        "v1,oo0WR0m9xN6sjAV/aESKdGqJMqcTYsf6sdhnRv9nW4c= v1,ai9buN/GiidsYUc/lV85DMKTHt2bS1YcWySC4fcr/AA=");
    message_fini(&message);
}
END_TEST

START_TEST(an_ed25519_key_signs_beside_the_secret)
{
    struct error err;
    struct message message;
    struct endpoint_config endpoint = {.secret_count = 1};
    uint8_t seed[CRYPTO_ED25519_SEED_BYTES] = {1}, public[CRYPTO_ED25519_PUBLIC_BYTES];
    secret_set(&endpoint.secrets[0], "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    ck_assert_int_eq(crypto_signer_from_seed(&endpoint.signer, seed, &err), STATUS_OK);
    ck_assert_int_eq(crypto_signer_public(endpoint.signer, public, &err), STATUS_OK);
    ck_assert_int_eq(compose(&message, &endpoint, "id", "{\"a\":1}", 1, 1614265330), STATUS_OK);
    const char *v1a = strstr(message.signature, " v1a,");
    ck_assert_ptr_nonnull(v1a);
    uint8_t signature[CRYPTO_ED25519_SIGNATURE_BYTES];
    size_t length = 0;
    ck_assert(crypto_base64_decode(slice_of(v1a + 5), signature, sizeof signature, &length));
    ck_assert(crypto_verify(public, message.signed_bytes.bytes, message.signed_bytes.length, signature));
    message_fini(&message);
    crypto_signer_free(endpoint.signer);
}
END_TEST

START_TEST(an_event_that_is_no_object_is_refused)
{
    static const char *const events[] = {"", "{", "{}", "[1]", "\"text\""};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct message message;
        struct endpoint_config endpoint = {.secret_count = 1, .secrets = {{.length = 24}}};
        ck_assert_int_eq(compose(&message, &endpoint, "id", events[i], 1, 1), STATUS_REJECT);
        message_fini(&message);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("delivery");
    TCase *verdicts = tcase_create("verdicts");
    tcase_add_test(verdicts, each_answer_has_its_verdict);
    tcase_add_test(verdicts, waits_double_up_to_their_bound_with_jitter_around_them);
    suite_add_tcase(suite, verdicts);
    TCase *messages = tcase_create("messages");
    tcase_add_test(messages, both_secrets_of_a_rotation_sign);
    tcase_add_test(messages, an_ed25519_key_signs_beside_the_secret);
    tcase_add_test(messages, an_event_that_is_no_object_is_refused);
    suite_add_tcase(suite, messages);
    return unit_run(&suite, 1);
}
