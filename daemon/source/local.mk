# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/source/libsource.a
daemon_source_libsource_a_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS) $(JANSSON_CFLAGS)
daemon_source_libsource_a_SOURCES = \
	daemon/source/csv.c daemon/source/csv.h \
	daemon/source/csv_scan.c daemon/source/csv_scan.h \
	daemon/source/drop.c daemon/source/drop.h \
	daemon/source/encoding.c daemon/source/encoding.h \
	daemon/source/fact_stage.c daemon/source/fact_stage.h \
	daemon/source/feed_config.c daemon/source/feed_config_keys.c daemon/source/feed_config_reading.h daemon/source/feed_config.h \
	daemon/source/feed_date.c daemon/source/feed_date.h \
	daemon/source/feed_rows.c daemon/source/feed_rows.h \
	daemon/source/import.c daemon/source/import.h daemon/source/import_files.c daemon/source/import_register.c daemon/source/import_rows.h \
	daemon/source/import_snapshot.h daemon/source/import_table.c daemon/source/import_views.c \
	daemon/source/ingest.c daemon/source/ingest.h daemon/source/ingest_attempt.h \
	daemon/source/ingest_arrival.c daemon/source/ingest_batch.c daemon/source/ingest_scan.c \
	daemon/source/manifest.c daemon/source/manifest.h \
	daemon/source/row_note.c daemon/source/row_note.h \
	daemon/source/subject_keys.c daemon/source/subject_keys.h \
	daemon/source/subjects.c daemon/source/subjects.h \
	daemon/source/table.c daemon/source/table.h
