# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/io/libio.a
daemon_io_libio_a_SOURCES = \
	daemon/io/address.h \
	daemon/io/crypto.h \
	daemon/io/file.h \
	daemon/io/http_client.h \
	daemon/io/http_server.h \
	daemon/io/loop.h \
	daemon/io/notify.h \
	daemon/io/socket.h \
	daemon/io/workers.h
