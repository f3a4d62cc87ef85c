# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/app/libapp.a
daemon_app_libapp_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
daemon_app_libapp_a_SOURCES = \
	daemon/app/control.c daemon/app/control.h \
	daemon/app/daemon.c daemon/app/daemon.h daemon/app/daemon_state.h \
	daemon/app/database.c daemon/app/database.h \
	daemon/app/ini.c daemon/app/ini.h \
	daemon/app/jobs.c daemon/app/jobs.h \
	daemon/app/json_memory.c daemon/app/json_memory.h \
	daemon/app/leader.c daemon/app/leader.h \
	daemon/app/look.c daemon/app/look.h \
	daemon/app/mistakes.c daemon/app/mistakes.h \
	daemon/app/option.c daemon/app/option.h \
	daemon/app/option_types.c daemon/app/option_values.h \
	daemon/app/options.c daemon/app/options.h \
	daemon/app/reload.c \
	daemon/app/schedule.c daemon/app/schedule.h \
	daemon/app/settings.c daemon/app/settings.h \
	daemon/app/settings_difference.c daemon/app/settings_difference.h \
	daemon/app/supply.c daemon/app/supply.h \
	daemon/app/townships.c daemon/app/townships.h \
	daemon/app/verb_status.c daemon/app/verbs.c daemon/app/view.c \
	daemon/app/wall_clock.c daemon/app/wall_clock.h

# The sample is what the option table prints; tests/unit/test_app keeps it true.
dist_doc_DATA += conf/shouwang.conf
