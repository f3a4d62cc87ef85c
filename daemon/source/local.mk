# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/source/libsource.a
daemon_source_libsource_a_SOURCES =
