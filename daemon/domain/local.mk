# SPDX-License-Identifier: PostgreSQL
noinst_LIBRARIES += daemon/domain/libdomain.a
daemon_domain_libdomain_a_CPPFLAGS = $(AM_CPPFLAGS) $(INIH_CFLAGS)
daemon_domain_libdomain_a_SOURCES = \
	daemon/domain/area.c daemon/domain/area.h \
	daemon/domain/calendar.c daemon/domain/calendar.h \
	daemon/domain/dictionary.c daemon/domain/fact.c daemon/domain/source_name.c daemon/domain/fact.h \
	daemon/domain/person_name.c daemon/domain/person_name.h \
	daemon/domain/resident_id.c daemon/domain/resident_id.h
nodist_daemon_domain_libdomain_a_SOURCES = daemon/domain/dictionary_embedded.c

# The base dictionary is part of the programs. Written aside first, so that a broken build leaves no half file.
EXTRA_DIST += conf/facts.conf build-aux/embed.sh
BUILT_SOURCES += daemon/domain/dictionary_embedded.c
CLEANFILES += daemon/domain/dictionary_embedded.c daemon/domain/dictionary_embedded.c.new
daemon/domain/dictionary_embedded.c: conf/facts.conf build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) daemon/domain && \
	sh $(top_srcdir)/build-aux/embed.sh dictionary_files $(top_srcdir)/conf/facts.conf >$@.new && mv $@.new $@
