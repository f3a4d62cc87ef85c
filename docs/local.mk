# SPDX-License-Identifier: PostgreSQL
dist_doc_DATA += docs/dependencies.md

# The documentation of the log is made from the table of events; tests/lint/log_table compares.
dist_doc_DATA += docs/log.md
EXTRA_DIST += docs/make-log-table.sh
.PHONY: log-table
log-table:
	sh $(top_srcdir)/docs/make-log-table.sh $(top_srcdir)/daemon/base/log_events.def >$(top_srcdir)/docs/log.md
