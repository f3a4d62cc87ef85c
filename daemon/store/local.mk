# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/store/libstore.a
daemon_store_libstore_a_SOURCES = \
	daemon/store/batch.h \
	daemon/store/fact_store.h \
	daemon/store/lease.h \
	daemon/store/listing.h \
	daemon/store/migrate.h \
	daemon/store/outbox.h \
	daemon/store/pull.h \
	daemon/store/register.h \
	daemon/store/round_store.h
