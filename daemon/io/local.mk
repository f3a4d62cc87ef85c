# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/io/libio.a
daemon_io_libio_a_SOURCES = \
	daemon/io/address.c daemon/io/address.h \
	daemon/io/crypto.c daemon/io/crypto.h \
	daemon/io/file.c daemon/io/file.h \
	daemon/io/http_answer.c daemon/io/http_answer.h \
	daemon/io/http_client.c daemon/io/http_client.h daemon/io/http_client_internal.h \
	daemon/io/http_client_connection.c daemon/io/http_client_outcome.c daemon/io/http_client_route.c \
	daemon/io/http_client_socket.c daemon/io/http_client_url.c \
	daemon/io/http_framing.c daemon/io/http_framing.h \
	daemon/io/http_server.c daemon/io/http_server.h \
	daemon/io/loop.c daemon/io/loop.h \
	daemon/io/notify.c daemon/io/notify.h \
	daemon/io/socket_client.c daemon/io/socket_client.h \
	daemon/io/socket_server.c daemon/io/socket_server.h \
	daemon/io/workers.c daemon/io/workers.h
daemon_io_libio_a_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(CURL_CFLAGS) $(EVENT_CFLAGS) $(MHD_CFLAGS) $(SYSTEMD_CFLAGS)
# What a program that links libio.a needs behind it.
IO_LIBS = $(CURL_LIBS) $(HTTP_PARSER_LIBS) $(MHD_LIBS) $(EVENT_LIBS) $(CRYPTO_LIBS) $(SYSTEMD_LIBS)

# the only users of libpq
daemon_io_libio_a_SOURCES += \
	daemon/io/pg.c daemon/io/pg.h \
	daemon/io/pg_async.c \
	daemon/io/pg_connection.c \
	daemon/io/pg_copy.c \
	daemon/io/pg_internal.h \
	daemon/io/pg_resolve.c \
	daemon/io/pg_value.c daemon/io/pg_value.h
daemon_io_libio_a_CFLAGS += $(PQ_CFLAGS)
IO_LIBS += $(PQ_LIBS)
