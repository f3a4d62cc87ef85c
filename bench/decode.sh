#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# bench: decode: canonical feed files into facts, without a database, beside libcsv
# bench: no server
#
#   bench/run decode [--households N] [--rounds N]
#
# Makes a county's feeds, and of one of them the same rows with every field quoted, and in GB18030; each is decoded from the page
# cache by bench/feed_decode (see its head for what the lines mean) and split by libcsv, in turns.
#   --households N   of the county (100000: the largest feed has about 40 MB)
#   --rounds N       the best of so many counts (9)
set -euo pipefail

households=100000
rounds=9
while [ $# -gt 0 ]; do
	case $1 in
	--households) households=$2; shift 2 ;;
	--rounds) rounds=$2; shift 2 ;;
	-h | --help) sed -n '3,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
	*) echo "decode: unknown option $1" >&2; exit 64 ;;
	esac
done

make -C "$BENCH_BUILD" -s bench/feed_decode bench/feed_libcsv sample/shouwang-county
county=$BENCH_DIR/feeds-county
[ -d "$county" ] || "$BENCH_BUILD/sample/shouwang-county" --out "$county" --households "$households" >/dev/null
medical=$(find "$county"/feeds/medical_insurance -name '*.csv' -size +1M | sort | head -n 1)
wages=$(find "$county"/feeds/hr_social_security -name '*.csv' -size +1M | sort | head -n 1)
quoted=$BENCH_DIR/quoted.csv
gb18030=$BENCH_DIR/gb18030.csv
grep -v '"' "$medical" | sed 's/\r$//; s/,/","/g; s/.*/"&"\r/' >"$quoted"
iconv -f utf-8 -t gb18030 "$medical" >"$gb18030"

for file in "$medical" "$wages" "$quoted" "$gb18030"; do
	printf '\n%s: %s bytes\n' "$(basename "$file")" "$(stat -c %s "$file")"
	"$BENCH_BUILD/bench/feed_decode" "$file" "$rounds"
	# libcsv knows no GB18030
	[ "$file" = "$gb18030" ] || "$BENCH_BUILD/bench/feed_libcsv" "$file" "$rounds"
done
