/* SPDX-License-Identifier: PostgreSQL */
#include "delivery/message.h"

#include "io/crypto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum status message_keys_init(struct message_keys *keys, const struct endpoint_config *endpoint,
                              struct error *err)
{
    *keys = (struct message_keys){.signer = endpoint->signer};
    for (size_t i = 0; i < endpoint->secret_count; i++) {
        const struct endpoint_secret *secret = &endpoint->secrets[i];
        enum status status = crypto_hmac_new(&keys->macs[i], secret->key, secret->length, err);
        if (status != STATUS_OK) {
            message_keys_fini(keys);
            return status;
        }
        keys->mac_count++;
    }
    return STATUS_OK;
}

void message_keys_fini(struct message_keys *keys)
{
    for (size_t i = 0; i < keys->mac_count; i++)
        crypto_hmac_free(keys->macs[i]);
    *keys = (struct message_keys){0};
}

/* Adds "tag,base64" behind a blank if something stands there already. */
static void add_signature(char *out, const char *tag, const uint8_t *bytes, size_t length)
{
    char encoded[CRYPTO_BASE64_SIZE(CRYPTO_ED25519_SIGNATURE_BYTES)];
    size_t used = strlen(out);
    snprintf(out + used, MESSAGE_SIGNATURE_SIZE - used, "%s%s,%s", used ? " " : "", tag,
             crypto_base64_encode(bytes, length, encoded));
}

/* Room for the time stamp, which comes with the attempt. */
static const char no_time[] = "0000000000";

enum status message_prepare(struct message *message, const char *event_id, struct slice event,
                            int64_t sequence, struct error *err)
{
    text_init(&message->signed_bytes);
    if (event.length < 2 || event.bytes[0] != '{' || event.bytes[1] == '}')
        return error_set(err, STATUS_REJECT, "outbox event %s is no JSON object with members", event_id);
    struct text *bytes = &message->signed_bytes;
    text_printf(bytes, "%s.%s.{\"sequence\":\"%020" PRId64 "\",", event_id, no_time, sequence);
    text_add(bytes, event.bytes + 1, event.length - 1);
    if (bytes->failed)
        return error_set(err, STATUS_FATAL, "out of memory");
    message->time_at = strlen(event_id) + 1;
    size_t head = message->time_at + sizeof no_time;
    message->body = (struct slice){bytes->bytes + head, bytes->length - head};
    return STATUS_OK;
}

enum status message_sign(struct message *message, const struct message_keys *keys, int64_t unix_s,
                         struct error *err)
{
    enum status status = STATUS_OK;
    const struct text *bytes = &message->signed_bytes;
    snprintf(message->timestamp, sizeof message->timestamp, "%0*" PRId64, (int)sizeof no_time - 1, unix_s);
    memcpy(bytes->bytes + message->time_at, message->timestamp, sizeof no_time - 1);
    message->signature[0] = '\0';
    for (size_t i = 0; i < keys->mac_count && status == STATUS_OK; i++) {
        uint8_t mac[CRYPTO_SHA256_BYTES];
        status = crypto_hmac_compute(keys->macs[i], bytes->bytes, bytes->length, mac, err);
        if (status == STATUS_OK)
            add_signature(message->signature, "v1", mac, sizeof mac);
    }
    if (status == STATUS_OK && keys->signer != NULL) {
        uint8_t signature[CRYPTO_ED25519_SIGNATURE_BYTES];
        status = crypto_sign(keys->signer, bytes->bytes, bytes->length, signature, err);
        if (status == STATUS_OK)
            add_signature(message->signature, "v1a", signature, sizeof signature);
    }
    return status;
}

void message_fini(struct message *message)
{
    text_fini(&message->signed_bytes);
}
