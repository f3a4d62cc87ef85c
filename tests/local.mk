# SPDX-License-Identifier: PostgreSQL
# Tests that need nothing but the build; the others (PostgreSQL, HTTP) are run by ./check.
# One fragment per unit test program, tests/unit/X.mk; its tables are tests/cases/X.tsv.
AM_TESTS_ENVIRONMENT = \
	abs_top_srcdir='$(abs_top_srcdir)'; export abs_top_srcdir; \
	abs_top_builddir='$(abs_top_builddir)'; export abs_top_builddir; \
	CC='$(CC)'; export CC; \
	CK_DEFAULT_TIMEOUT=60; export CK_DEFAULT_TIMEOUT; \
	CK_TIMEOUT_MULTIPLIER=5; export CK_TIMEOUT_MULTIPLIER; \
	RES_OPTIONS='timeout:1 attempts:1'; export RES_OPTIONS;

check_LIBRARIES = tests/unit/libunit.a
tests_unit_libunit_a_SOURCES = tests/unit/cases.c tests/unit/cases.h
tests_unit_libunit_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

# Those that take longest begin first.
include tests/unit/policy.mk
include tests/unit/app.mk
include tests/unit/base.mk
include tests/unit/io.mk
include tests/unit/round.mk
include tests/unit/domain.mk
include tests/lint.mk
include tests/reference/local.mk
include tests/unit/delivery.mk
include tests/system/local.mk
include tests/system/round.mk
include tests/system/source.mk
include tests/unit/source.mk
include tests/policies/local.mk
include tests/fault/local.mk
include tests/fuzz/local.mk
include tests/systemd/local.mk

# The long ones as well: see check.
check-long:
	$(top_srcdir)/check --long
.PHONY: check-long

# Which branches of the policy language and of the domain the unit tests, cases and fuzz corpora take, per file.
coverage:
	$(top_srcdir)/build-aux/install-packages coverage
	$(top_srcdir)/tests/coverage $(abs_top_builddir)/build-coverage
.PHONY: coverage
EXTRA_DIST += tests/README.md tests/coverage tests/quick_check.h
