# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/app/libapp.a
daemon_app_libapp_a_SOURCES =
