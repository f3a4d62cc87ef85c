# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/store/libstore.a
daemon_store_libstore_a_SOURCES =
