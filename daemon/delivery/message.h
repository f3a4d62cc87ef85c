/* SPDX-License-Identifier: PostgreSQL */
/*
 * One webhook: the body as it goes over the wire, and its headers (Standard Webhooks 1.0: webhook-id, webhook-timestamp,
 * webhook-signature).
 *
 * The body is the stored event with its sequence put in as its first member, so it is the same, byte by byte, on every
 * attempt; time stamp and signature are each attempt's own. Signed are "id.timestamp.body": v1 is HMAC-SHA256 with each of
 * the endpoint's secrets (two during a rotation), v1a is ed25519 if the endpoint has a key.
 */
#ifndef SHOUWANG_DELIVERY_MESSAGE_H
#define SHOUWANG_DELIVERY_MESSAGE_H

#include "base/status.h"
#include "base/text.h"
#include "delivery/endpoint.h"

#include <stdint.h>

enum {
    MESSAGE_TIMESTAMP_SIZE = 24,
    /* two v1 of 47 characters, one v1a of 92, blanks, and the end */
    MESSAGE_SIGNATURE_SIZE = 256,
};

struct crypto_hmac;

/* An endpoint's keys, prepared once for all its messages. */
struct message_keys {
    struct crypto_hmac *macs[ENDPOINT_SECRETS_MAX];
    size_t mac_count;
    const struct crypto_signer *signer; /* borrowed from the endpoint; NULL = none */
};
/* STATUS_FATAL: memory or OpenSSL; nothing is to be freed then. */
enum status message_keys_init(struct message_keys *keys, const struct endpoint_config *endpoint,
                              struct error *err) WARN_UNUSED;
void message_keys_fini(struct message_keys *keys); /* zeroed keys are allowed */

struct message {
    struct text signed_bytes; /* "id.timestamp." and the body */
    size_t time_at;           /* where the time stamp stands in them */
    struct slice body;        /* borrows signed_bytes */
    char timestamp[MESSAGE_TIMESTAMP_SIZE];
    char signature[MESSAGE_SIGNATURE_SIZE];
};

/* What is the same on every attempt: the body. Copies the event. STATUS_REJECT: it is no JSON object. STATUS_FATAL: memory.
 * Free with message_fini in any case. */
enum status message_prepare(struct message *message, const char *event_id, struct slice event,
                            int64_t sequence, struct error *err) WARN_UNUSED;
/* Time stamp and signature of an attempt at unix_s (10 digits: until 2286). STATUS_FATAL: OpenSSL. */
enum status message_sign(struct message *message, const struct message_keys *keys, int64_t unix_s,
                         struct error *err) WARN_UNUSED;
void message_fini(struct message *message);

#endif
