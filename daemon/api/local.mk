# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/api/libapi.a
daemon_api_libapi_a_SOURCES =
