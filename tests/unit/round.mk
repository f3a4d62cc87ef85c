# SPDX-License-Identifier: PostgreSQL
check_PROGRAMS += tests/unit/test_compare tests/unit/test_assemble tests/unit/test_event tests/unit/test_freshness
TESTS += tests/unit/test_compare tests/unit/test_assemble tests/unit/test_event tests/unit/test_freshness
EXTRA_DIST += tests/cases/compare.tsv tests/cases/freshness.tsv tests/cases/limits.tsv

tests_unit_test_compare_SOURCES = tests/unit/test_compare.c
tests_unit_test_compare_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_compare_LDADD = tests/unit/libunit.a daemon/round/libround.a daemon/base/libbase.a $(CHECK_LIBS)

tests_unit_test_assemble_SOURCES = tests/unit/test_assemble.c
tests_unit_test_assemble_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_assemble_LDADD = tests/unit/libunit.a daemon/round/libround.a daemon/base/libbase.a $(CHECK_LIBS)

tests_unit_test_event_SOURCES = tests/unit/test_event.c
tests_unit_test_event_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_event_LDADD = tests/unit/libunit.a daemon/round/libround.a daemon/domain/libdomain.a daemon/base/libbase.a \
	$(JANSSON_LIBS) $(INIH_LIBS) $(CHECK_LIBS)

tests_unit_test_freshness_SOURCES = tests/unit/test_freshness.c
tests_unit_test_freshness_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_freshness_LDADD = tests/unit/libunit.a daemon/round/libround.a daemon/policy/libpolicy.a \
	daemon/domain/libdomain.a daemon/base/libbase.a $(INIH_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_clearing tests/unit/test_swings
TESTS += tests/unit/test_clearing tests/unit/test_swings
EXTRA_DIST += tests/cases/clearing.tsv tests/cases/swings.tsv tests/cases/swings_found.tsv
tests_unit_test_swings_SOURCES = tests/unit/test_swings.c
tests_unit_test_swings_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_swings_LDADD = tests/unit/libunit.a daemon/round/libround.a daemon/store/libstore.a daemon/policy/libpolicy.a \
	daemon/domain/libdomain.a daemon/io/libio.a daemon/base/libbase.a $(PQ_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)
tests_unit_test_clearing_SOURCES = tests/unit/test_clearing.c
tests_unit_test_clearing_CFLAGS = $(tests_unit_test_swings_CFLAGS)
tests_unit_test_clearing_LDADD = $(tests_unit_test_swings_LDADD)
