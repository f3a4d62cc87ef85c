/* SPDX-License-Identifier: PostgreSQL */
/*
 * Hashes, signatures and secrets. The only user of OpenSSL (beside libcurl's TLS).
 *
 * Failures are STATUS_FATAL (OpenSSL or memory failed) unless said otherwise; texts never hold key material.
 * Objects hold no shared state: one thread at a time each; functions without an object may be called from any
 * thread.
 */
#ifndef SHOUWANG_IO_CRYPTO_H
#define SHOUWANG_IO_CRYPTO_H

#include "base/status.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CRYPTO_SHA256_BYTES = 32,
    CRYPTO_SHA256_HEX_SIZE = 65, /* with the terminating zero */
    CRYPTO_ED25519_SEED_BYTES = 32,
    CRYPTO_ED25519_PUBLIC_BYTES = 32,
    CRYPTO_ED25519_SIGNATURE_BYTES = 64,
};

/* SHA-256 (FIPS 180-4), in one go or in pieces. A failure inside crypto_sha256_add is told by
 * crypto_sha256_end. */
struct crypto_sha256;
enum status crypto_sha256(const void *bytes, size_t length, uint8_t digest[CRYPTO_SHA256_BYTES],
                          struct error *err) WARN_UNUSED;
enum status crypto_sha256_new(struct crypto_sha256 **hash, struct error *err) WARN_UNUSED;
void crypto_sha256_add(struct crypto_sha256 *hash, const void *bytes, size_t length);
/* Gives the digest; the object starts anew. */
enum status crypto_sha256_end(struct crypto_sha256 *hash, uint8_t digest[CRYPTO_SHA256_BYTES],
                              struct error *err) WARN_UNUSED;
void crypto_sha256_free(struct crypto_sha256 *hash);

/* HMAC-SHA256 (RFC 2104), with a key of any length that is prepared once. */
struct crypto_hmac;
enum status crypto_hmac_new(struct crypto_hmac **hmac, const void *key, size_t key_length,
                            struct error *err) WARN_UNUSED;
enum status crypto_hmac_compute(struct crypto_hmac *hmac, const void *bytes, size_t length,
                                uint8_t mac[CRYPTO_SHA256_BYTES], struct error *err) WARN_UNUSED;
void crypto_hmac_free(struct crypto_hmac *hmac); /* wipes the key; NULL is allowed */

/* Ed25519 (RFC 8032). A key that cannot be used is STATUS_CONFIG. */
struct crypto_signer;
/* PKCS#8 PEM, unencrypted. */
enum status crypto_signer_from_pem(struct crypto_signer **signer, const char *pem, size_t length,
                                   struct error *err) WARN_UNUSED;
enum status crypto_signer_from_seed(struct crypto_signer **signer,
                                    const uint8_t seed[CRYPTO_ED25519_SEED_BYTES],
                                    struct error *err) WARN_UNUSED;
void crypto_signer_free(struct crypto_signer *signer); /* NULL is allowed */
enum status crypto_sign(const struct crypto_signer *signer, const void *bytes, size_t length,
                        uint8_t signature[CRYPTO_ED25519_SIGNATURE_BYTES], struct error *err) WARN_UNUSED;
enum status crypto_signer_public(const struct crypto_signer *signer, uint8_t key[CRYPTO_ED25519_PUBLIC_BYTES],
                                 struct error *err) WARN_UNUSED;
/* False for a wrong signature and for an unusable key alike. */
bool crypto_verify(const uint8_t key[CRYPTO_ED25519_PUBLIC_BYTES], const void *bytes, size_t length,
                   const uint8_t signature[CRYPTO_ED25519_SIGNATURE_BYTES]);

/* Lower-case hexadecimal; out has room for 2 × length + 1. Returns out. */
const char *crypto_hex(const uint8_t *bytes, size_t length, char *out);

/* Base64 (RFC 4648, clause 4) with padding. */
#define CRYPTO_BASE64_SIZE(length) (((length) + 2) / 3 * 4 + 1) /* with the terminating zero */
const char *crypto_base64_encode(const void *bytes, size_t length, char *out);
/* Strict: padding demanded, no other character, no stray bits behind the end. False also when it is longer
 * than out_size. */
bool crypto_base64_decode(struct slice text, uint8_t *out, size_t out_size, size_t *out_length);

/* Whether length bytes are equal, in a time that does not depend on where they differ. */
bool crypto_equal(const void *a, const void *b, size_t length);
enum status crypto_random(void *out, size_t length, struct error *err) WARN_UNUSED;
/* Overwrites a secret; the compiler does not remove it. NULL with length 0 is allowed. */
void crypto_wipe(void *secret, size_t length);

/* Words for a certificate's verify result (X509_V_ERR_…): "certificate has expired". */
const char *crypto_certificate_error(long verify_result);

#endif
