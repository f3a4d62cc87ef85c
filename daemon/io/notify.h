/* SPDX-License-Identifier: PostgreSQL */
/*
 * What systemd is told (sd_notify(3)), and the watchdog's interval that it tells us. The only user of
 * libsystemd. Without systemd (NOTIFY_SOCKET unset) nothing happens. Messages are datagrams that are sent or
 * lost: nothing here fails or waits. Threading: any.
 *
 * For a unit of Type=notify. Type=notify-reload, for which notify_reloading sends MONOTONIC_USEC, exists from
 * systemd 253 on; Debian 12 has 252, which ignores that line.
 */
#ifndef SHOUWANG_IO_NOTIFY_H
#define SHOUWANG_IO_NOTIFY_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether stderr leads to the journal, which reads "<N>" at the beginning of a line as its priority. */
bool notify_stderr_is_journal(void);
void notify_ready(void);     /* start-up, and each reload, is complete */
void notify_reloading(void); /* notify_ready follows */
void notify_stopping(void);
/* Only after the loop has made progress since the last ping (loop_turns). */
void notify_watchdog(void);
/* One line for `systemctl status`, of our own words; cut at 256 bytes, a line's end becomes a blank. */
void notify_status(const char *format, ...) PRINTF_LIKE(1, 2);
/* WatchdogSec of the unit, 0 = none for this process. Ping at half of it. */
int64_t notify_watchdog_interval_ms(void);

#endif
