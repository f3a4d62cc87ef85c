/* SPDX-License-Identifier: PostgreSQL */
/* What systemd would receive, on a socket of our own. */
#include "config.h"

#include "base/text.h"
#include "cases.h"
#include "io/notify.h"
#include "io_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char *folder;
static int fd;

static void set_up(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    folder = io_make_folder();
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/n", folder);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
}

static void tear_down(void)
{
    close(fd);
    io_remove_folder(folder);
}

/* Datagrams over a Unix socket have arrived when send returns. */
static const char *received(void)
{
    static char message[4096];
    const ssize_t got = recv(fd, message, sizeof message - 1, 0);
    ck_assert_int_ge(got, 0);
    message[got] = '\0';
    return message;
}

START_TEST(states_are_told)
{
    int64_t told_us = 0;
    notify_ready();
    ck_assert_str_eq(received(), "READY=1");
    const int64_t before_us = clock_monotonic_us();
    notify_reloading();
    ck_assert_int_eq(sscanf(received(), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64, &told_us), 1);
    ck_assert_int_ge(told_us, before_us);
    ck_assert_int_le(told_us, clock_monotonic_us());
    notify_stopping();
    ck_assert_str_eq(received(), "STOPPING=1");
    notify_watchdog();
    ck_assert_str_eq(received(), "WATCHDOG=1");
}
END_TEST

START_TEST(status_is_one_bounded_line)
{
    char long_text[2000];
    notify_status("round %d of %s", 812, "county");
    ck_assert_str_eq(received(), "STATUS=round 812 of county");
    notify_status("first\nREADY=1");
    ck_assert_str_eq(received(), "STATUS=first READY=1"); /* no second assignment */
    memset(long_text, 0, sizeof long_text);
    for (size_t i = 0; i + 3 < sizeof long_text; i += 3)
        memcpy(long_text + i, "守", 3);
    notify_status("%s", long_text);
    const char *message = received() + strlen("STATUS=");
    ck_assert_uint_eq(strlen(message), 255); /* 85 whole characters */
    ck_assert(utf8_valid(message, strlen(message)));
}
END_TEST

START_TEST(without_systemd_nothing_happens)
{
    unsetenv("NOTIFY_SOCKET");
    notify_ready();
    notify_reloading();
    notify_stopping();
    notify_watchdog();
    notify_status("x");
    char byte;
    ck_assert_int_eq(recv(fd, &byte, 1, 0), -1);
}
END_TEST

START_TEST(watchdog_interval_is_for_this_process_alone)
{
    char pid[32];
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    ck_assert_int_eq(notify_watchdog_interval_ms(), 0);
    setenv("WATCHDOG_USEC", "60000000", 1);
    ck_assert_int_eq(notify_watchdog_interval_ms(), 60000);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    ck_assert_int_eq(notify_watchdog_interval_ms(), 60000);
    setenv("WATCHDOG_PID", "1", 1);
    ck_assert_int_eq(notify_watchdog_interval_ms(), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_notify");
    TCase *all = tcase_create("notify");
    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, states_are_told);
    tcase_add_test(all, status_is_one_bounded_line);
    tcase_add_test(all, without_systemd_nothing_happens);
    tcase_add_test(all, watchdog_interval_is_for_this_process_alone);
    suite_add_tcase(suite, all);
    return unit_run(&suite, 1);
}
