/* SPDX-License-Identifier: PostgreSQL */
/* Published vectors, strict base64, and keys that cannot be used. */
#include "config.h"

#include "base/random.h"
#include "cases.h"
#include "io/crypto.h"
#include "io_fixture.h"
#include "io_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t from_hex(struct slice hex, uint8_t *out)
{
    for (size_t i = 0; i + 1 < hex.length; i += 2) {
        const char pair[3] = {hex.bytes[i], hex.bytes[i + 1], '\0'};
        out[i / 2] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return hex.length / 2;
}

START_TEST(sha256_gives_the_published_digests)
{
    struct crypto_sha256 *hash;
    struct error err;
    io_ok(crypto_sha256_new(&hash, &err), err);
    struct cases *cases = cases_open("sha256.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        uint8_t message[256], digest[CRYPTO_SHA256_BYTES];
        char hex[CRYPTO_SHA256_HEX_SIZE];
        const size_t length = from_hex(row->cell[0], message);
        const int64_t times = case_number(row, 1);
        for (int64_t i = 0; i < times; i++)
            crypto_sha256_add(hash, message, length);
        io_ok(crypto_sha256_end(hash, digest, &err), err); /* and starts anew */
        ck_assert_msg(case_is(row, 2, crypto_hex(digest, sizeof digest, hex)), "%s: %s", cases_where(cases),
                      hex);
        if (times != 1)
            continue;
        memset(digest, 0, sizeof digest);
        io_ok(crypto_sha256(message, length, digest, &err), err);
        ck_assert_msg(case_is(row, 2, crypto_hex(digest, sizeof digest, hex)), "%s: %s", cases_where(cases),
                      hex);
    }
    cases_close(cases);
    crypto_sha256_free(hash);
}
END_TEST

START_TEST(hmac_gives_the_published_codes)
{
    struct cases *cases = cases_open("hmac_sha256.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct error err;
        uint8_t key[256], message[256], mac[CRYPTO_SHA256_BYTES];
        char hex[CRYPTO_SHA256_HEX_SIZE];
        const size_t key_length = from_hex(row->cell[0], key);
        const size_t length = from_hex(row->cell[1], message);
        struct crypto_hmac *hmac;
        io_ok(crypto_hmac_new(&hmac, key, key_length, &err), err);
        for (int again = 0; again < 2; again++) {
            memset(mac, 0, sizeof mac);
            io_ok(crypto_hmac_compute(hmac, message, length, mac, &err), err);
            ck_assert_msg(case_is(row, 2, crypto_hex(mac, sizeof mac, hex)), "%s: %s", cases_where(cases),
                          hex);
        }
        crypto_hmac_free(hmac);
    }
    cases_close(cases);
}
END_TEST

START_TEST(ed25519_gives_the_published_signatures)
{
    struct cases *cases = cases_open("ed25519.tsv", 5);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct error err;
        struct crypto_signer *signer;
        uint8_t seed[64], expected_key[64], message[64], key[CRYPTO_ED25519_PUBLIC_BYTES];
        uint8_t expected[CRYPTO_ED25519_SIGNATURE_BYTES], signature[CRYPTO_ED25519_SIGNATURE_BYTES];
        from_hex(row->cell[0], seed);
        from_hex(row->cell[1], expected_key);
        const size_t length = from_hex(row->cell[2], message);
        from_hex(row->cell[3], expected);
        io_ok(crypto_signer_from_seed(&signer, seed, &err), err);
        io_ok(crypto_signer_public(signer, key, &err), err);
        ck_assert_msg(memcmp(key, expected_key, sizeof key) == 0, "%s: public key", cases_where(cases));
        io_ok(crypto_sign(signer, message, length, signature, &err), err);
        ck_assert_msg(memcmp(signature, expected, sizeof signature) == 0, "%s: signature",
                      cases_where(cases));
        ck_assert(crypto_verify(key, message, length, signature));
        signature[7] ^= 1;
        ck_assert(!crypto_verify(key, message, length, signature));
        signature[7] ^= 1;
        key[3] ^= 1;
        ck_assert(!crypto_verify(key, message, length, signature));
        crypto_signer_free(signer);
    }
    cases_close(cases);
}
END_TEST

START_TEST(signing_keys_are_read_from_pem_and_others_refused)
{
    /* RFC 8410 10.3. */
    static const char good[] = "-----BEGIN PRIVATE KEY-----\n"
                               "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                               "-----END PRIVATE KEY-----\n";
    static const char *const bad[] = {"", "no key",
                                      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"};
    struct error err;
    struct crypto_signer *signer = NULL;
    uint8_t key[CRYPTO_ED25519_PUBLIC_BYTES];
    char hex[2 * sizeof key + 1];
    io_ok(crypto_signer_from_pem(&signer, good, strlen(good), &err), err);
    io_ok(crypto_signer_public(signer, key, &err), err);
    ck_assert_str_eq(crypto_hex(key, sizeof key, hex),
                     "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    crypto_signer_free(signer);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(crypto_signer_from_pem(&signer, bad[i], strlen(bad[i]), &err), STATUS_CONFIG);
        ck_assert_ptr_null(strstr(err.text, "AAAA"));
    }
    /* A key of another kind. */
    char *folder = io_make_folder();
    char pem[4096];
    struct net_identity *identity = net_identity_new("x", NULL, false);
    net_identity_write(identity, io_path(folder, "c"), io_path(folder, "k"));
    FILE *file = fopen(io_path(folder, "k"), "r");
    const size_t length = fread(pem, 1, sizeof pem, file);
    fclose(file);
    ck_assert_int_eq(crypto_signer_from_pem(&signer, pem, length, &err), STATUS_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "Ed25519"));
    net_identity_free(identity);
    io_remove_folder(folder);
}
END_TEST

START_TEST(base64_is_strict)
{
    struct cases *cases = cases_open("base64.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases));) {
        uint8_t bytes[64], expected[64];
        char text[128];
        size_t length = 0;
        const bool taken = crypto_base64_decode(row->cell[0], bytes, sizeof bytes, &length);
        ck_assert_msg(taken != case_is(row, 1, "refused"), "%s", cases_where(cases));
        if (!taken)
            continue;
        ck_assert_msg(length == from_hex(row->cell[1], expected) && memcmp(bytes, expected, length) == 0,
                      "%s", cases_where(cases));
        ck_assert_msg(case_is(row, 0, crypto_base64_encode(bytes, length, text)), "%s: %s",
                      cases_where(cases), text);
        if (length > 0)
            ck_assert(!crypto_base64_decode(row->cell[0], bytes, length - 1, &length));
    }
    cases_close(cases);
}
END_TEST

START_TEST(base64_of_any_bytes_comes_back)
{
    struct random random;
    random_seed(&random, 99);
    for (size_t length = 0; length < 200; length++) {
        uint8_t bytes[200], back[200];
        char text[CRYPTO_BASE64_SIZE(200)];
        size_t back_length = 0;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)random_next(&random);
        crypto_base64_encode(bytes, length, text);
        ck_assert_uint_eq(strlen(text) + 1, CRYPTO_BASE64_SIZE(length));
        ck_assert(crypto_base64_decode(slice_of(text), back, sizeof back, &back_length));
        ck_assert_uint_eq(back_length, length);
        ck_assert(length == 0 || memcmp(bytes, back, length) == 0);
    }
}
END_TEST

START_TEST(secrets_are_compared_made_and_wiped)
{
    struct error err;
    uint8_t a[600] = {0}, b[600] = {0};
    ck_assert(crypto_equal(a, b, sizeof a));
    b[599] = 1;
    ck_assert(!crypto_equal(a, b, sizeof a));
    ck_assert(crypto_equal(a, b, 599));
    io_ok(crypto_random(a, sizeof a, &err), err);
    io_ok(crypto_random(b, sizeof b, &err), err);
    ck_assert(!crypto_equal(a, b, sizeof a));
    ck_assert(!crypto_equal(a + 300, b + 300, 300));
    crypto_wipe(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        ck_assert_uint_eq(a[i], 0);
    crypto_wipe(NULL, 0);
    ck_assert_ptr_nonnull(strstr(crypto_certificate_error(10), "expired")); /* X509_V_ERR_CERT_HAS_EXPIRED */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_crypto");
    TCase *all = tcase_create("crypto");
    tcase_add_test(all, sha256_gives_the_published_digests);
    tcase_add_test(all, hmac_gives_the_published_codes);
    tcase_add_test(all, ed25519_gives_the_published_signatures);
    tcase_add_test(all, signing_keys_are_read_from_pem_and_others_refused);
    tcase_add_test(all, base64_is_strict);
    tcase_add_test(all, base64_of_any_bytes_comes_back);
    tcase_add_test(all, secrets_are_compared_made_and_wiped);
    suite_add_tcase(suite, all);
    return unit_run(&suite, 1);
}
