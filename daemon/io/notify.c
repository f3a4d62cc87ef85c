/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io/notify.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { STATUS_TEXT_MAX = 256 };

/* sd-daemon(7): JOURNAL_STREAM names the device and inode of the stream that leads to the journal. */
bool notify_stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat info;
    char ours[64];
    if (!stream || fstat(STDERR_FILENO, &info) != 0)
        return false;
    snprintf(ours, sizeof ours, "%llu:%llu", (unsigned long long)info.st_dev,
             (unsigned long long)info.st_ino);
    return strcmp(stream, ours) == 0;
}

void notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void notify_reloading(void)
{
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic_us());
}

void notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void notify_watchdog(void)
{
    sd_notify(0, "WATCHDOG=1");
}

void notify_status(const char *format, ...)
{
    char text[STATUS_TEXT_MAX * 2];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        return;
    text[utf8_cut(text, strlen(text), STATUS_TEXT_MAX)] = '\0';
    for (char *at = text; *at != '\0'; at++)
        if (*at == '\n')
            *at = ' ';
    sd_notifyf(0, "STATUS=%s", text);
}

int64_t notify_watchdog_interval_ms(void)
{
    uint64_t interval_us = 0;
    if (sd_watchdog_enabled(0, &interval_us) <= 0)
        return 0;
    return (int64_t)(interval_us / 1000);
}
