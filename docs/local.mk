# SPDX-License-Identifier: PostgreSQL
dist_doc_DATA += docs/control.md docs/dependencies.md docs/facts.md docs/feeds.md docs/json.md docs/log.md docs/operators.md \
	docs/register-views.md docs/policy-language.md docs/townships.md docs/schemes.md docs/unknown.md \
	docs/schemes/shaanxi-county.md \
	docs/schemes/shaanxi-county-classes.md \
	docs/schemes/shenyang-district.md \
	docs/schemes/suining-town.md \
	docs/schemes/sixian-dunji.md \
	docs/schemes/pingluo-tongfu.md \
	docs/schemes/guangxi.md \
	docs/schemes/national-frame.md \
	docs/schemes/ningxia-special-care.md \
	docs/schemes/jilin-linjiang.md \
	docs/schemes/sichuan.md
dist_man_MANS += docs/man/shouwangctl.1 docs/man/shouwang.conf.5 docs/man/shouwangd.8

# Made from tables of the programs; tests/lint/log_table, documents and manual compare.
EXTRA_DIST += docs/make-facts-table.sh docs/make-log-table.sh
.PHONY: log-table facts-table manual-table
log-table:
	sh $(top_srcdir)/docs/make-log-table.sh $(top_srcdir)/daemon/base/log_events.def >$(top_srcdir)/docs/log.md
facts-table:
	sh $(top_srcdir)/docs/make-facts-table.sh $(top_srcdir)/conf/facts.conf >$(top_srcdir)/docs/facts.md
manual-table: daemon/shouwangd
	$(MKDIR_P) docs/man && daemon/shouwangd --print-manual >docs/man/table.new && \
	sed -e '/^\.\\" The table/r docs/man/table.new' -e '/^\.\\" The table/,/^\.\\" End of the table/{//!d}' \
		$(top_srcdir)/docs/man/shouwang.conf.5 >docs/man/page.new && \
	mv docs/man/page.new $(top_srcdir)/docs/man/shouwang.conf.5 && rm docs/man/table.new
