# SPDX-License-Identifier: PostgreSQL
# shellcheck shell=bash disable=SC2034
# What bench/ingest.sh and bench/import.sh share: options, an empty database, files, COPY, medians. Sourced with the options of the
# script (their meaning stands in its head, which --help prints); needs BENCH_BUILD, BENCH_DIR and BENCH_CONNINFO.

root=$(cd "$(dirname "$0")/.." && pwd)
build=${BENCH_BUILD:?run it by bench/run}
persons=1000000
households=330000
runs=3
while [ $# -gt 0 ]; do
	case $1 in
	-h | --help) sed -n '3,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
	--persons) persons=${2:?}; shift 2 ;;
	--households) households=${2:?}; shift 2 ;;
	--runs) runs=${2:?}; shift 2 ;;
	*) echo "$(basename "$0" .sh): unknown option $1" >&2; exit 64 ;;
	esac
done
make -s -C "$build" bench/made_county bench/take_in

sql() { psql -XAtq -v ON_ERROR_STOP=1 -d "$BENCH_CONNINFO dbname=$1" "${@:2}"; }

# An empty, migrated database.
migrated() {
	sql postgres -c "create database $1"
	printf '[county]\ncode = 610922\nname = 示范县\n[database]\nconninfo = %s dbname=%s\n[policy]\nfile = %s/conf/policies/shaanxi-county.policy\n' \
		"$BENCH_CONNINFO" "$1" "$root" >"$BENCH_DIR/bench.conf"
	"$build/ctl/shouwangctl" -c "$BENCH_DIR/bench.conf" migrate >/dev/null
}

# The server reads the peers' files itself, so they lie where it may.
files_made() {
	if [ ! -e "$BENCH_DIR/files/feed/3.csv" ]; then
		mkdir -p "$BENCH_DIR"/files/{first,second,feed}
		"$build/bench/made_county" "$BENCH_DIR/files" "$persons" "$households"
	fi
	chmod -R a+rX "$BENCH_DIR/files"
}

# copied DATABASE SQL…: runs the statements in one transaction; prints its milliseconds, by the clock and of the backend's
# processor time.
copied() {
	local database=$1 statements
	shift
	statements=$(printf '%s;\n' "$@")
	sql "$database" -v statements="$statements" <<-'PSQL'
		select pg_backend_pid() as pid \gset
		\setenv PID :pid
		begin;
		\set before `cut -d' ' -f1 /proc/$PID/schedstat`
		select clock_timestamp() as began \gset
		:statements
		commit;
		select round(extract(epoch from clock_timestamp() - :'began') * 1000, 1) as ms \gset
		\set after `cut -d' ' -f1 /proc/$PID/schedstat`
		select :ms || ' ' || round((:after - :before) / 1e6, 1);
	PSQL
}

# The middle line by the first number. $1 lines on stdin.
median() { sort -n | sed -n "$((($1 + 1) / 2))p"; }
