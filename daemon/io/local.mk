# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/io/libio.a
daemon_io_libio_a_SOURCES =
