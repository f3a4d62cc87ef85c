# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/round/libround.a
daemon_round_libround_a_SOURCES = \
	daemon/round/assemble.c daemon/round/assemble.h \
	daemon/round/clearing.c daemon/round/clearing.h \
	daemon/round/compare.c daemon/round/compare.h \
	daemon/round/dossier.c daemon/round/dossier.h \
	daemon/round/event.c daemon/round/event.h \
	daemon/round/evidence.c daemon/round/evidence.h \
	daemon/round/explain.c daemon/round/explain.h \
	daemon/round/freshness.c daemon/round/freshness.h \
	daemon/round/gather.c daemon/round/gather.h \
	daemon/round/jtext.c daemon/round/jtext.h \
	daemon/round/judge.c daemon/round/judge.h \
	daemon/round/limit.c \
	daemon/round/load.c daemon/round/load.h daemon/round/load_facts.c daemon/round/load_facts.h \
	daemon/round/match.c daemon/round/match.h \
	daemon/round/origin.c daemon/round/origin.h \
	daemon/round/past.c daemon/round/past.h \
	daemon/round/preview.c daemon/round/preview.h \
	daemon/round/record.c daemon/round/record.h \
	daemon/round/render.c daemon/round/render.h daemon/round/render_internal.h \
	daemon/round/render_changes.c daemon/round/render_json.c daemon/round/render_text.c \
	daemon/round/report.c daemon/round/report.h \
	daemon/round/round.c daemon/round/round.h \
	daemon/round/rules.c daemon/round/rules.h daemon/round/swings.c daemon/round/swings.h \
	daemon/round/shard.c daemon/round/shard.h \
	daemon/round/simulate.c daemon/round/simulate.h \
	daemon/round/simulate_explain.c daemon/round/simulate_explain.h daemon/round/simulate_reasons.c daemon/round/simulate_reasons.h \
	daemon/round/simulate_amounts.c daemon/round/simulate_amounts.h daemon/round/simulation.c daemon/round/simulation.h \
	daemon/round/standing.c daemon/round/standing.h \
	daemon/round/twin.c daemon/round/twin.h \
	daemon/round/warnings.c daemon/round/warnings.h
