# SPDX-License-Identifier: PostgreSQL
# What the unit tests of io share, and one program per module.
check_LIBRARIES += tests/unit/libiofixture.a
EXTRA_DIST += tests/cases/http_answers.tsv tests/cases/http_requests.tsv tests/cases/retry_after.tsv
tests_unit_libiofixture_a_SOURCES = \
	tests/unit/io_fixture.c tests/unit/io_fixture.h \
	tests/unit/io_net.c tests/unit/io_net.h
tests_unit_libiofixture_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS)
# libssl comes with libcrypto: the tests' TLS server needs it.
IO_TEST_LIBS = tests/unit/libiofixture.a tests/unit/libunit.a daemon/io/libio.a daemon/base/libbase.a \
	$(IO_LIBS) -lssl $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_io_loop tests/unit/test_io_http_client tests/unit/test_io_http_server
TESTS += tests/unit/test_io_loop tests/unit/test_io_http_client tests/unit/test_io_http_server

tests_unit_test_io_loop_SOURCES = tests/unit/test_io_loop.c
tests_unit_test_io_loop_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_loop_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_http_client_SOURCES = tests/unit/test_io_http_client.c
tests_unit_test_io_http_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_http_client_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_http_server_SOURCES = tests/unit/test_io_http_server.c
tests_unit_test_io_http_server_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_http_server_LDADD = $(IO_TEST_LIBS)
