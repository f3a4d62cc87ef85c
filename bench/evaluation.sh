#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# bench: evaluation: a policy's compiled program beside the same scheme written in C by hand
# bench: no server
#
#   bench/run evaluation [--households N] [--rounds N]
#
# Evaluation alone, over blocks in memory (bench/evaluation/households.h says what lies in them): the Shaanxi county scheme
# as the daemon runs it, the same in C by hand (bench/evaluation/by_hand.c), and the daemon's program household by
# household. All outcomes of every household are compared first. At last the time in which each shipped policy is
# checked and compiled.
#   --households N   (1000000: some 3,300,000 persons and 9,000,000 facts, 400 MB)
#   --rounds N       the best of so many counts (9)
set -euo pipefail
root=$(dirname "$(cd "$(dirname "$0")" && pwd)")

households=1000000
rounds=9
while [ $# -gt 0 ]; do
	case $1 in
	--households) households=$2; shift 2 ;;
	--rounds) rounds=$2; shift 2 ;;
	-h | --help) sed -n '3,14s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) echo "evaluation: unknown option $1" >&2; exit 64 ;;
	esac
done

make -C "$BENCH_BUILD" -s bench/evaluation/evaluate
"$BENCH_BUILD/bench/evaluation/evaluate" "$root/conf/policies/shaanxi-county.policy" "$households" "$rounds" \
	"$root"/conf/policies/*.policy
