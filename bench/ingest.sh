#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# bench: ingest: taking in feed files beside binary COPY FROM of the rows that they leave
#
#   bench/run ingest [--persons N] [--households N] [--runs N]
#
# A register of N persons (1000000 in 330000 households) and one feed of one fact a person (bench/made_county.c): a first
# batch; the next full batch, of which 98 % says the same; a delta batch of 2 % of its size; its first 20 rows again. Each is taken in as the daemon
# does it: from the look at the manifest, over hash, decoding, checks, identities, names and repeats, to the commit and the
# archive. The peer is PostgreSQL's own COPY FROM in binary, by the server from a file, of exactly the rows of the batch into
# tables of the same definition (columns, partitions, indexes), committed: of the first and of the next full batch into empty
# tables, of the delta batches into those that hold the rest; once in the order of the partner's file and once in the order in
# which we store. Ours and theirs in turn, N times (3); the median of each counts. Columns: milliseconds by the clock, of our
# processor time, of the backend's, memory of ours in MB.
set -euo pipefail
# shellcheck source=bench/lib/taking_in.sh
. "$(dirname "$0")/lib/taking_in.sh" "$@"

files_made
head -n 21 "$BENCH_DIR/files/feed/3.csv" >"$BENCH_DIR/files/feed/4.csv"
if [ "$(sql postgres -c "select count(*) from pg_database where datname = 'register'")" = 0 ]; then
	migrated register
	"$build/bench/take_in" "$BENCH_CONNINFO dbname=register" "$BENCH_DIR/files/first" >/dev/null
	sql register -c 'vacuum (analyze)'
fi
drop=$BENCH_DIR/drop
archive=$BENCH_DIR/archive

# put FILE BATCH MODE DAY
put() {
	local file=$BENCH_DIR/files/feed/$1.csv place=$drop/medical_insurance/$2.csv
	cp "$file" "$place"
	printf '{"feed":"medical_insurance","batch":"%s","period_from":"2021-01-01","period_to":"%s","mode":"%s","rows":%d,"sha256":"%s","sent_at":"%sT08:00:00+08:00"}\n' \
		"$2" "$4" "$3" "$(($(wc -l <"$file") - 1))" "$(sha256sum <"$file" | cut -d' ' -f1)" "$4" >"$place.manifest.json"
}

peer_tables() {
	sql run -c 'drop schema if exists peer cascade; create schema peer' -c "
		do \$\$
		declare t text; c int;
		begin
			foreach t in array array['person_fact', 'household_fact'] loop
				execute format('create table peer.%I (like shouwang.%I including all) partition by list (code)', t, t);
				for c in select code from shouwang.fact_code loop
					execute format('create table peer.%I partition of peer.%I for values in (%s)', t || '_' || c, t, c);
				end loop;
			end loop;
			create table peer.stranger_fact (like shouwang.stranger_fact including all);
		end
		\$\$" 2>/dev/null
}

# peer_files CONDITION ORDER: what our tables hold, as the peer's input
peer_files() {
	sql run -c "copy (select * from shouwang.person_fact where $1 order by $2) to '$BENCH_DIR/pg/persons.bin' (format binary)" \
		-c "copy (select * from shouwang.stranger_fact where $1 order by $2) to '$BENCH_DIR/pg/strangers.bin' (format binary)"
}

peer_copies() {
	copied run "copy peer.person_fact from '$BENCH_DIR/pg/persons.bin' (format binary)" \
		"copy peer.stranger_fact from '$BENCH_DIR/pg/strangers.bin' (format binary)"
}

file_order='batch_id, row_no'
our_order='code, 1'

# measure NAME FILE MODE DAY EMPTY CONDITION
measure() {
	put "$2" "$1" "$3" "$4"
	"$build/bench/take_in" "$BENCH_CONNINFO dbname=run" "$drop" "$archive" 2>>"$BENCH_DIR/log" |
		awk '{ print $4, $5, $6, $7 }' >>"$BENCH_DIR/$1.ours"
	if [ "$5" = empty ]; then peer_tables; fi
	peer_files "$6" "$file_order"
	peer_copies >>"$BENCH_DIR/$1.peer"
	if [ "$5" = empty ]; then
		peer_tables
		peer_files "$6" "$our_order"
		peer_copies >>"$BENCH_DIR/$1.sorted"
	fi
}

rm -f "$BENCH_DIR"/*.ours "$BENCH_DIR"/*.peer "$BENCH_DIR"/*.sorted
for run in $(seq "$runs"); do
	sql postgres -c 'drop database if exists run with (force)' -c 'create database run template register' 2>/dev/null
	rm -rf "$drop" "$archive"
	mkdir -p "$drop/medical_insurance" "$archive"
	source='source = 1'
	measure first 1 full 2021-05-31 empty "$source"
	measure next 2 full 2021-06-30 empty "$source"
	newest="$source and batch_id = (select max(batch_id) from shouwang.batch)"
	measure delta 3 delta 2021-07-30 filled "$newest"
	measure few 4 delta 2021-07-31 filled "$newest"
	echo "run $run of $runs done" >&2
done

printf '%-8s %-28s %10s %10s %10s %6s\n' batch '' ms own-cpu backend-cpu MB
for name in first next delta few; do
	read -r ours own backend memory < <(median "$runs" <"$BENCH_DIR/$name.ours")
	printf '%-8s %-28s %10.1f %10.1f %10.1f %6d\n' "$name" ingest "$ours" "$own" "$backend" "$memory"
	for peer in peer sorted; do
		if [ ! -e "$BENCH_DIR/$name.$peer" ]; then continue; fi
		read -r ms cpu < <(median "$runs" <"$BENCH_DIR/$name.$peer")
		if [ $peer = peer ]; then label="COPY, the file's order"; else label='COPY, our order'; fi
		printf '%-8s %-28s %10.1f %10s %10.1f %6s   ingest: x %s\n' "$name" "$label" "$ms" - "$cpu" - \
			"$(awk "BEGIN { printf \"%.2f\", $ours / $ms }")"
	done
done
