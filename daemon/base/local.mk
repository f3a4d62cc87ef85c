# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/base/libbase.a
daemon_base_libbase_a_SOURCES =
