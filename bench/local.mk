# SPDX-License-Identifier: PostgreSQL
# Benchmark programs are built when they are run: make bench/NAME.
EXTRA_PROGRAMS =
EXTRA_DIST += bench/README.md bench/HISTORY.md bench/run bench/postgresql.conf bench/county.sh bench/sql/county.sql
include bench/feed_decode.mk
include bench/delivery/delivery.mk
include bench/round.mk
include bench/ingest.mk
include bench/evaluation/evaluation.mk
