/* SPDX-License-Identifier: PostgreSQL */
/* Raw peers for the HTTP tests: a server that misbehaves on a thread of its own, and a TLS one with
 * certificates made here. */
#ifndef SHOUWANG_TESTS_UNIT_IO_NET_H
#define SHOUWANG_TESTS_UNIT_IO_NET_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* Serves one connection (blocking socket); returns to have it closed. */
typedef void net_serve_fn(int fd, void *ctx);

struct net_server;
struct net_server *net_server_start(net_serve_fn *serve, void *ctx);
uint16_t net_server_port(const struct net_server *server);
unsigned net_server_accepted(const struct net_server *server);
void net_server_stop(
    struct net_server *server); /* waits for the connection under way: the client has closed it */

/* A port of the loopback address on which nobody listens. */
uint16_t net_closed_port(void);
/* A blocking connection to a port of 127.0.0.1. */
int net_connect(uint16_t port);

/* For serve functions. */
bool net_read_request(int fd); /* up to the empty line, and the body by Content-Length; false at the end */
bool net_send(int fd, const char *bytes, size_t n); /* false once the client has gone */
bool net_client_gone(int fd, int wait_ms);          /* waits at most that long for it */

/* A certificate for `host` (or an IP address), signed by the CA `signer` or, NULL, by itself as a CA; PEM
 * files. */
struct net_identity;
struct net_identity *net_identity_new(const char *host, const struct net_identity *signer, bool expired);
void net_identity_free(struct net_identity *identity);
void net_identity_write(const struct net_identity *identity, const char *cert_path, const char *key_path);

/* A TLS server that answers each request with 200 "tls". client_ca: demand a client certificate signed by it.
 */
struct net_tls;
struct net_tls *net_tls_start(const struct net_identity *identity, const struct net_identity *client_ca);
uint16_t net_tls_port(const struct net_tls *tls);
void net_tls_stop(struct net_tls *tls);

#endif
