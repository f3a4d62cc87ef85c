# SPDX-License-Identifier: PostgreSQL
# What the compiler does not check: layers, headers, state, the documentation of the log, the form of the code.
lint_tests = tests/lint/layers tests/lint/headers tests/lint/state tests/lint/kill_points tests/lint/log_table tests/lint/format tests/lint/documents tests/lint/manual tests/lint/completion tests/lint/map tests/lint/editors tests/lint/selftest
dist_check_SCRIPTS += $(lint_tests)
TESTS += $(lint_tests)
