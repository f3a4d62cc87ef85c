# SPDX-License-Identifier: PostgreSQL
EXTRA_PROGRAMS += bench/made_county bench/take_in
bench_made_county_SOURCES = bench/made_county.c
bench_made_county_LDADD = daemon/base/libbase.a
bench_take_in_SOURCES = bench/take_in.c
bench_take_in_LDADD = daemon/source/libsource.a daemon/store/libstore.a daemon/policy/libpolicy.a \
	daemon/domain/libdomain.a daemon/io/libio.a daemon/base/libbase.a $(IO_LIBS) $(INIH_LIBS) $(JANSSON_LIBS)
EXTRA_DIST += bench/ingest.sh bench/import.sh bench/lib/taking_in.sh
