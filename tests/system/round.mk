# SPDX-License-Identifier: PostgreSQL
check_PROGRAMS += tests/system/test_round tests/system/test_explain
tests_system_test_explain_SOURCES = tests/system/test_explain.c
tests_system_test_explain_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_explain_LDADD = tests/system/libsourcetest.a tests/system/libstoretest.a daemon/round/libround.a \
	daemon/source/libsource.a daemon/store/libstore.a daemon/io/libio.a \
	daemon/policy/libpolicy.a daemon/domain/libdomain.a daemon/base/libbase.a \
	$(IO_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) $(CHECK_LIBS)
tests_system_test_round_SOURCES = tests/system/test_round.c
tests_system_test_round_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_round_LDADD = tests/system/libstoretest.a daemon/round/libround.a daemon/store/libstore.a daemon/io/libio.a \
	daemon/policy/libpolicy.a daemon/domain/libdomain.a daemon/base/libbase.a \
	$(IO_LIBS) $(JANSSON_LIBS) $(INIH_LIBS) $(CHECK_LIBS)
