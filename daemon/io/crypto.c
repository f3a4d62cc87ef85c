/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io/crypto.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct crypto_sha256 {
    EVP_MD_CTX *context;
    bool failed;
};

struct crypto_signer {
    EVP_PKEY *key;
};

/* OpenSSL's own texts are left out: the queue may name files and inputs. */
static enum status openssl_failed(struct error *err, const char *what)
{
    ERR_clear_error();
    return error_set(err, STATUS_FATAL, "OpenSSL could not %s", what);
}

/* ---- hashes ---- */

enum status crypto_sha256(const void *bytes, size_t length, uint8_t digest[CRYPTO_SHA256_BYTES],
                          struct error *err)
{
    if (EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL) != 1)
        return openssl_failed(err, "compute SHA-256");
    return STATUS_OK;
}

enum status crypto_sha256_new(struct crypto_sha256 **hash, struct error *err)
{
    struct crypto_sha256 *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    made->context = EVP_MD_CTX_new();
    if (made->context == NULL || EVP_DigestInit_ex(made->context, EVP_sha256(), NULL) != 1) {
        crypto_sha256_free(made);
        return openssl_failed(err, "start SHA-256");
    }
    *hash = made;
    return STATUS_OK;
}

void crypto_sha256_add(struct crypto_sha256 *hash, const void *bytes, size_t length)
{
    if (!hash->failed && length > 0 && EVP_DigestUpdate(hash->context, bytes, length) != 1)
        hash->failed = true;
}

enum status crypto_sha256_end(struct crypto_sha256 *hash, uint8_t digest[CRYPTO_SHA256_BYTES],
                              struct error *err)
{
    if (!hash->failed && EVP_DigestFinal_ex(hash->context, digest, NULL) != 1)
        hash->failed = true;
    const bool failed = hash->failed;
    hash->failed = EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1;
    if (failed)
        return openssl_failed(err, "compute SHA-256");
    return STATUS_OK;
}

void crypto_sha256_free(struct crypto_sha256 *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->context);
    free(hash);
}

struct crypto_hmac {
    EVP_MAC_CTX *context;
};

enum status crypto_hmac_new(struct crypto_hmac **hmac, const void *key, size_t key_length, struct error *err)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    struct crypto_hmac *made = calloc(1, sizeof *made);
    if (made == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac != NULL)
        made->context = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac); /* the context holds it */
    /* A NULL key would mean "the last one". */
    if (made->context == NULL ||
        EVP_MAC_init(made->context, key_length > 0 ? key : (const void *)"", key_length, params) != 1) {
        crypto_hmac_free(made);
        return openssl_failed(err, "start HMAC-SHA256");
    }
    *hmac = made;
    return STATUS_OK;
}

enum status crypto_hmac_compute(struct crypto_hmac *hmac, const void *bytes, size_t length,
                                uint8_t mac[CRYPTO_SHA256_BYTES], struct error *err)
{
    size_t written = 0;
    if (EVP_MAC_init(hmac->context, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(hmac->context, bytes, length) != 1 ||
        EVP_MAC_final(hmac->context, mac, &written, CRYPTO_SHA256_BYTES) != 1)
        return openssl_failed(err, "compute HMAC-SHA256");
    return STATUS_OK;
}

void crypto_hmac_free(struct crypto_hmac *hmac)
{
    if (hmac == NULL)
        return;
    EVP_MAC_CTX_free(hmac->context);
    free(hmac);
}

/* ---- Ed25519 ---- */

static enum status signer_make(struct crypto_signer **signer, EVP_PKEY *key, struct error *err)
{
    struct crypto_signer *made = calloc(1, sizeof *made);
    if (made == NULL) {
        EVP_PKEY_free(key);
        return error_set(err, STATUS_FATAL, "out of memory");
    }
    made->key = key;
    *signer = made;
    return STATUS_OK;
}

/* Without this OpenSSL would ask for a passphrase on the terminal. */
static int refuse_passphrase(char *buffer, int size, int writing, void *ctx)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

enum status crypto_signer_from_pem(struct crypto_signer **signer, const char *pem, size_t length,
                                   struct error *err)
{
    if (length > INT32_MAX)
        return error_set(err, STATUS_CONFIG, "a signing key of %zu bytes is too long", length);
    BIO *memory = BIO_new_mem_buf(pem, (int)length);
    if (memory == NULL)
        return openssl_failed(err, "read a signing key");
    EVP_PKEY *key = PEM_read_bio_PrivateKey(memory, NULL, refuse_passphrase, NULL);
    BIO_free(memory);
    ERR_clear_error();
    if (key == NULL)
        return error_set(err, STATUS_CONFIG, "not a private key in PEM form without a passphrase");
    if (!EVP_PKEY_is_a(key, "ED25519")) {
        EVP_PKEY_free(key);
        return error_set(err, STATUS_CONFIG, "the private key is of another kind: expected Ed25519");
    }
    return signer_make(signer, key, err);
}

enum status crypto_signer_from_seed(struct crypto_signer **signer,
                                    const uint8_t seed[CRYPTO_ED25519_SEED_BYTES], struct error *err)
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, CRYPTO_ED25519_SEED_BYTES);
    if (key == NULL)
        return openssl_failed(err, "make an Ed25519 key");
    return signer_make(signer, key, err);
}

void crypto_signer_free(struct crypto_signer *signer)
{
    if (signer == NULL)
        return;
    EVP_PKEY_free(signer->key);
    free(signer);
}

enum status crypto_sign(const struct crypto_signer *signer, const void *bytes, size_t length,
                        uint8_t signature[CRYPTO_ED25519_SIGNATURE_BYTES], struct error *err)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t signature_length = CRYPTO_ED25519_SIGNATURE_BYTES;
    const bool done = context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, signer->key) == 1 &&
                      EVP_DigestSign(context, signature, &signature_length, bytes, length) == 1;
    EVP_MD_CTX_free(context);
    if (!done)
        return openssl_failed(err, "sign with Ed25519");
    return STATUS_OK;
}

enum status crypto_signer_public(const struct crypto_signer *signer, uint8_t key[CRYPTO_ED25519_PUBLIC_BYTES],
                                 struct error *err)
{
    size_t length = CRYPTO_ED25519_PUBLIC_BYTES;
    if (EVP_PKEY_get_raw_public_key(signer->key, key, &length) != 1)
        return openssl_failed(err, "derive a public key");
    return STATUS_OK;
}

bool crypto_verify(const uint8_t key[CRYPTO_ED25519_PUBLIC_BYTES], const void *bytes, size_t length,
                   const uint8_t signature[CRYPTO_ED25519_SIGNATURE_BYTES])
{
    EVP_PKEY *public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, CRYPTO_ED25519_PUBLIC_BYTES);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const bool good =
        public != NULL && context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, public) == 1 &&
        EVP_DigestVerify(context, signature, CRYPTO_ED25519_SIGNATURE_BYTES, bytes, length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(public);
    ERR_clear_error();
    return good;
}

/* ---- texts ---- */

const char *crypto_hex(const uint8_t *bytes, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
    return out;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const char *crypto_base64_encode(const void *bytes, size_t length, char *out)
{
    const uint8_t *in = bytes;
    char *to = out;
    for (size_t i = 0; i < length; i += 3) {
        const size_t have = length - i < 3 ? length - i : 3;
        const uint32_t group = (uint32_t)in[i] << 16 | (have > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                               (have > 2 ? (uint32_t)in[i + 2] : 0);
        *to++ = base64_digits[group >> 18];
        *to++ = base64_digits[group >> 12 & 63];
        *to++ = have > 1 ? base64_digits[group >> 6 & 63] : '=';
        *to++ = have > 2 ? base64_digits[group & 63] : '=';
    }
    *to = '\0';
    return out;
}

/* The digit's value, 64 for everything else. */
static uint32_t base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool crypto_base64_decode(struct slice text, uint8_t *out, size_t out_size, size_t *out_length)
{
    const size_t length = text.length;
    if (length % 4 != 0)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < length && text.bytes[length - 1 - padding] == '=')
        padding++;
    const size_t bytes = length / 4 * 3 - padding;
    if (bytes > out_size)
        return false;
    uint32_t group = 0;
    size_t written = 0;
    for (size_t i = 0; i < length; i++) {
        const uint32_t value = i < length - padding ? base64_value(text.bytes[i]) : 0;
        if (value > 63)
            return false;
        group = group << 6 | value;
        if (i % 4 != 3)
            continue;
        for (unsigned shift = 24; shift > 0 && written < bytes;)
            out[written++] = (uint8_t)(group >> (shift -= 8));
        /* Bits behind the last byte would make two texts of one value. */
        if (i + 1 == length && (group & ((1U << 8 * padding) - 1)) != 0)
            return false;
        group = 0;
    }
    *out_length = bytes;
    return true;
}

/* ---- secrets ---- */

bool crypto_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

enum status crypto_random(void *out, size_t length, struct error *err)
{
    /* The kernel's generator itself: no state of ours to seed, fork or leak. */
    for (size_t done = 0; done < length;) {
        const ssize_t got = getrandom((char *)out + done, length - done, 0);
        if (got < 0 && errno != EINTR)
            return error_set(err, STATUS_FATAL, "the kernel gives no random bytes: %s", strerror(errno));
        done += got > 0 ? (size_t)got : 0;
    }
    return STATUS_OK;
}

void crypto_wipe(void *secret, size_t length)
{
    if (length > 0)
        OPENSSL_cleanse(secret, length);
}

const char *crypto_certificate_error(long verify_result)
{
    return X509_verify_cert_error_string(verify_result);
}
