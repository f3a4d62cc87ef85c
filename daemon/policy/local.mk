# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/policy/libpolicy.a
daemon_policy_libpolicy_a_SOURCES =
