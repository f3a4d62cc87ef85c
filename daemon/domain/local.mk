# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/domain/libdomain.a
daemon_domain_libdomain_a_SOURCES =
