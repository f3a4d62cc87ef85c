/* SPDX-License-Identifier: PostgreSQL */
/* URLs that we go to, and what Retry-After asks for. */
#include "io/http_client_internal.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A hundred years: all of any honest wish, and adding it to a clock cannot overflow. */
#define RETRY_AFTER_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)

static bool url_has(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    const bool there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return there;
}

static bool url_part_is(CURLU *url, CURLUPart part, const char *expected)
{
    char *text = NULL;
    const bool same = curl_url_get(url, part, &text, 0) == CURLUE_OK && strcmp(text, expected) == 0;
    curl_free(text);
    return same;
}

/* libcurl forgives "http:///host", and would go to a host that was meant as a path. */
static bool has_empty_host(const char *url)
{
    const char *separator = strstr(url, "://");
    return separator != NULL && separator[3] == '/';
}

/* The words leave the URL out: it may hold a token. */
static enum status check_url_parts(CURLU *parts, const char *url, bool *is_tls, struct error *err)
{
    const CURLUcode code = curl_url_set(parts, CURLUPART_URL, url, 0);
    if (code != CURLUE_OK)
        return error_set(err, STATUS_CONFIG, "the URL is unusable: %s", curl_url_strerror(code));
    *is_tls = url_part_is(parts, CURLUPART_SCHEME, "https");
    if (!*is_tls && !url_part_is(parts, CURLUPART_SCHEME, "http"))
        return error_set(err, STATUS_CONFIG, "the URL must begin with http:// or https://");
    if (has_empty_host(url))
        return error_set(err, STATUS_CONFIG, "the URL has no host");
    if (url_has(parts, CURLUPART_USER) || url_has(parts, CURLUPART_PASSWORD))
        return error_set(err, STATUS_CONFIG, "the URL must not hold a user or a password");
    if (url_has(parts, CURLUPART_FRAGMENT))
        return error_set(err, STATUS_CONFIG, "the URL must not have a fragment (#)");
    return STATUS_OK;
}

/* Adds the part behind `before`; a part that is not there adds nothing. Host names in their ASCII form. */
static void add_part(struct text *text, CURLU *parts, CURLUPart part, const char *before, unsigned flags)
{
    char *value = NULL;
    const CURLUcode code = curl_url_get(parts, part, &value, flags);
    if (code == CURLUE_OK) {
        text_add_str(text, before);
        text_add_str(text, value);
    } else if (code == CURLUE_OUT_OF_MEMORY) {
        text->failed = true;
    }
    curl_free(value);
}

static enum status take_url_parts(CURLU *parts, struct http_url *url, struct error *err)
{
    struct text host, target;
    text_init(&host);
    text_init(&target);
    add_part(&host, parts, CURLUPART_HOST, "", CURLU_PUNYCODE);
    add_part(&host, parts, CURLUPART_PORT, ":", CURLU_NO_DEFAULT_PORT);
    add_part(&target, parts, CURLUPART_PATH, "", CURLU_URLENCODE);
    add_part(&target, parts, CURLUPART_QUERY, "?", CURLU_URLENCODE);
    url->host = text_take(&host);
    url->target = text_take(&target);
    text_fini(&host);
    text_fini(&target);
    if (url->host == NULL || url->target == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    /* They go into a request's head as they are. */
    if (strpbrk(url->host, " \r\n") != NULL || strpbrk(url->target, " \r\n") != NULL ||
        url->host[0] == '\0' || url->target[0] != '/')
        return error_set(err, STATUS_CONFIG, "the URL is unusable");
    return STATUS_OK;
}

enum status http_url_parse(const char *text, struct http_url *url, struct error *err)
{
    *url = (struct http_url){0};
    CURLU *parts = curl_url();
    if (parts == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    enum status status = check_url_parts(parts, text, &url->is_tls, err);
    if (status == STATUS_OK)
        status = take_url_parts(parts, url, err);
    curl_url_cleanup(parts);
    if (status != STATUS_OK)
        http_url_fini(url);
    return status;
}

void http_url_fini(struct http_url *url)
{
    free(url->host);
    free(url->target);
    *url = (struct http_url){0};
}

enum status http_client_check_url(const char *text, struct error *err)
{
    struct http_url url;
    const enum status status = http_url_parse(text, &url, err);
    http_url_fini(&url);
    return status;
}

bool http_client_is_loopback(const char *text)
{
    struct error ignored;
    struct http_url url;
    struct in_addr v4;
    if (http_url_parse(text, &url, &ignored) != STATUS_OK)
        return false;
    const size_t length = url.host[0] == '[' ? strcspn(url.host, "]") + 1 : strcspn(url.host, ":");
    const struct slice host = {url.host, length};
    char name[INET_ADDRSTRLEN];
    snprintf(name, sizeof name, "%.*s", (int)length, url.host);
    const bool is =
        slice_is(host, "localhost") || slice_is(host, "[::1]") ||
        (length < sizeof name && inet_pton(AF_INET, name, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
    http_url_fini(&url);
    return is;
}

int64_t http_client_parse_retry_after(struct slice value, int64_t unix_ms)
{
    char text[64];
    value = slice_trim(value);
    if (value.length == 0)
        return -1;
    int64_t seconds = 0;
    size_t digits = 0;
    while (digits < value.length && value.bytes[digits] >= '0' && value.bytes[digits] <= '9') {
        if (seconds <= RETRY_AFTER_MAX_MS)
            seconds = seconds * 10 + (value.bytes[digits] - '0');
        digits++;
    }
    if (digits == value.length)
        return seconds > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : seconds * 1000;
    if (value.length >= sizeof text)
        return -1;
    memcpy(text, value.bytes, value.length);
    text[value.length] = '\0';
    const time_t date = curl_getdate(text, NULL);
    if (date < 0)
        return -1;
    if (date > (RETRY_AFTER_MAX_MS + unix_ms) / 1000)
        return RETRY_AFTER_MAX_MS;
    const int64_t wait_ms = (int64_t)date * 1000 - unix_ms;
    return wait_ms > 0 ? wait_ms : 0;
}

int64_t http_client_parse_date_ms(const char *text)
{
    const time_t date = curl_getdate(text, NULL);
    return date < 0 ? -1 : (int64_t)date * 1000;
}
