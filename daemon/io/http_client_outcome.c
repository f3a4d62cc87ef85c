/* SPDX-License-Identifier: PostgreSQL */
/* What a call's end means, and our words for it. */
#include "io/http_client_internal.h"

#include "io/crypto.h"

#include <stdio.h>
#include <string.h>

const char *http_outcome_name(enum http_outcome outcome)
{
    static const char *const names[HTTP_OUTCOME_COUNT] = {
        [HTTP_ANSWERED] = "answered",       [HTTP_NOT_RESOLVED] = "not_resolved",
        [HTTP_NOT_ALLOWED] = "not_allowed", [HTTP_NOT_CONNECTED] = "not_connected",
        [HTTP_NOT_TRUSTED] = "not_trusted", [HTTP_TIMED_OUT] = "timed_out",
        [HTTP_BROKEN_OFF] = "broken_off",   [HTTP_TOO_LARGE] = "too_large",
        [HTTP_MALFORMED] = "malformed",     [HTTP_LOCAL_FAILURE] = "local_failure",
    };
    return outcome < HTTP_OUTCOME_COUNT ? names[outcome] : "unknown";
}

static const struct failure {
    CURLcode code;
    enum http_outcome outcome;
    const char *text; /* NULL = composed by the function for the outcome */
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_NOT_RESOLVED, "the host's name could not be resolved"},
    {CURLE_COULDNT_CONNECT, HTTP_NOT_CONNECTED, NULL},
    {CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT, NULL},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_NOT_TRUSTED, NULL},
    {CURLE_SSL_ISSUER_ERROR, HTTP_NOT_TRUSTED, NULL},
    {CURLE_SSL_CONNECT_ERROR, HTTP_NOT_TRUSTED, "the TLS handshake failed"},
    {CURLE_SSL_CACERT_BADFILE, HTTP_LOCAL_FAILURE, "the CA file cannot be read or used"},
    {CURLE_SSL_CERTPROBLEM, HTTP_LOCAL_FAILURE, "the client certificate or its key cannot be read or used"},
    {CURLE_SSL_CIPHER, HTTP_NOT_TRUSTED, "the TLS handshake failed: no common cipher"},
    {CURLE_RECV_ERROR, HTTP_BROKEN_OFF, "the connection was reset during the TLS handshake"},
    {CURLE_SEND_ERROR, HTTP_BROKEN_OFF, "the connection was reset during the TLS handshake"},
    {CURLE_OUT_OF_MEMORY, HTTP_LOCAL_FAILURE, "out of memory"},
    {CURLE_FAILED_INIT, HTTP_LOCAL_FAILURE, "a socket could not be watched"},
};

/* Which stage had not been reached when the time was over. */
static void describe_timeout(struct http_call *call)
{
    curl_off_t resolved_us = 0;
    const int64_t limit_ms =
        call->connect_timeout_ms < call->total_timeout_ms ? call->connect_timeout_ms : call->total_timeout_ms;
    const char *missing = call->route->is_tls ? "no TLS connection" : "no connection";
    curl_easy_getinfo(call->connection->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved_us);
    if (resolved_us == 0)
        missing = "the host's name was not resolved";
    snprintf(call->text, sizeof call->text, "%s within %lld ms", missing, (long long)limit_ms);
}

static void describe_distrust(struct http_call *call)
{
    /* 1 is what libcurl begins with: OpenSSL found no fault, but the name does not match. */
    enum { VERIFIED = 0, NOT_SAID = 1 };
    long result = NOT_SAID;
    curl_easy_getinfo(call->connection->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    snprintf(call->text, sizeof call->text, "the server's certificate is not accepted: %s",
             result == VERIFIED || result == NOT_SAID ? "it is not for this host"
                                                      : crypto_certificate_error(result));
}

static void describe_no_connection(struct http_call *call)
{
    long number = 0;
    curl_easy_getinfo(call->connection->easy, CURLINFO_OS_ERRNO, &number);
    snprintf(call->text, sizeof call->text, "no connection: %s",
             number != 0 ? strerror((int)number) : "refused or unreachable");
}

static const struct failure *find_failure(CURLcode code)
{
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].code == code)
            return &failures[i];
    return NULL;
}

/* What libcurl's code cannot tell but open_socket has noticed. */
static bool describe_noticed(struct http_call *call, CURLcode code, struct http_result *result)
{
    const struct http_connection *connection = call->connection;
    if (code != CURLE_COULDNT_CONNECT)
        return false;
    if (connection->socket_errno != 0) {
        /* Not the township's fault: its endpoint must not be held for it. */
        result->outcome = HTTP_LOCAL_FAILURE;
        snprintf(call->text, sizeof call->text, "no socket: %s", strerror(connection->socket_errno));
        result->text = call->text;
    } else if (connection->not_allowed && !connection->tried) {
        result->outcome = HTTP_NOT_ALLOWED;
        result->text = "the host's address is outside of the allowed networks";
    } else {
        return false;
    }
    return true;
}

void http_call_describe_failure(struct http_call *call, CURLcode code, struct http_result *result)
{
    if (describe_noticed(call, code, result))
        return;
    const struct failure *failure = find_failure(code);
    result->outcome = failure != NULL ? failure->outcome : HTTP_LOCAL_FAILURE;
    result->text = failure != NULL && failure->text != NULL ? failure->text : call->text;
    if (failure == NULL)
        snprintf(call->text, sizeof call->text, "libcurl's error %d", (int)code);
    else if (code == CURLE_OPERATION_TIMEDOUT)
        describe_timeout(call);
    else if (code == CURLE_COULDNT_CONNECT)
        describe_no_connection(call);
    else if (failure->text == NULL)
        describe_distrust(call);
}

static const char *break_text(const struct http_call *call)
{
    if (call->connection->send_failed)
        return "the connection was reset before the request was whole";
    if (call->connection->reset)
        return "the connection was reset before the answer was whole";
    return http_answer_begun(call->answer) ? "the connection was closed in the middle of the answer"
                                           : "the connection was closed without an answer";
}

void http_call_describe_fault(struct http_call *call, enum http_answer_state state,
                              struct http_result *result)
{
    static const struct {
        enum http_outcome outcome;
        const char *text;
    } faults[] = {
        [HTTP_ANSWER_CUT] = {HTTP_BROKEN_OFF, NULL},
        [HTTP_ANSWER_MALFORMED] = {HTTP_MALFORMED, "the answer is not HTTP/1"},
        [HTTP_ANSWER_LONG_HEADERS] = {HTTP_TOO_LARGE, "the answer's headers are too large"},
        [HTTP_ANSWER_NO_MEMORY] = {HTTP_LOCAL_FAILURE, "out of memory for the answer"},
    };
    result->outcome = faults[state].outcome;
    result->text = state == HTTP_ANSWER_CUT ? break_text(call) : faults[state].text;
}

void http_call_describe_answer(struct http_call *call, bool cut, struct http_result *result)
{
    result->outcome = HTTP_ANSWERED;
    result->cut = cut;
    result->status_code = http_answer_status(call->answer);
    if (!cut)
        result->body = http_answer_body(call->answer);
    result->retry_after_ms = http_answer_retry_after_ms(call->answer);
    snprintf(call->text, sizeof call->text, "HTTP %d", result->status_code);
    result->text = call->text;
}
