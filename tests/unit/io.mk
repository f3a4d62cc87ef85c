# SPDX-License-Identifier: PostgreSQL
# What the unit tests of io share, and one program per module.
check_LIBRARIES += tests/unit/libiofixture.a
EXTRA_DIST += \
	tests/cases/addresses.tsv tests/cases/base64.tsv tests/cases/ed25519.tsv tests/cases/hmac_sha256.tsv \
	tests/cases/http_answers.tsv tests/cases/http_kept.tsv tests/cases/http_requests.tsv tests/cases/networks.tsv \
	tests/cases/retry_after.tsv tests/cases/sha256.tsv
tests_unit_libiofixture_a_SOURCES = \
	tests/unit/io_fixture.c tests/unit/io_fixture.h \
	tests/unit/io_net.c tests/unit/io_net.h
tests_unit_libiofixture_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS)
# libssl comes with libcrypto: the tests' TLS server needs it.
IO_TEST_LIBS = tests/unit/libiofixture.a tests/unit/libunit.a daemon/io/libio.a daemon/base/libbase.a \
	$(IO_LIBS) -lssl $(CRYPTO_LIBS) $(CHECK_LIBS)

IO_TESTS = \
	tests/unit/test_io_address \
	tests/unit/test_io_allocation \
	tests/unit/test_io_crypto \
	tests/unit/test_io_file \
	tests/unit/test_io_http_answer \
	tests/unit/test_io_http_client \
	tests/unit/test_io_http_hostile \
	tests/unit/test_io_http_server \
	tests/unit/test_io_loop \
	tests/unit/test_io_notify \
	tests/unit/test_io_socket
check_PROGRAMS += $(IO_TESTS)
TESTS += $(IO_TESTS)

tests_unit_test_io_address_SOURCES = tests/unit/test_io_address.c
tests_unit_test_io_address_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_address_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_crypto_SOURCES = tests/unit/test_io_crypto.c
tests_unit_test_io_crypto_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_crypto_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_file_SOURCES = tests/unit/test_io_file.c
tests_unit_test_io_file_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_file_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_http_answer_SOURCES = tests/unit/test_io_http_answer.c
tests_unit_test_io_http_answer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_http_answer_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_http_client_SOURCES = tests/unit/test_io_http_client.c tests/unit/io_client.c tests/unit/io_client.h
tests_unit_test_io_http_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_http_client_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_http_hostile_SOURCES = tests/unit/test_io_http_hostile.c tests/unit/io_client.c tests/unit/io_client.h
tests_unit_test_io_http_hostile_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_http_hostile_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_http_server_SOURCES = tests/unit/test_io_http_server.c
tests_unit_test_io_http_server_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_http_server_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_loop_SOURCES = tests/unit/test_io_loop.c
tests_unit_test_io_loop_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_loop_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_notify_SOURCES = tests/unit/test_io_notify.c
tests_unit_test_io_notify_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_notify_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_socket_SOURCES = tests/unit/test_io_socket.c
tests_unit_test_io_socket_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_socket_LDADD = $(IO_TEST_LIBS)

tests_unit_test_io_allocation_SOURCES = tests/unit/test_io_allocation.c
tests_unit_test_io_allocation_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_io_allocation_LDFLAGS = $(AM_LDFLAGS) $(ALLOCATION_WRAPS)
tests_unit_test_io_allocation_LDADD = tests/unit/liballocation.a $(IO_TEST_LIBS)
