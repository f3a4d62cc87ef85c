/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/message.h"

#include "io/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Adds "tag,base64" behind a blank if something stands there already. */
static void add_signature(char *out, const char *tag, const uint8_t *bytes, size_t length)
{
    char encoded[CRYPTO_BASE64_SIZE(CRYPTO_ED25519_SIGNATURE_BYTES)];
    size_t used = strlen(out);
    snprintf(out + used, MESSAGE_SIGNATURE_SIZE - used, "%s%s,%s", used ? " " : "", tag,
             crypto_base64_encode(bytes, length, encoded));
}

static enum status sign(struct message *message, const struct endpoint_config *endpoint, struct error *err)
{
    enum status status = STATUS_OK;
    message->signature[0] = '\0';
    const struct text *bytes = &message->signed_bytes;
    for (size_t i = 0; i < endpoint->secret_count && status == STATUS_OK; i++) {
        uint8_t mac[CRYPTO_SHA256_BYTES];
        const struct endpoint_secret *secret = &endpoint->secrets[i];
        status = crypto_hmac_sha256(secret->key, secret->length, bytes->bytes, bytes->length, mac, err);
        if (status == STATUS_OK)
            add_signature(message->signature, "v1", mac, sizeof mac);
    }
    if (status == STATUS_OK && endpoint->signer != NULL) {
        uint8_t signature[CRYPTO_ED25519_SIGNATURE_BYTES];
        status = crypto_sign(endpoint->signer, bytes->bytes, bytes->length, signature, err);
        if (status == STATUS_OK)
            add_signature(message->signature, "v1a", signature, sizeof signature);
    }
    return status;
}

enum status message_compose(struct message *message, const struct endpoint_config *endpoint,
                            const char *event_id, struct slice event, int64_t sequence, int64_t unix_s,
                            struct error *err)
{
    text_init(&message->signed_bytes);
    if (event.length < 2 || event.bytes[0] != '{' || event.bytes[1] == '}')
        return error_set(err, STATUS_REJECT, "outbox event %s is no JSON object with members", event_id);
    struct text *bytes = &message->signed_bytes;
    snprintf(message->timestamp, sizeof message->timestamp, "%" PRId64, unix_s);
    text_printf(bytes, "%s.%s.", event_id, message->timestamp);
    size_t head = bytes->length;
    text_printf(bytes, "{\"sequence\":\"%020" PRId64 "\",", sequence);
    text_add(bytes, event.bytes + 1, event.length - 1);
    if (bytes->failed)
        return error_set(err, STATUS_FATAL, "out of memory");
    message->body = (struct slice){bytes->bytes + head, bytes->length - head};
    return sign(message, endpoint, err);
}

void message_fini(struct message *message)
{
    text_fini(&message->signed_bytes);
}
