/* SPDX-License-Identifier: PostgreSQL */
/* Numeric addresses and networks, from tables. */
#include "config.h"

#include "cases.h"
#include "io/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

enum { ADDRESS_TEXT_SIZE = 80 };

/* "127.0.0.1:8090", "[::1]:8090". */
static void write_address(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_SIZE])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    char host[INET6_ADDRSTRLEN];
    if (address->ss_family == AF_INET)
        snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host),
                 (unsigned)ntohs(v4->sin_port));
    else
        snprintf(out, ADDRESS_TEXT_SIZE, "[%s]:%u", inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host),
                 (unsigned)ntohs(v6->sin6_port));
}

START_TEST(addresses_are_read_as_the_table_says)
{
    struct cases *cases = cases_open("addresses.tsv", 3);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct error err;
        struct sockaddr_storage address;
        socklen_t length;
        char text[ADDRESS_TEXT_SIZE];
        const enum status status = address_parse(row->cell[0].bytes, &address, &length, &err);
        if (case_is(row, 1, "refused")) {
            ck_assert_msg(status == STATUS_CONFIG, "%s: taken", cases_where(cases));
            ck_assert_msg(strstr(err.text, row->cell[0].bytes) != NULL, "%s: %s", cases_where(cases),
                          err.text);
            continue;
        }
        ck_assert_msg(status == STATUS_OK, "%s: %s", cases_where(cases), err.text);
        ck_assert_uint_eq(length, address.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                                               : sizeof(struct sockaddr_in6));
        write_address(&address, text);
        ck_assert_msg(case_is(row, 1, text), "%s: %s", cases_where(cases), text);
    }
    cases_close(cases);
}
END_TEST

START_TEST(networks_hold_what_the_table_says)
{
    struct cases *cases = cases_open("networks.tsv", 4);
    for (const struct case_row *row; (row = cases_next(cases));) {
        struct error err;
        struct address_network network[2];
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        const struct sockaddr *address = (const struct sockaddr *)&v4;
        if (inet_pton(AF_INET, row->cell[1].bytes, &v4.sin_addr) != 1) {
            ck_assert_int_eq(inet_pton(AF_INET6, row->cell[1].bytes, &v6.sin6_addr), 1);
            address = (const struct sockaddr *)&v6;
        }
        const enum status status = address_parse_network(row->cell[0].bytes, &network[1], &err);
        ck_assert_msg((status == STATUS_CONFIG) == case_is(row, 2, "refused"), "%s", cases_where(cases));
        if (status != STATUS_OK)
            continue;
        const bool held = address_in_networks(address, &network[1], 1);
        ck_assert_msg(held == case_is(row, 2, "yes"), "%s", cases_where(cases));
        ck_assert(address_parse_network("192.0.2.7", &network[0], &err) ==
                  STATUS_OK); /* as the second of two */
        ck_assert_msg(address_in_networks(address, network, 2) == held, "%s", cases_where(cases));
        ck_assert(!address_in_networks(address, network, 0));
    }
    cases_close(cases);
}
END_TEST

START_TEST(other_families_are_nowhere)
{
    struct error err;
    struct address_network all[2];
    const struct sockaddr_un local = {.sun_family = AF_UNIX};
    ck_assert(address_parse_network("0.0.0.0/0", &all[0], &err) == STATUS_OK);
    ck_assert(address_parse_network("::/0", &all[1], &err) == STATUS_OK);
    ck_assert(!address_in_networks((const struct sockaddr *)&local, all, 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_address");
    TCase *all = tcase_create("address");
    tcase_add_test(all, addresses_are_read_as_the_table_says);
    tcase_add_test(all, networks_hold_what_the_table_says);
    tcase_add_test(all, other_families_are_nowhere);
    suite_add_tcase(suite, all);
    return unit_run(&suite, 1);
}
