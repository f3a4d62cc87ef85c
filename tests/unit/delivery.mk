# SPDX-License-Identifier: PostgreSQL
check_PROGRAMS += tests/unit/test_delivery
TESTS += tests/unit/test_delivery
EXTRA_DIST += tests/cases/verdicts.tsv
tests_unit_test_delivery_SOURCES = tests/unit/test_delivery.c
tests_unit_test_delivery_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_delivery_LDADD = tests/unit/libunit.a daemon/delivery/libdelivery.a daemon/store/libstore.a \
	daemon/policy/libpolicy.a daemon/domain/libdomain.a daemon/io/libio.a daemon/base/libbase.a $(PQ_LIBS) \
	$(EVENT_LIBS) $(CURL_LIBS) $(HTTP_PARSER_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)
