/* SPDX-License-Identifier: PostgreSQL */
/*
 * Addresses of sockets: numeric internet ones ("127.0.0.1:8090", "[::1]:8090"), networks in CIDR notation (RFC 4632, RFC
 * 4291) for the list of allowed destinations, and paths of Unix-domain sockets. Never resolves a name. Threading: none shared.
 */
#ifndef SHOUWANG_IO_ADDRESS_H
#define SHOUWANG_IO_ADDRESS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* "ADDRESS:PORT", an IPv6 address in brackets; port 0–65535. STATUS_CONFIG. */
enum status address_parse(const char *text, struct sockaddr_storage *address, socklen_t *length,
                          struct error *err) WARN_UNUSED;

/* IPv4 networks are kept in their IPv4-mapped form (::ffff:0:0/96), so both spellings of an address compare
 * equal. */
struct address_network {
    uint8_t bytes[16];
    uint8_t prefix_bits; /* of the mapped form, 0–128 */
};

/* "10.61.0.0/16", "fd00::/8", or one address. Bits behind the prefix must be zero. STATUS_CONFIG. */
enum status address_parse_network(const char *text, struct address_network *network,
                                  struct error *err) WARN_UNUSED;
/* Whether one of the networks holds the address; an empty list holds none; other families are in no network.
 */
bool address_in_networks(const struct sockaddr *address, const struct address_network *networks,
                         size_t count);

/* Of a Unix-domain socket: the path has 1 to 107 bytes. STATUS_CONFIG. */
enum status address_of_path(const char *path, struct sockaddr_un *address, struct error *err) WARN_UNUSED;

#endif
