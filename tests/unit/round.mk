# SPDX-License-Identifier: PostgreSQL
check_PROGRAMS += tests/unit/test_compare tests/unit/test_assemble
TESTS += tests/unit/test_compare tests/unit/test_assemble
EXTRA_DIST += tests/cases/compare.tsv

tests_unit_test_compare_SOURCES = tests/unit/test_compare.c
tests_unit_test_compare_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_compare_LDADD = tests/unit/libunit.a daemon/round/libround.a daemon/base/libbase.a $(CHECK_LIBS)

tests_unit_test_assemble_SOURCES = tests/unit/test_assemble.c
tests_unit_test_assemble_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_assemble_LDADD = tests/unit/libunit.a daemon/round/libround.a daemon/base/libbase.a $(CHECK_LIBS)
