#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# bench: county: makes a county of any size in the register's own tables (what the other benchmarks measure)
#
#   bench/run --keep DIR county [--households N] [--seed N] [--database NAME]
#   bench/county.sh CONNINFO [--households N] [--seed N]     in a database that exists
#
# A county that is there already is kept; it is only migrated, if need be.
#
# N households (330000: a million persons) in 16 townships and 224 villages: 1 to 7 persons, ages 0 to 95, valid identity
# numbers; two years of incomes (two facts per person), a rigid expense for every second person, states, events, relief, from
# the register and seven feeds with 24 monthly batches each; some of what an agency says is on the register as well, with
# another amount. Unknown values, ended states, deaths, people who moved away, unreadable identity numbers; 24 hard cases (on
# a line, one fen beside it, on the edge of a window, twelve persons, nobody left …) are planted here and there. The
# evaluation date is 2021-06-30. The rows lie in the tables as ingests leave them: by batch, then as in the file.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${BENCH_BUILD:-${SHOUWANG_BUILD:-$(dirname "$here")}}

households=330000
seed=1
database=county
conninfo=
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) sed -n '3,17s/^# \{0,1\}//p' "$0"; exit 0 ;;
	--households) households=${2:?}; shift 2 ;;
	--seed) seed=${2:?}; shift 2 ;;
	--database) database=${2:?}; shift 2 ;;
	-*) echo "county: unknown option $1" >&2; exit 64 ;;
	*) conninfo=$1; shift ;;
	esac
done
for number in "$households" "$seed"; do
	case $number in '' | *[!0-9]*) echo "county: $number: expected a number" >&2; exit 64 ;; esac
done

sql() { psql -XAtq -v ON_ERROR_STOP=1 "$@"; }

if [ -z "$conninfo" ]; then
	: "${BENCH_CONNINFO:?run it by bench/run, or name a database}"
	conninfo="$BENCH_CONNINFO dbname=$database"
	[ -n "$(sql -d "$BENCH_CONNINFO dbname=postgres" -c "select 1 from pg_database where datname = '$database'")" ] ||
		sql -d "$BENCH_CONNINFO dbname=postgres" -c "create database $database"
fi

began=$(date +%s)
conf=$(mktemp)
trap 'rm -f "$conf"' EXIT
printf '[county]\ncode = 610922\nname = 示范县\n[database]\nconninfo = %s\n[policy]\nfile = %s/conf/policies/shaanxi-county.policy\n' \
	"$conninfo" "$(dirname "$here")" >"$conf"
"$build/ctl/shouwangctl" -c "$conf" migrate >/dev/null
# One that is there is kept: it may be of an earlier build, with fewer migrations.
[ "$(sql -d "$conninfo" -c 'select count(*) from shouwang.household')" = 0 ] || exit 0
sql -d "$conninfo" -v "households=$households" -v "seed=$seed" -f "$here/sql/county.sql" >/dev/null
sql -d "$conninfo" -c 'vacuum (analyze)' -c checkpoint
sql -F ' ' -d "$conninfo" -c "
	select (select count(*) from shouwang.household) || ' households, ' || (select count(*) from shouwang.person) || ' persons, '
		|| (select count(*) from shouwang.person_fact) || ' facts of persons, ' || (select count(*) from shouwang.household_fact)
		|| ' of households, ' || pg_size_pretty(pg_database_size(current_database()))"
echo "made in $(($(date +%s) - began)) s"
