# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/delivery/libdelivery.a
daemon_delivery_libdelivery_a_SOURCES = \
	daemon/delivery/delivery.c daemon/delivery/delivery.h \
	daemon/delivery/endpoint.h
