# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/api/libapi.a
daemon_api_libapi_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
daemon_api_libapi_a_SOURCES = \
	daemon/api/facts.c daemon/api/facts.h \
	daemon/api/health.c daemon/api/health.h \
	daemon/api/metrics.c daemon/api/metrics.h \
	daemon/api/page.c daemon/api/page.h \
	daemon/api/server.c daemon/api/server.h \
	daemon/api/view.c daemon/api/view.h
