/* SPDX-License-Identifier: PostgreSQL */
/*
 * A township's receiver as its configuration describes it (townships.d/CODE.conf): where to send, how to
 * sign, whom to trust, how much to disclose.
 *
 * Made by app/townships when the configuration is loaded, with every secret read and every key parsed, so
 * that sending an event never opens a file. Immutable afterwards; owned by the settings it belongs to, which
 * wipe the secrets when they end.
 *
 * Delivery borrows endpoints until delivery_reconfigure or delivery_free has returned.
 */
#ifndef SHOUWANG_DELIVERY_ENDPOINT_H
#define SHOUWANG_DELIVERY_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crypto_signer;

/* The key that a Standard Webhooks secret (whsec_…) stands for: 24–64 bytes by its specification. */
enum { ENDPOINT_KEY_MIN_BYTES = 24, ENDPOINT_KEY_MAX_BYTES = 64 };
/* The current secret and, during a rotation, the previous one. */
enum { ENDPOINT_SECRETS_MAX = 2 };

struct endpoint_secret {
    uint8_t key[ENDPOINT_KEY_MAX_BYTES];
    size_t length;
};

enum endpoint_disclosure {
    ENDPOINT_MASKED, /* names and identity numbers masked, no address */
    ENDPOINT_NAMED,
};

struct endpoint_config {
    int64_t code;     /* township, 9 digits; the county's own endpoint has the county's 6 */
    const char *file; /* the configuration's path, for messages */
    const char *url;  /* checked by http_client_check_url; http only to loopback unless [delivery] plain_http
                         allows it */
    struct endpoint_secret secrets[ENDPOINT_SECRETS_MAX]; /* [0] is the current one; all of them sign */
    size_t secret_count;                                  /* at least 1 */
    struct crypto_signer *signer;                         /* ed25519, NULL when no key is configured */
    const char *ca_file;                                  /* PEM; NULL = the system's */
    const char *client_cert_file;                         /* PEM; NULL = none */
    const char *client_key_file;                          /* PEM; NULL = none, or in client_cert_file */
    enum endpoint_disclosure disclosure;
    unsigned connections; /* attempts at one time; never 0: [delivery] connections_per_endpoint unless it has
                             its own */
};

#endif
