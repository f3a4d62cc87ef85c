/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { HOST_TEXT_MAX = INET6_ADDRSTRLEN, MAPPED_PREFIX_BITS = 96 };

/* Decimal digits alone, no sign, at most `max`. */
static bool parse_number(const char *text, unsigned max, unsigned *number)
{
    unsigned value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (unsigned)(*text - '0');
        if (value > max)
            return false;
    }
    *number = value;
    return true;
}

static bool copy_host(char host[HOST_TEXT_MAX], const char *begin, size_t length)
{
    if (length == 0 || length >= HOST_TEXT_MAX)
        return false;
    memcpy(host, begin, length);
    host[length] = '\0';
    return true;
}

enum status address_parse(const char *text, struct sockaddr_storage *address, socklen_t *length,
                          struct error *err)
{
    static const char expected[] = "ADDRESS:PORT, such as 127.0.0.1:8090 or [::1]:8090";
    const char *colon = strrchr(text, ':');
    char host[HOST_TEXT_MAX];
    unsigned port = 0;
    const bool bracketed = text[0] == '[' && colon != NULL && colon > text + 1 && colon[-1] == ']';
    if (colon == NULL || !parse_number(colon + 1, UINT16_MAX, &port) ||
        !(bracketed ? copy_host(host, text + 1, (size_t)(colon - text) - 2)
                    : copy_host(host, text, (size_t)(colon - text))))
        return error_set(err, STATUS_CONFIG, "\"%s\" is not an address: expected %s", text, expected);
    memset(address, 0, sizeof *address);
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    if (!bracketed && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *length = sizeof *v4;
    } else if (bracketed && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        *length = sizeof *v6;
    } else {
        return error_set(err, STATUS_CONFIG, "\"%s\" is not an address: expected %s", text, expected);
    }
    return STATUS_OK;
}

static void map_v4(uint8_t bytes[16], const struct in_addr *v4)
{
    memset(bytes, 0, 10);
    bytes[10] = bytes[11] = 0xff;
    memcpy(bytes + 12, v4, 4);
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    const unsigned whole = bits / 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    const unsigned rest = bits % 8;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool host_bits_are_zero(const struct address_network *network)
{
    for (unsigned bit = network->prefix_bits; bit < 128; bit++)
        if (network->bytes[bit / 8] & (0x80U >> bit % 8))
            return false;
    return true;
}

enum status address_parse_network(const char *text, struct address_network *network, struct error *err)
{
    const char *slash = strchr(text, '/');
    char host[HOST_TEXT_MAX];
    struct in_addr v4;
    struct in6_addr v6;
    bool is_v4 = false;
    bool good = copy_host(host, text, slash != NULL ? (size_t)(slash - text) : strlen(text));
    if (good && inet_pton(AF_INET, host, &v4) == 1) {
        is_v4 = true;
        map_v4(network->bytes, &v4);
    } else if (good && inet_pton(AF_INET6, host, &v6) == 1) {
        memcpy(network->bytes, &v6, sizeof network->bytes);
    } else {
        good = false;
    }
    const unsigned width = is_v4 ? 32 : 128;
    unsigned prefix = width;
    if (!good || (slash != NULL && !parse_number(slash + 1, width, &prefix)))
        return error_set(err, STATUS_CONFIG,
                         "\"%s\" is not a network: expected an address and a prefix, such as 10.61.0.0/16",
                         text);
    network->prefix_bits = (uint8_t)(is_v4 ? MAPPED_PREFIX_BITS + prefix : prefix);
    if (!host_bits_are_zero(network))
        return error_set(err, STATUS_CONFIG, "network \"%s\" has bits set behind its prefix of %u", text,
                         prefix);
    return STATUS_OK;
}

bool address_in_networks(const struct sockaddr *address, const struct address_network *networks, size_t count)
{
    uint8_t bytes[16];
    if (address->sa_family == AF_INET)
        map_v4(bytes, &((const struct sockaddr_in *)address)->sin_addr);
    else if (address->sa_family == AF_INET6)
        memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof bytes);
    else
        return false;
    for (size_t i = 0; i < count; i++)
        if (bits_equal(bytes, networks[i].bytes, networks[i].prefix_bits))
            return true;
    return false;
}

enum status address_of_path(const char *path, struct sockaddr_un *address, struct error *err)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    const size_t length = strlen(path);
    if (length == 0 || length >= sizeof address->sun_path)
        return error_set(err, STATUS_CONFIG, "socket path \"%s\" has %zu bytes: expected 1 to %zu", path,
                         length, sizeof address->sun_path - 1);
    memcpy(address->sun_path, path, length + 1);
    return STATUS_OK;
}
