# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/delivery/libdelivery.a
daemon_delivery_libdelivery_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
daemon_delivery_libdelivery_a_SOURCES = daemon/delivery/delivery.c daemon/delivery/delivery.h daemon/delivery/delivery_attempt.c \
	daemon/delivery/delivery_claim.c daemon/delivery/delivery_internal.h daemon/delivery/delivery_target.c daemon/delivery/delivery_test.c \
	daemon/delivery/endpoint.h daemon/delivery/message.c daemon/delivery/message.h daemon/delivery/overdue.c daemon/delivery/overdue.h \
	daemon/delivery/results.c daemon/delivery/results.h daemon/delivery/statement.c daemon/delivery/statement.h daemon/delivery/test_event.c \
	daemon/delivery/test_event.h daemon/delivery/verdict.c daemon/delivery/verdict.h
