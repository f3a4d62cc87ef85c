/* SPDX-License-Identifier: PostgreSQL */
#include "api/server.h"

#include "api/health.h"
#include "api/metrics.h"
#include "api/page.h"
#include "io/http_server.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_CONTENT_TYPE "text/plain; charset=utf-8"

struct api_server {
    struct http_server *http;
    struct api_host host;
    struct loop *loop;
};

/* Fills the body and returns the status. */
typedef unsigned render_fn(const struct api_view *view, const struct http_exchange *exchange,
                           struct text *out);

struct page {
    const char *path;
    const char *content_type;
    bool waits; /* for the database's figures */
    render_fn *render;
};

static unsigned render_live(const struct api_view *view, const struct http_exchange *exchange,
                            struct text *out)
{
    (void)exchange;
    text_printf(out, "alive: %llu turns of the loop\n", (unsigned long long)view->loop_turns);
    return 200;
}

static unsigned render_ready(const struct api_view *view, const struct http_exchange *exchange,
                             struct text *out)
{
    bool ready = health_render(view, http_exchange_query(exchange, "verbose") != 0, out);
    text_add_str(out, ready ? "ready\n" : "not ready\n");
    return ready ? 200 : 503;
}

static unsigned render_metrics(const struct api_view *view, const struct http_exchange *exchange,
                               struct text *out)
{
    (void)exchange;
    metrics_render(view, out);
    return 200;
}

static unsigned render_page(const struct api_view *view, const struct http_exchange *exchange,
                            struct text *out)
{
    (void)exchange;
    page_render(view, out);
    return 200;
}

static const struct page pages[] = {
    {"/", PAGE_CONTENT_TYPE, true, render_page},
    {"/livez", TEXT_CONTENT_TYPE, false, render_live},
    {"/metrics", METRICS_CONTENT_TYPE, true, render_metrics},
    {"/readyz", TEXT_CONTENT_TYPE, true, render_ready},
};

static const struct http_response_header headers[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
};

static const struct page *find_page(const char *path)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(path, pages[i].path) == 0)
            return &pages[i];
    return 0;
}

static void reply(struct api_server *server, struct http_exchange *exchange)
{
    const struct page *page = find_page(http_exchange_path(exchange));
    struct api_view view = {0};
    struct text body;
    text_init(&body);
    server->host.view(server->host.ctx, &view);
    unsigned status = page->render(&view, exchange, &body);
    struct http_response response = {
        .status = status,
        .content_type = page->content_type,
        .body = {body.bytes, body.length},
        .headers = headers,
        .header_count = sizeof headers / sizeof *headers,
    };
    if (body.failed)
        http_exchange_reply_text(exchange, 500, "no memory for this page\n");
    else
        http_exchange_reply(exchange, &response);
    text_fini(&body);
}

static void on_seen(void *ctx)
{
    struct http_exchange *exchange = ctx;
    reply(http_exchange_context(exchange), exchange);
}

static void reply_method(struct http_exchange *exchange)
{
    static const struct http_response_header allow = {"Allow", "GET, HEAD"};
    struct http_response response = {
        .status = 405,
        .content_type = TEXT_CONTENT_TYPE,
        .body = slice_of("this page is read with GET\n"),
        .headers = &allow,
        .header_count = 1,
    };
    http_exchange_reply(exchange, &response);
}

static void handle(void *ctx, struct http_exchange *exchange)
{
    struct api_server *server = ctx;
    const struct page *page = find_page(http_exchange_path(exchange));
    enum http_method method = http_exchange_method(exchange);
    if (!page)
        http_exchange_reply_text(exchange, 404, "there is no such page\n");
    else if (method != HTTP_GET && method != HTTP_HEAD)
        reply_method(exchange);
    else {
        http_exchange_set_context(exchange, server);
        if (!page->waits || !server->host.wait(server->host.ctx, on_seen, exchange))
            reply(server, exchange);
    }
}

enum status api_server_new(struct api_server **handle_out, struct loop *loop, const char *listen,
                           const struct api_host *host, struct error *err)
{
    struct api_server *server = calloc(1, sizeof *server);
    if (!server)
        return error_set(err, STATUS_FATAL, "no memory for the HTTP server");
    *server = (struct api_server){.host = *host, .loop = loop};
    struct http_server_settings settings = {.listen = listen};
    enum status status = http_server_new(&server->http, loop, &settings, handle, server, err);
    if (status != STATUS_OK) {
        free(server);
        return error_wrap(err, "[http] listen = %s", listen);
    }
    *handle_out = server;
    return STATUS_OK;
}

void api_server_free(struct api_server *server)
{
    if (!server)
        return;
    http_server_free(server->http);
    free(server);
}

uint16_t api_server_port(const struct api_server *server)
{
    return http_server_port(server->http);
}

unsigned api_server_connections(const struct api_server *server)
{
    return http_server_connections(server->http);
}
