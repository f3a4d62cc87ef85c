# SPDX-License-Identifier: PostgreSQL
check_PROGRAMS += tests/unit/test_policy
TESTS += tests/unit/test_policy
EXTRA_DIST += conf/policies/shaanxi-county.policy tests/cases/policy_prelude.policy tests/cases/policy_english.policy \
	tests/cases/policy_diagnostics.tsv tests/cases/policy_warnings.tsv tests/cases/policy_conditions.tsv tests/cases/policy_clauses.tsv \
	tests/cases/policy_mutants.policy tests/cases/policy_terms.policy tests/cases/policy_mutants.tsv tests/cases/policy_format.tsv tests/cases/policy_diffs.tsv
tests_unit_test_policy_SOURCES = tests/unit/test_policy_main.c \
	tests/unit/test_policy.c tests/unit/test_policy.h tests/unit/test_policy_text.c tests/unit/test_policy_examples.c \
	tests/unit/test_policy_run.c tests/unit/test_policy_leaves.c tests/unit/test_policy_explain.c tests/unit/test_policy_hostile.c tests/unit/test_policy_supply.c \
	tests/unit/test_policy_ended.c
tests_unit_test_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_LDADD = tests/unit/libunit.a daemon/policy/libpolicy.a daemon/domain/libdomain.a daemon/base/libbase.a \
	$(INIH_LIBS) $(CHECK_LIBS)

# A program of its own: the two run side by side.
check_PROGRAMS += tests/unit/test_policy_tools
TESTS += tests/unit/test_policy_tools
tests_unit_test_policy_tools_SOURCES = tests/unit/test_policy_tools_main.c tests/unit/test_policy.c tests/unit/test_policy.h \
	tests/unit/test_policy_whatif.c tests/unit/test_policy_mutants.c tests/unit/test_policy_format.c tests/unit/test_policy_diff.c
tests_unit_test_policy_tools_CFLAGS = $(tests_unit_test_policy_CFLAGS)
tests_unit_test_policy_tools_LDADD = $(tests_unit_test_policy_LDADD)

check_PROGRAMS += tests/unit/test_policy_allocation
TESTS += tests/unit/test_policy_allocation
tests_unit_test_policy_allocation_SOURCES = tests/unit/test_policy_allocation.c tests/unit/allocation_arena.c \
	tests/unit/test_policy.c tests/unit/test_policy.h
tests_unit_test_policy_allocation_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_allocation_LDFLAGS = $(AM_LDFLAGS) $(ALLOCATION_WRAPS) $(ARENA_WRAPS)
tests_unit_test_policy_allocation_LDADD = tests/unit/liballocation.a tests/unit/libunit.a daemon/policy/libpolicy.a \
	daemon/domain/libdomain.a daemon/base/libbase.a $(INIH_LIBS) $(CHECK_LIBS)
