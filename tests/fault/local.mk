# SPDX-License-Identifier: PostgreSQL
# Kill points: needs a build with --enable-kill-points, PostgreSQL and node; run by ./check and make check-long. Not in TESTS.
EXTRA_DIST += tests/fault/README.md tests/fault/run tests/fault/kill.test.mjs \
	tests/fault/lib/compare.mjs tests/fault/lib/scenarios.mjs tests/fault/lib/site.mjs
