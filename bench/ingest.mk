# SPDX-License-Identifier: PostgreSQL
EXTRA_PROGRAMS += bench/made_county bench/ingest_files
bench_made_county_SOURCES = bench/made_county.c
bench_made_county_LDADD = daemon/base/libbase.a
bench_ingest_files_SOURCES = bench/ingest_files.c
bench_ingest_files_LDADD = daemon/source/libsource.a daemon/store/libstore.a daemon/policy/libpolicy.a \
	daemon/domain/libdomain.a daemon/io/libio.a daemon/base/libbase.a $(IO_LIBS) $(INIH_LIBS) $(JANSSON_LIBS)
