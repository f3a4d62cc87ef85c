/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io_net.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct net_server {
    pthread_t thread;
    int fd;
    uint16_t port;
    net_serve_fn *serve;
    void *ctx;
    atomic_uint accepted;
};

static int listen_on_loopback(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(listen(fd, 64), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void *serve_all(void *arg)
{
    struct net_server *server = arg;
    for (;;) {
        const int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL; /* shut down */
        atomic_fetch_add(&server->accepted, 1);
        server->serve(fd, server->ctx);
        close(fd);
    }
}

struct net_server *net_server_start(net_serve_fn *serve, void *ctx)
{
    struct net_server *server = calloc(1, sizeof *server);
    ck_assert_ptr_nonnull(server);
    server->fd = listen_on_loopback(&server->port);
    server->serve = serve;
    server->ctx = ctx;
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve_all, server), 0);
    return server;
}

uint16_t net_server_port(const struct net_server *server)
{
    return server->port;
}

unsigned net_server_accepted(const struct net_server *server)
{
    return atomic_load(&server->accepted);
}

void net_server_stop(struct net_server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    free(server);
}

uint16_t net_closed_port(void)
{
    uint16_t port;
    close(listen_on_loopback(&port));
    return port;
}

int net_connect(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_msg(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect: %s",
                  strerror(errno));
    return fd;
}

bool net_read_request(int fd)
{
    char head[8192];
    size_t length = 0;
    while (length < sizeof head - 1) { /* byte by byte: the next request stays in the socket */
        if (recv(fd, head + length, 1, 0) != 1)
            return false;
        head[++length] = '\0';
        if (length >= 4 && memcmp(head + length - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    const char *field = strcasestr(head, "\r\nContent-Length:");
    long body = field != NULL ? strtol(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
    for (char byte; body > 0; body--)
        if (recv(fd, &byte, 1, 0) != 1)
            return false;
    return true;
}

bool net_send(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

bool net_client_gone(int fd, int wait_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLRDHUP};
    return poll(&wait, 1, wait_ms) > 0;
}

/* ---- certificates ---- */

struct net_identity {
    EVP_PKEY *key;
    X509 *cert;
};

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

struct net_identity *net_identity_new(const char *host, const struct net_identity *signer, bool expired)
{
    static const long day_s = 86400;
    static long serial = 1;
    struct net_identity *identity = calloc(1, sizeof *identity);
    ck_assert_ptr_nonnull(identity);
    identity->key = EVP_EC_gen("P-256");
    identity->cert = X509_new();
    X509 *cert = identity->cert;
    struct in_addr numeric;
    char names[128];
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_gmtime_adj(X509_getm_notBefore(cert), -10 * day_s);
    X509_gmtime_adj(X509_getm_notAfter(cert), expired ? -day_s : day_s);
    X509_set_pubkey(cert, identity->key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)host,
                               -1, -1, 0);
    X509 *issuer = signer != NULL ? signer->cert : cert;
    X509_set_issuer_name(cert, X509_get_subject_name(issuer));
    add_extension(cert, issuer, NID_basic_constraints, signer != NULL ? "CA:FALSE" : "critical,CA:TRUE");
    snprintf(names, sizeof names, "%s:%s", inet_pton(AF_INET, host, &numeric) == 1 ? "IP" : "DNS", host);
    if (signer != NULL)
        add_extension(cert, issuer, NID_subject_alt_name, names);
    ck_assert_int_gt(X509_sign(cert, signer != NULL ? signer->key : identity->key, EVP_sha256()), 0);
    return identity;
}

void net_identity_free(struct net_identity *identity)
{
    if (identity == NULL)
        return;
    EVP_PKEY_free(identity->key);
    X509_free(identity->cert);
    free(identity);
}

void net_identity_write(const struct net_identity *identity, const char *cert_path, const char *key_path)
{
    FILE *file = fopen(cert_path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_X509(file, identity->cert), 1);
    fclose(file);
    if (key_path == NULL)
        return;
    file = fopen(key_path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(PEM_write_PKCS8PrivateKey(file, identity->key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
}

/* ---- TLS ---- */

struct net_tls {
    SSL_CTX *context;
    struct net_server *server;
};

/* A request with its body; its length, 0 at the end. */
static size_t read_tls_request(SSL *ssl)
{
    char head[8192 + 1];
    size_t length = 0;
    const char *end = NULL;
    while (end == NULL && length < sizeof head - 1) {
        const int count = SSL_read(ssl, head + length, (int)(sizeof head - 1 - length));
        if (count <= 0)
            return 0;
        length += (size_t)count;
        head[length] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    const char *field = end != NULL ? strcasestr(head, "\r\nContent-Length:") : NULL;
    const size_t body = field != NULL ? strtoul(field + strlen("\r\nContent-Length:"), NULL, 10) : 0;
    const size_t whole = end != NULL ? (size_t)(end - head) + 4 + body : length;
    while (length < whole) {
        const int count = SSL_read(ssl, head, sizeof head);
        if (count <= 0)
            return 0;
        length += (size_t)count;
    }
    return length;
}

static void serve_tls(int fd, void *ctx)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntls";
    struct net_tls *tls = ctx;
    SSL *ssl = SSL_new(tls->context);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1)
        while (read_tls_request(ssl) > 0) /* the answer in two records */
            if (SSL_write(ssl, answer, 20) <= 0 || SSL_write(ssl, answer + 20, (int)sizeof answer - 21) <= 0)
                break;
    SSL_free(ssl);
}

struct net_tls *net_tls_start(const struct net_identity *identity, const struct net_identity *client_ca)
{
    struct net_tls *tls = calloc(1, sizeof *tls);
    ck_assert_ptr_nonnull(tls);
    tls->context = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq(SSL_CTX_use_certificate(tls->context, identity->cert), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(tls->context, identity->key), 1);
    if (client_ca != NULL) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(tls->context), client_ca->cert);
        SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        SSL_CTX_set_session_id_context(tls->context, (const unsigned char *)"t", 1);
    }
    tls->server = net_server_start(serve_tls, tls);
    return tls;
}

uint16_t net_tls_port(const struct net_tls *tls)
{
    return net_server_port(tls->server);
}

void net_tls_stop(struct net_tls *tls)
{
    net_server_stop(tls->server);
    SSL_CTX_free(tls->context);
    free(tls);
}
