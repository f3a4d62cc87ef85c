# SPDX-License-Identifier: PostgreSQL
EXTRA_PROGRAMS += bench/evaluation/evaluate
bench_evaluation_evaluate_SOURCES = bench/evaluation/evaluate.c bench/evaluation/by_hand.c bench/evaluation/by_hand.h \
	bench/evaluation/households.c bench/evaluation/households.h
bench_evaluation_evaluate_LDADD = daemon/policy/libpolicy.a daemon/domain/libdomain.a daemon/base/libbase.a $(INIH_LIBS)
EXTRA_DIST += bench/evaluation.sh
