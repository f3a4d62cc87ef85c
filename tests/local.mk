# SPDX-License-Identifier: PostgreSQL
# Tests that need nothing but the build; the others (PostgreSQL, HTTP) are run by ./check.
# One fragment per unit test program, tests/unit/X.mk; its tables are tests/cases/X.tsv.
AM_TESTS_ENVIRONMENT = \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	CC='$(CC)'; export CC; \
	CK_DEFAULT_TIMEOUT=60; export CK_DEFAULT_TIMEOUT;

check_LIBRARIES = tests/unit/libunit.a
tests_unit_libunit_a_SOURCES = tests/unit/cases.c tests/unit/cases.h
tests_unit_libunit_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

include tests/unit/base.mk
include tests/unit/io.mk
include tests/unit/round.mk
include tests/unit/domain.mk
include tests/unit/app.mk
include tests/lint.mk
include tests/reference/local.mk
include tests/unit/delivery.mk
include tests/system/local.mk
include tests/system/round.mk
include tests/system/source.mk
include tests/unit/source.mk
include tests/unit/policy.mk
include tests/policies/local.mk
include tests/fault/local.mk
include tests/fuzz/local.mk

# The long ones: the policy machine against the evaluator on many more counties; every kill point twenty times, where this
# build or the one that ./check made has kill points; every fault of memory and disk; decoders against slow readers on more
# text; a batch with each of its bits changed; a minute of libFuzzer for each of its targets.
check-long: check
	SHOUWANG_SEEDS=60 $(top_srcdir)/tests/system/run $(abs_top_builddir) reference
	SHOUWANG_SEEDS=10 $(top_srcdir)/tests/system/run $(abs_top_builddir) language policies
	SHOUWANG_SEEDS=20 $(top_srcdir)/tests/fault/run $(abs_top_builddir) $(top_srcdir)/build-asan
	SHOUWANG_LONG=1 $(top_srcdir)/tests/system/run-store.sh $(abs_top_builddir) \
		$(abs_top_builddir)/tests/system/test_source_faults $(abs_top_builddir)/tests/system/test_source_flips
	abs_top_srcdir=$(abs_top_srcdir) SHOUWANG_SEEDS=60 $(abs_top_builddir)/tests/unit/test_decode
	$(top_srcdir)/build-aux/install-packages fuzz
	SHOUWANG_BUILD=$(abs_top_builddir) $(top_srcdir)/tests/fuzz/run --build $(abs_top_builddir)/build-fuzz 60
	SHOUWANG_LONG=1 SHOUWANG_OUTAGE_S=180 $(top_srcdir)/tests/system/run $(abs_top_builddir) standby pgfaults
.PHONY: check-long

# Which branches of the policy language and of the domain the unit tests, cases and fuzz corpora take, per file.
coverage:
	$(top_srcdir)/build-aux/install-packages coverage
	$(top_srcdir)/tests/coverage $(abs_top_builddir)/build-coverage
.PHONY: coverage
EXTRA_DIST += tests/coverage tests/quick_check.h
