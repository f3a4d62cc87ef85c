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

struct message {
    struct text signed_bytes; /* "id.timestamp." and the body */
    struct slice body;        /* borrows signed_bytes */
    char timestamp[MESSAGE_TIMESTAMP_SIZE];
    char signature[MESSAGE_SIGNATURE_SIZE];
};

/* STATUS_REJECT: the stored event is no JSON object. STATUS_FATAL: memory or OpenSSL. Free with message_fini in any case. */
enum status message_compose(struct message *message, const struct endpoint_config *endpoint,
                            const char *event_id, struct slice event, int64_t sequence, int64_t unix_s,
                            struct error *err) WARN_UNUSED;
void message_fini(struct message *message);

#endif
