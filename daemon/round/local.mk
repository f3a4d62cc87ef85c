# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/round/libround.a
daemon_round_libround_a_SOURCES = \
	daemon/round/assemble.c daemon/round/assemble.h \
	daemon/round/compare.c daemon/round/compare.h \
	daemon/round/explain.h \
	daemon/round/match.c daemon/round/match.h \
	daemon/round/round.h \
	daemon/round/rules.c daemon/round/rules.h \
	daemon/round/warnings.h
