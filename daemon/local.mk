# SPDX-License-Identifier: PostgreSQL
# The layers in the order in which the linker needs them: each uses only those behind it.
DAEMON_LAYERS = \
	daemon/app/libapp.a \
	daemon/api/libapi.a \
	daemon/delivery/libdelivery.a \
	daemon/round/libround.a \
	daemon/source/libsource.a \
	daemon/store/libstore.a \
	daemon/policy/libpolicy.a \
	daemon/io/libio.a \
	daemon/domain/libdomain.a \
	daemon/base/libbase.a
DAEMON_LIBS = $(IO_LIBS) $(JANSSON_LIBS) $(INIH_LIBS)

sbin_PROGRAMS += daemon/shouwangd
daemon_shouwangd_SOURCES = daemon/main.c
daemon_shouwangd_LDADD = $(DAEMON_LAYERS) $(DAEMON_LIBS)
