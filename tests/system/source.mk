# SPDX-License-Identifier: PostgreSQL
SOURCE_SYSTEM_TESTS = tests/system/test_source_county tests/system/test_source_flips tests/system/test_source_import \
	tests/system/test_source_ingest tests/system/test_source_refusals
check_PROGRAMS += $(SOURCE_SYSTEM_TESTS)
check_LIBRARIES += tests/system/libsourcetest.a
tests_system_libsourcetest_a_SOURCES = tests/system/source_fixture.c tests/system/source_fixture.h
tests_system_libsourcetest_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
SOURCE_TEST_LIBS = tests/system/libsourcetest.a daemon/source/libsource.a $(STORE_TEST_LIBS) $(JANSSON_LIBS)

tests_system_test_source_import_SOURCES = tests/system/test_source_import.c
tests_system_test_source_import_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_source_import_LDADD = $(SOURCE_TEST_LIBS)
tests_system_test_source_ingest_SOURCES = tests/system/test_source_ingest.c
tests_system_test_source_ingest_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_source_ingest_LDADD = $(SOURCE_TEST_LIBS)
tests_system_test_source_refusals_SOURCES = tests/system/test_source_refusals.c
tests_system_test_source_refusals_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_source_refusals_LDADD = $(SOURCE_TEST_LIBS)
tests_system_test_source_county_SOURCES = tests/system/test_source_county.c
tests_system_test_source_county_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_source_county_LDADD = $(SOURCE_TEST_LIBS)

# Memory and the disk fail at every place once (tests/unit/allocation.h, faults.h).
check_PROGRAMS += tests/system/test_source_faults
tests_system_test_source_faults_SOURCES = tests/system/test_source_faults.c
tests_system_test_source_faults_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_source_faults_LDFLAGS = $(AM_LDFLAGS) $(ALLOCATION_WRAPS) $(FAULTS_WRAPS)
tests_system_test_source_faults_LDADD = tests/unit/libfaults.a tests/unit/liballocation.a $(SOURCE_TEST_LIBS)
tests_system_test_source_flips_SOURCES = tests/system/test_source_flips.c
tests_system_test_source_flips_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_system_test_source_flips_LDADD = $(SOURCE_TEST_LIBS)
