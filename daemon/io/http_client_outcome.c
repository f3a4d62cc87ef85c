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
    {CURLE_GOT_NOTHING, HTTP_BROKEN_OFF, "the connection was closed without an answer"},
    {CURLE_PARTIAL_FILE, HTTP_BROKEN_OFF, "the connection was closed in the middle of the answer"},
    {CURLE_RECV_ERROR, HTTP_BROKEN_OFF, "the connection was reset before the answer was whole"},
    {CURLE_SEND_ERROR, HTTP_BROKEN_OFF, "the connection was reset before the request was whole"},
    {CURLE_WEIRD_SERVER_REPLY, HTTP_MALFORMED, "the answer is not HTTP"},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_MALFORMED, "the answer is not HTTP/1"},
    {CURLE_BAD_CONTENT_ENCODING, HTTP_MALFORMED, "the answer's encoding is not what it says"},
    {CURLE_OUT_OF_MEMORY, HTTP_LOCAL_FAILURE, "out of memory"},
};

int64_t http_call_time_us(struct http_call *call, CURLINFO info)
{
    curl_off_t time_us = 0;
    return curl_easy_getinfo(call->easy, info, &time_us) == CURLE_OK ? time_us : 0;
}

/* Which stage had not been reached when the time was over. */
static void describe_timeout(struct http_call *call)
{
    const char *missing = "no whole answer";
    int64_t limit_ms = call->total_timeout_ms;
    if (http_call_time_us(call, CURLINFO_PRETRANSFER_TIME_T) == 0) {
        if (call->connect_timeout_ms < limit_ms)
            limit_ms = call->connect_timeout_ms;
        if (http_call_time_us(call, CURLINFO_NAMELOOKUP_TIME_T) == 0)
            missing = "the host's name was not resolved";
        else
            missing = call->is_tls ? "no TLS connection" : "no connection";
    }
    snprintf(call->text, sizeof call->text, "%s within %lld ms", missing, (long long)limit_ms);
}

static void describe_distrust(struct http_call *call)
{
    /* 1 is what libcurl begins with: OpenSSL found no fault, but the name does not match. */
    enum { VERIFIED = 0, NOT_SAID = 1 };
    long result = NOT_SAID;
    curl_easy_getinfo(call->easy, CURLINFO_SSL_VERIFYRESULT, &result);
    snprintf(call->text, sizeof call->text, "the server's certificate is not accepted: %s",
             result == VERIFIED || result == NOT_SAID ? "it is not for this host"
                                                      : crypto_certificate_error(result));
}

static void describe_no_connection(struct http_call *call)
{
    long number = 0;
    curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
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

/* A date is the receiver's: it is taken beside the receiver's own clock, which Date tells, and not beside ours. */
static int64_t retry_after(const struct http_call *call)
{
    const time_t date =
        call->retry_after_ms < 0 || call->date[0] == '\0' ? -1 : curl_getdate(call->date, NULL);
    if (date < 0)
        return call->retry_after_ms;
    return http_client_parse_retry_after(slice_of(call->retry_after), (int64_t)date * 1000);
}

/* What libcurl's code cannot tell but the call has noticed itself. */
static bool describe_noticed(struct http_call *call, CURLcode code, struct http_result *result)
{
    /* libcurl calls a header line of more than 100 KiB a lack of memory. */
    const bool long_header = code == CURLE_OUT_OF_MEMORY && !call->headers_ended && !call->body.failed &&
                             http_call_time_us(call, CURLINFO_STARTTRANSFER_TIME_T) > 0;
    if (call->too_large || long_header) {
        result->outcome = HTTP_TOO_LARGE;
        result->text =
            call->headers_ended ? "the answer's body is too large" : "the answer's headers are too large";
    } else if (call->body.failed) {
        result->outcome = HTTP_LOCAL_FAILURE;
        result->text = "out of memory for the answer";
    } else if (call->socket_errno != 0 && code == CURLE_COULDNT_CONNECT) {
        /* Not the township's fault: its endpoint must not be held for it. */
        result->outcome = HTTP_LOCAL_FAILURE;
        snprintf(call->text, sizeof call->text, "no socket: %s", strerror(call->socket_errno));
        result->text = call->text;
    } else if (call->not_allowed &&
               ((code == CURLE_COULDNT_CONNECT && !call->tried) || code == CURLE_ABORTED_BY_CALLBACK)) {
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

void http_call_describe_answer(struct http_call *call, struct http_result *result)
{
    long status_code = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status_code);
    result->outcome = HTTP_ANSWERED;
    result->status_code = (int)status_code;
    result->body = (struct slice){call->body.length > 0 ? call->body.bytes : "", call->body.length};
    result->retry_after_ms = retry_after(call);
    snprintf(call->text, sizeof call->text, "HTTP %ld", status_code);
    result->text = call->text;
}
