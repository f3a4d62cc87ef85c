# SPDX-License-Identifier: PostgreSQL
# The naive evaluator and its counties; Node runs them, see README.md. tests/system uses them.
EXTRA_DIST += tests/reference/README.md tests/reference/check-expected.mjs tests/reference/county.mjs \
	tests/reference/evaluate.mjs tests/reference/examples.mjs tests/reference/fraction.mjs tests/reference/fuzz-county.mjs \
	tests/reference/language.mjs tests/reference/life.mjs tests/reference/life-policy.mjs tests/reference/policy.mjs tests/reference/policy-county.mjs tests/reference/policy-search.mjs \
	tests/reference/random-policy.mjs tests/reference/storm.mjs tests/reference/whatif.mjs
