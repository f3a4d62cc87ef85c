# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/round/libround.a
daemon_round_libround_a_SOURCES =
