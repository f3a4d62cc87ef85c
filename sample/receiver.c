/* SPDX-License-Identifier: PostgreSQL */
/*
 * A demonstration township: takes webhooks, verifies their signatures, and writes one line for each.
 *
 *   shouwang-receiver --listen 127.0.0.1:PORT --secret-file FILE --ledger FILE
 *
 * It shows all that a township's developer must do (Standard Webhooks, symmetric form): take the three headers, refuse a
 * time stamp more than five minutes off, compute HMAC-SHA256 over "id.timestamp.body" with the decoded secret, compare in
 * constant time with each "v1," signature, and remember ids so that a repeat is answered 204 and not handled twice. It
 * shares no code with the daemon, so that its verdict is worth something.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BODY_MAX_BYTES = 1 << 20, /* an event is a few KiB */
    SECRET_MAX_BYTES = 64,    /* Standard Webhooks: 24–64 bytes */
    TOLERANCE_S = 300,        /* Standard Webhooks: five minutes */
    SIGNATURE_TEXT_MAX = 64,  /* base64 of 32 bytes is 44 characters */
};

struct receiver {
    unsigned char secret[SECRET_MAX_BYTES];
    size_t secret_length;
    FILE *ledger;
    char (*seen)[64]; /* ids already handled */
    size_t seen_count, seen_capacity;
};

struct request {
    char *body;
    size_t length;
    bool too_large;
};

static bool secret_read(struct receiver *receiver, const char *path)
{
    char line[256] = "";
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        if (file != NULL)
            fclose(file);
        return false;
    }
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    const char *encoded = strncmp(line, "whsec_", 6) == 0 ? line + 6 : line;
    size_t length = strlen(encoded);
    unsigned char decoded[sizeof line];
    int decoded_length = EVP_DecodeBlock(decoded, (const unsigned char *)encoded, (int)length);
    if (decoded_length <= 0)
        return false;
    size_t padding = (size_t)(length >= 1 && encoded[length - 1] == '=') +
                     (size_t)(length >= 2 && encoded[length - 2] == '=');
    receiver->secret_length = (size_t)decoded_length - padding;
    if (receiver->secret_length > SECRET_MAX_BYTES)
        return false;
    memcpy(receiver->secret, decoded, receiver->secret_length);
    OPENSSL_cleanse(decoded, sizeof decoded);
    OPENSSL_cleanse(line, sizeof line);
    return true;
}

/* The expected "v1,…" signature of id.timestamp.body. */
static bool signature_of(const struct receiver *receiver, const char *id, const char *timestamp,
                         const struct request *request, char out[SIGNATURE_TEXT_MAX])
{
    size_t head = strlen(id) + strlen(timestamp) + 2;
    char *signed_bytes = malloc(head + request->length + 1);
    if (signed_bytes == NULL)
        return false;
    snprintf(signed_bytes, head + 1, "%s.%s.", id, timestamp);
    if (request->length > 0)
        memcpy(signed_bytes + head, request->body, request->length);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int mac_length = 0;
    bool made = HMAC(EVP_sha256(), receiver->secret, (int)receiver->secret_length,
                     (const unsigned char *)signed_bytes, head + request->length, mac, &mac_length) != NULL;
    free(signed_bytes);
    memcpy(out, "v1,", 3);
    return made && EVP_EncodeBlock((unsigned char *)out + 3, mac, (int)mac_length) > 0;
}

static bool signature_listed(const char *listed, const char *expected)
{
    size_t length = strlen(expected);
    for (const char *at = listed; *at != '\0';) {
        size_t item = strcspn(at, " ");
        if (item == length && CRYPTO_memcmp(at, expected, length) == 0)
            return true;
        at += item;
        at += strspn(at, " ");
    }
    return false;
}

/* NULL when the request is genuine, else why it is not. */
static const char *refusal(const struct receiver *receiver, struct MHD_Connection *connection,
                           const struct request *request, const char **id)
{
    *id = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "webhook-id");
    const char *timestamp = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "webhook-timestamp");
    const char *signature = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "webhook-signature");
    if (*id == NULL || timestamp == NULL || signature == NULL || strlen(*id) >= sizeof receiver->seen[0])
        return "headers are missing";
    long long sent_s = strtoll(timestamp, NULL, 10);
    if (llabs((long long)time(NULL) - sent_s) > TOLERANCE_S)
        return "the time stamp is more than five minutes off";
    char expected[SIGNATURE_TEXT_MAX];
    if (!signature_of(receiver, *id, timestamp, request, expected))
        return "the signature cannot be computed";
    return signature_listed(signature, expected) ? NULL : "the signature does not fit";
}

static bool seen_before(struct receiver *receiver, const char *id)
{
    for (size_t i = 0; i < receiver->seen_count; i++)
        if (strcmp(receiver->seen[i], id) == 0)
            return true;
    if (receiver->seen_count == receiver->seen_capacity) {
        size_t capacity = receiver->seen_capacity == 0 ? 1024 : receiver->seen_capacity * 2;
        void *grown = realloc(receiver->seen, capacity * sizeof receiver->seen[0]);
        if (grown == NULL)
            return false;
        receiver->seen = grown;
        receiver->seen_capacity = capacity;
    }
    snprintf(receiver->seen[receiver->seen_count++], sizeof receiver->seen[0], "%s", id);
    return false;
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status, const char *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result judge(struct receiver *receiver, struct MHD_Connection *connection,
                             const struct request *request)
{
    const char *id = NULL;
    const char *why =
        request->too_large ? "the body is too large" : refusal(receiver, connection, request, &id);
    bool repeat = why == NULL && seen_before(receiver, id);
    fprintf(receiver->ledger, "%s\t%s\t%.*s\n", why == NULL ? (repeat ? "repeat" : "verified") : why,
            id == NULL ? "-" : id, (int)request->length, request->length == 0 ? "" : request->body);
    fflush(receiver->ledger);
    return why == NULL ? answer(connection, MHD_HTTP_NO_CONTENT, "")
                       : answer(connection, MHD_HTTP_UNAUTHORIZED, why);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_length, void **state)
{
    (void)url;
    (void)version;
    struct request *request = *state;
    if (request == NULL) {
        *state = calloc(1, sizeof *request);
        return *state == NULL ? MHD_NO : MHD_YES;
    }
    if (strcmp(method, "POST") != 0)
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "POST alone");
    if (*upload_length == 0)
        return judge(context, connection, request);
    if (request->length + *upload_length > BODY_MAX_BYTES) {
        request->too_large = true;
    } else {
        char *grown = realloc(request->body, request->length + *upload_length);
        if (grown == NULL)
            return MHD_NO;
        memcpy(grown + request->length, upload, *upload_length);
        request->body = grown;
        request->length += *upload_length;
    }
    *upload_length = 0;
    return MHD_YES;
}

static void finish(void *context, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    struct request *request = *state;
    if (request != NULL)
        free(request->body);
    free(request);
    *state = NULL;
}

static bool address_parse(const char *text, struct sockaddr_in *address)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    long port = strtol(colon + 1, NULL, 10);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return port > 0 && port < 65536 && inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

static int serve(struct receiver *receiver, const struct sockaddr_in *address)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    struct MHD_Daemon *server =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL, handle, receiver,
                         MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)address, MHD_OPTION_NOTIFY_COMPLETED,
                         finish, NULL, MHD_OPTION_CONNECTION_TIMEOUT, 30U, MHD_OPTION_END);
    if (server == NULL) {
        fprintf(stderr, "shouwang-receiver: cannot listen: %s\n", strerror(errno));
        return 69;
    }
    int signal_number = 0;
    sigwait(&ends, &signal_number);
    MHD_stop_daemon(server);
    return 0;
}

int main(int argc, char **argv)
{
    const char *listen = NULL, *secret_file = NULL, *ledger = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--listen") == 0)
            listen = argv[i + 1];
        else if (strcmp(argv[i], "--secret-file") == 0)
            secret_file = argv[i + 1];
        else if (strcmp(argv[i], "--ledger") == 0)
            ledger = argv[i + 1];
    }
    struct sockaddr_in address;
    if (argc != 7 || listen == NULL || secret_file == NULL || ledger == NULL ||
        !address_parse(listen, &address)) {
        fputs("usage: shouwang-receiver --listen ADDRESS:PORT --secret-file FILE --ledger FILE\n", stderr);
        return 64;
    }
    struct receiver receiver = {0};
    if (!secret_read(&receiver, secret_file)) {
        fprintf(stderr, "shouwang-receiver: %s holds no whsec_ secret\n", secret_file);
        return 78;
    }
    receiver.ledger = fopen(ledger, "a");
    if (receiver.ledger == NULL) {
        fprintf(stderr, "shouwang-receiver: %s: %s\n", ledger, strerror(errno));
        return 73;
    }
    int status = serve(&receiver, &address);
    fclose(receiver.ledger);
    free(receiver.seen);
    OPENSSL_cleanse(&receiver, sizeof receiver);
    return status;
}
