# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/source/libsource.a
daemon_source_libsource_a_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS) $(JANSSON_CFLAGS)
daemon_source_libsource_a_SOURCES = \
	daemon/source/csv.c daemon/source/csv.h \
	daemon/source/encoding.c daemon/source/encoding.h \
	daemon/source/feed_config.c daemon/source/feed_config.h \
	daemon/source/feed_rows.c daemon/source/feed_rows.h \
	daemon/source/manifest.c daemon/source/manifest.h
