# SPDX-License-Identifier: PostgreSQL
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_systemdsystemunit_DATA = systemd/shouwangd.service
EXTRA_DIST += systemd/shouwangd.service.in systemd/shouwang.sysusers.conf systemd/shouwang.tmpfiles.conf
CLEANFILES += systemd/shouwangd.service

# Here and not in configure: bindir, sbindir and sysconfdir hold make variables.
systemd/shouwangd.service: systemd/shouwangd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	sed -e 's,@bindir\@,$(bindir),g' -e 's,@sbindir\@,$(sbindir),g' -e 's,@sysconfdir\@,$(sysconfdir),g' $(top_srcdir)/systemd/shouwangd.service.in >$@.new && mv $@.new $@

install-data-local: install-systemd
uninstall-local: uninstall-systemd
install-systemd:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(top_srcdir)/systemd/shouwang.sysusers.conf '$(DESTDIR)$(sysusersdir)/shouwang.conf'
	$(INSTALL_DATA) $(top_srcdir)/systemd/shouwang.tmpfiles.conf '$(DESTDIR)$(tmpfilesdir)/shouwang.conf'
uninstall-systemd:
	rm -f '$(DESTDIR)$(sysusersdir)/shouwang.conf' '$(DESTDIR)$(tmpfilesdir)/shouwang.conf'
.PHONY: install-systemd uninstall-systemd
