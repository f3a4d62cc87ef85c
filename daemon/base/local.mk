# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/base/libbase.a
daemon_base_libbase_a_SOURCES = \
	daemon/base/arena.c daemon/base/arena.h \
	daemon/base/civil.c daemon/base/civil.h \
	daemon/base/clock.c daemon/base/clock.h \
	daemon/base/digits.h \
	daemon/base/embedded.h \
	daemon/base/kill_point.h daemon/base/kill_points.def \
	daemon/base/log.c daemon/base/log.h daemon/base/log_events.def \
	daemon/base/money.c daemon/base/money.h \
	daemon/base/nearest.c daemon/base/nearest.h \
	daemon/base/random.c daemon/base/random.h \
	daemon/base/status.c daemon/base/status.h \
	daemon/base/text.c daemon/base/text.h \
	daemon/base/utf8.c daemon/base/utf8_scan.h
# Where tests kill: --enable-kill-points.
if KILL_POINTS
daemon_base_libbase_a_SOURCES += daemon/base/kill_point.c
else
EXTRA_DIST += daemon/base/kill_point.c
endif
