# SPDX-License-Identifier: PostgreSQL
EXTRA_PROGRAMS =
include bench/feed_decode.mk
