# SPDX-License-Identifier: PostgreSQL
EXTRA_PROGRAMS += bench/round_once bench/raw_copy
bench_round_once_SOURCES = bench/round_once.c
bench_round_once_LDADD = daemon/round/libround.a daemon/store/libstore.a daemon/io/libio.a daemon/policy/libpolicy.a \
	daemon/domain/libdomain.a daemon/base/libbase.a $(IO_LIBS) $(INIH_LIBS) $(JANSSON_LIBS)
bench_raw_copy_SOURCES = bench/raw_copy.c
bench_raw_copy_CFLAGS = $(AM_CFLAGS) $(PQ_CFLAGS)
bench_raw_copy_LDADD = $(PQ_LIBS)
EXTRA_DIST += bench/lib/bench.mjs bench/round.mjs bench/start.mjs bench/years.mjs bench/sql/bits.sql bench/sql/changes.sql bench/sql/compare.sql \
	bench/sql/household.sql bench/sql/judge.sql bench/sql/one_statement.sql bench/sql/person_bits.sql \
	bench/sql/session.sql bench/sql/staged_begin.sql bench/sql/staged_income.sql bench/sql/staged_judge.sql \
	bench/sql/staged_rest.sql
