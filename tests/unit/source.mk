# SPDX-License-Identifier: PostgreSQL
source_tests = tests/unit/test_csv tests/unit/test_decode tests/unit/test_drop tests/unit/test_encoding tests/unit/test_manifest tests/unit/test_feed_config \
	tests/unit/test_feed_rows tests/unit/test_table
check_PROGRAMS += $(source_tests)
TESTS += $(source_tests)
EXTRA_DIST += tests/cases/csv.tsv tests/cases/encodings.tsv tests/cases/manifests.tsv tests/cases/feed_configs.tsv \
	tests/cases/feed_dates.tsv tests/cases/feed_rows.tsv tests/cases/feed_masks.tsv
source_test_libs = tests/unit/libunit.a daemon/source/libsource.a daemon/store/libstore.a daemon/io/libio.a \
	daemon/domain/libdomain.a daemon/base/libbase.a $(INIH_LIBS) $(JANSSON_LIBS) $(PQ_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)

tests_unit_test_csv_SOURCES = tests/unit/test_csv.c
tests_unit_test_csv_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_csv_LDADD = $(source_test_libs)
tests_unit_test_decode_SOURCES = tests/unit/test_decode.c
tests_unit_test_decode_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_decode_LDADD = $(source_test_libs)
tests_unit_test_drop_SOURCES = tests/unit/test_drop.c
tests_unit_test_drop_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_drop_LDADD = $(source_test_libs)
tests_unit_test_encoding_SOURCES = tests/unit/test_encoding.c
tests_unit_test_encoding_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_encoding_LDADD = $(source_test_libs)
tests_unit_test_manifest_SOURCES = tests/unit/test_manifest.c
tests_unit_test_manifest_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_manifest_LDADD = $(source_test_libs)
tests_unit_test_feed_config_SOURCES = tests/unit/test_feed_config.c
tests_unit_test_feed_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_feed_config_LDADD = $(source_test_libs)
tests_unit_test_feed_rows_SOURCES = tests/unit/test_feed_rows.c
tests_unit_test_feed_rows_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_feed_rows_LDADD = $(source_test_libs)
tests_unit_test_table_SOURCES = tests/unit/test_table.c
tests_unit_test_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_table_LDADD = $(source_test_libs)

# System calls on files that fail: the linker puts tests/unit/faults.c between our libraries and the C library.
FAULTS_WRAPS = -Wl,--wrap=open,--wrap=read,--wrap=pread,--wrap=write,--wrap=fsync,--wrap=close \
	-Wl,--wrap=rename,--wrap=renameat2,--wrap=link,--wrap=unlink,--wrap=mkdir \
	-Wl,--wrap=opendir,--wrap=readdir,--wrap=stat,--wrap=lstat,--wrap=fstat,--wrap=access
check_LIBRARIES += tests/unit/libfaults.a
tests_unit_libfaults_a_SOURCES = tests/unit/faults.c tests/unit/faults.h
tests_unit_libfaults_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
