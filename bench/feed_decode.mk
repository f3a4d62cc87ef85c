# SPDX-License-Identifier: PostgreSQL
EXTRA_PROGRAMS += bench/feed_decode
bench_feed_decode_SOURCES = bench/feed_decode.c
bench_feed_decode_LDADD = daemon/source/libsource.a daemon/store/libstore.a daemon/io/libio.a daemon/domain/libdomain.a \
	daemon/base/libbase.a $(IO_LIBS) $(INIH_LIBS) $(JANSSON_LIBS)
EXTRA_PROGRAMS += bench/feed_libcsv
bench_feed_libcsv_SOURCES = bench/feed_libcsv.c
bench_feed_libcsv_LDADD = -lcsv
EXTRA_DIST += bench/decode.sh
