# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/store/libstore.a
daemon_store_libstore_a_SOURCES = \
	daemon/store/arrival.c daemon/store/arrival.h \
	daemon/store/batch.c daemon/store/batch.h \
	daemon/store/columns.c daemon/store/columns.h \
	daemon/store/fact_index.c daemon/store/fact_index.h \
	daemon/store/fact_live.c daemon/store/fact_supersede.c daemon/store/fact_writer.h \
	daemon/store/fact_store.c daemon/store/fact_store.h \
	daemon/store/fetch.c daemon/store/fetch.h \
	daemon/store/fingerprint.c daemon/store/fingerprint.h \
	daemon/store/identity_map.c daemon/store/identity_map.h \
	daemon/store/lease.c daemon/store/lease.h \
	daemon/store/listing.c daemon/store/listing.h \
	daemon/store/migrate.c daemon/store/migrate.h \
	daemon/store/number_map.c daemon/store/number_map.h \
	daemon/store/outbox.c daemon/store/outbox.h \
	daemon/store/pull.c daemon/store/pull.h \
	daemon/store/pull_detail.c daemon/store/pull_detail.h \
	daemon/store/pull_one.c daemon/store/pull_one.h \
	daemon/store/pull_standing.c daemon/store/pull_standing.h \
	daemon/store/pull_past.c daemon/store/pull_past.h \
	daemon/store/queue_order.c daemon/store/queue_order.h \
	daemon/store/register.c daemon/store/register.h \
	daemon/store/register_apply.c daemon/store/register_write.c daemon/store/register_writer.h \
	daemon/store/round_commit.c \
	daemon/store/round_store.c daemon/store/round_store.h \
	daemon/store/sender.c daemon/store/sender.h \
	daemon/store/session.c daemon/store/session.h \
	daemon/store/transactions.c daemon/store/transactions.h \
	daemon/store/trust.c daemon/store/trust.h daemon/store/unusable.c daemon/store/unusable.h \
	daemon/store/vocabulary.c daemon/store/vocabulary.h daemon/store/volume.c daemon/store/volume.h \
	daemon/store/clearing_store.c daemon/store/clearing_store.h
nodist_daemon_store_libstore_a_SOURCES = daemon/store/migrations_embedded.c

# The migrations are part of the programs, in the order of their names.
MIGRATIONS = \
	sql/migrations/0001_register.sql \
	sql/migrations/0002_rounds.sql \
	sql/migrations/0003_roles.sql \
	sql/migrations/0004_taking_in.sql \
	sql/migrations/0005_delivery_speed.sql \
	sql/migrations/0006_leadership.sql \
	sql/migrations/0008_status.sql \
	sql/migrations/0009_delivery_pace.sql \
	sql/migrations/0010_tags.sql \
	sql/migrations/0013_past_rounds.sql \
	sql/migrations/0014_clearing.sql \
	sql/migrations/0015_waiting_told.sql \
	sql/migrations/0016_volume.sql \
	sql/migrations/0017_trust.sql \
	sql/migrations/0018_refusals.sql \
	sql/migrations/0019_check_township.sql \
	sql/migrations/0020_evidence_privilege.sql \
	sql/migrations/0021_probes.sql \
	sql/migrations/0022_evidence_compression.sql \
	sql/migrations/0023_unusable.sql \
	sql/migrations/0024_results_row_by_row.sql \
	sql/migrations/0025_small_batches.sql
EXTRA_DIST += $(MIGRATIONS)
BUILT_SOURCES += daemon/store/migrations_embedded.c
CLEANFILES += daemon/store/migrations_embedded.c daemon/store/migrations_embedded.c.new
daemon/store/migrations_embedded.c: $(MIGRATIONS) build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) daemon/store && \
	sh $(top_srcdir)/build-aux/embed.sh migrations_embedded $(MIGRATIONS:%=$(top_srcdir)/%) >$@.new && mv $@.new $@
