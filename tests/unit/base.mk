# SPDX-License-Identifier: PostgreSQL
check_PROGRAMS += tests/unit/test_base
TESTS += tests/unit/test_base
EXTRA_DIST += tests/cases/dates.tsv tests/cases/money.tsv tests/cases/utf8.tsv tests/cases/timestamps.tsv
tests_unit_test_base_SOURCES = \
	tests/unit/test_base.c tests/unit/test_base_text.c tests/unit/test_base_time.c tests/unit/test_base_log.c \
	tests/unit/test_base.h
tests_unit_test_base_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_base_LDADD = tests/unit/libunit.a daemon/base/libbase.a $(CHECK_LIBS)
