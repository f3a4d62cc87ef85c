#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# bench: import: importing a register beside COPY FROM of the same files
#
#   bench/run import [--persons N] [--households N] [--runs N]
#
# A register of N persons (1000000 in 330000 households) with about 2.5 facts a person (bench/made_county.c) is imported for
# the first time, again with one byte more (so that nothing is cut short), and with 2 % changed, gone and new. The peer is
# COPY FROM in CSV format, by the server from the same files, into three plain tables with the files' columns in the types
# of the register, a primary key each for households and persons, an index for the members of a household, and one for the
# facts of each kind of subject; in one transaction, committed. Ours and theirs in turn, N times (3); the median of each
# counts. Columns: milliseconds by the clock, of our processor time, of the backend's, memory of ours in MB.
set -euo pipefail
# shellcheck source=bench/lib/taking_in.sh
. "$(dirname "$0")/lib/taking_in.sh" "$@"

files_made
mkdir -p "$BENCH_DIR/files/again"
cp "$BENCH_DIR"/files/first/* "$BENCH_DIR/files/again/"
echo >>"$BENCH_DIR/files/again/household.csv"
chmod -R a+rX "$BENCH_DIR/files"

# take NAME FOLDER
take() {
	"$build/bench/take_in" "$BENCH_CONNINFO dbname=run" "$BENCH_DIR/files/$2" 2>>"$BENCH_DIR/log" |
		awk '{ print $4, $5, $6, $7 }' >>"$BENCH_DIR/$1.ours"
}

peer() {
	sql run -c 'drop schema if exists peer cascade' -c 'create schema peer' \
		-c 'create table peer.household (household_no text primary key, township_code bigint, village_code bigint, area text, address text)' \
		-c 'create table peer.person (household_no text not null, id_number text primary key, name text, kinship smallint, labour text)' \
		-c 'create index on peer.person (household_no)' \
		-c 'create table peer.fact (household_no text, id_number text, code text, value text, "from" date, "to" date, ref text, as_of date)' \
		-c 'create index on peer.fact (id_number) where id_number is not null' \
		-c 'create index on peer.fact (household_no) where household_no is not null' 2>/dev/null
	copied run "copy peer.household from '$BENCH_DIR/files/$1/household.csv' (format csv, header)" \
		"copy peer.person from '$BENCH_DIR/files/$1/person.csv' (format csv, header)" \
		"copy peer.fact from '$BENCH_DIR/files/$1/fact.csv' (format csv, header)" >>"$BENCH_DIR/copy.peer"
}

rm -f "$BENCH_DIR"/*.ours "$BENCH_DIR"/*.peer
for run in $(seq "$runs"); do
	sql postgres -c 'drop database if exists run with (force)' 2>/dev/null
	migrated run
	take first first
	peer first
	take again again
	take changed second
	echo "run $run of $runs done" >&2
done

read -r theirs cpu < <(median "$runs" <"$BENCH_DIR/copy.peer")
printf '%-28s %10s %10s %11s %6s\n' '' ms own-cpu backend-cpu MB
printf '%-28s %10.1f %10s %11.1f %6s\n' 'COPY of the files' "$theirs" - "$cpu" -
for name in first again changed; do
	read -r ours own backend memory < <(median "$runs" <"$BENCH_DIR/$name.ours")
	printf '%-28s %10.1f %10.1f %11.1f %6d   x %s\n' "import, $name" "$ours" "$own" "$backend" "$memory" \
		"$(awk "BEGIN { printf \"%.2f\", $ours / $theirs }")"
done
