/* SPDX-License-Identifier: PostgreSQL */
/* Where calls go: looked for at each call, so what can be made once is made here once. */
#include "config.h"

#include "io/http_client_internal.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a: of a few hundred routes hardly two are alike. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool keep(char **kept, const char *value)
{
    *kept = value != NULL ? strdup(value) : NULL;
    return value == NULL || *kept != NULL;
}

static void route_free(struct http_route *route)
{
    free(route->url);
    free(route->ca_file);
    free(route->client_cert_file);
    free(route->client_key_file);
    free(route->target);
    text_fini(&route->head);
    free(route);
}

static enum status set_url(struct http_route *route, const char *text, struct error *err)
{
    struct http_url url;
    const enum status status = http_url_parse(text, &url, err);
    if (status != STATUS_OK)
        return status;
    route->is_tls = url.is_tls;
    route->target = url.target;
    url.target = NULL;
    text_add_str(&route->head, "Host: ");
    text_add_str(&route->head, url.host);
    text_add_str(&route->head, "\r\nUser-Agent: " PACKAGE_NAME "/" PACKAGE_VERSION "\r\nAccept: */*\r\n");
    http_url_fini(&url);
    return STATUS_OK;
}

static enum status route_make(struct http_client *client, const struct http_request *request,
                              struct http_route **made, struct error *err)
{
    struct http_route *route = calloc(1, sizeof *route);
    if (route == NULL)
        return error_set(err, STATUS_FATAL, "out of memory");
    route->client = client;
    TAILQ_INIT(&route->kept);
    text_init(&route->head);
    enum status status = set_url(route, request->url, err);
    if (status == STATUS_OK &&
        (!keep(&route->url, request->url) || !keep(&route->ca_file, request->ca_file) ||
         !keep(&route->client_cert_file, request->client_cert_file) ||
         !keep(&route->client_key_file, request->client_key_file) || route->head.failed))
        status = error_set(err, STATUS_FATAL, "out of memory");
    if (status != STATUS_OK)
        route_free(route);
    else
        *made = route;
    return status;
}

enum status route_get(struct http_client *client, const struct http_request *request,
                      struct http_route **found, struct error *err)
{
    const uint64_t hash = hash_of(request->url);
    struct http_route *route;
    TAILQ_FOREACH(route, &client->routes, link)
    {
        if (route->hash == hash && strcmp(route->url, request->url) == 0 &&
            same(route->ca_file, request->ca_file) &&
            same(route->client_cert_file, request->client_cert_file) &&
            same(route->client_key_file, request->client_key_file))
            break;
    }
    if (route == NULL) {
        const enum status status = route_make(client, request, &route, err);
        if (status != STATUS_OK)
            return status;
        route->hash = hash;
        TAILQ_INSERT_HEAD(&client->routes, route, link);
    }
    route->users++;
    *found = route;
    return STATUS_OK;
}

void route_release(struct http_route *route)
{
    if (--route->users > 0)
        return;
    TAILQ_REMOVE(&route->client->routes, route, link);
    route_free(route);
}
