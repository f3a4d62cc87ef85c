# SPDX-License-Identifier: PostgreSQL
ROUND_SYSTEM_TESTS = tests/system/test_explain tests/system/test_round tests/system/test_round_faults
check_PROGRAMS += $(ROUND_SYSTEM_TESTS)
check_LIBRARIES += tests/system/libroundtest.a
tests_system_libroundtest_a_SOURCES = tests/system/round_fixture.c tests/system/round_fixture.h
tests_system_libroundtest_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
ROUND_TEST_LIBS = tests/system/libroundtest.a tests/system/libsourcetest.a tests/system/libstoretest.a daemon/round/libround.a \
	daemon/source/libsource.a daemon/store/libstore.a daemon/io/libio.a \
	daemon/policy/libpolicy.a daemon/domain/libdomain.a daemon/base/libbase.a \
	$(IO_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) $(CHECK_LIBS)

tests_system_test_explain_SOURCES = tests/system/test_explain.c
tests_system_test_explain_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_explain_LDADD = $(ROUND_TEST_LIBS)
tests_system_test_round_SOURCES = tests/system/test_round.c
tests_system_test_round_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_round_LDADD = $(ROUND_TEST_LIBS)
tests_system_test_round_faults_SOURCES = tests/system/test_round_faults.c
tests_system_test_round_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_round_faults_LDADD = $(ROUND_TEST_LIBS)
