# SPDX-License-Identifier: PostgreSQL
bin_PROGRAMS += ctl/shouwangctl
ctl_shouwangctl_SOURCES = ctl/main.c ctl/ctl.c ctl/ctl.h ctl/control.c ctl/verbs.c \
	ctl/verbs_daemon.c ctl/verbs_data.c ctl/verbs_feeds.c ctl/verbs_queue.c ctl/verbs_status.c ctl/answer.c ctl/answer.h ctl/policy_file.h ctl/verbs_policy.c ctl/verbs_policy_test.c ctl/verbs_policy_text.c ctl/verbs_policy_diff.c ctl/verbs_simulate.c ctl/verbs_warnings.c
ctl_shouwangctl_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/ctl
ctl_shouwangctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
ctl_shouwangctl_LDADD = daemon/app/libapp.a daemon/round/libround.a daemon/source/libsource.a \
	daemon/store/libstore.a daemon/policy/libpolicy.a daemon/domain/libdomain.a daemon/io/libio.a \
	daemon/base/libbase.a $(PQ_LIBS) $(EVENT_LIBS) $(CURL_LIBS) $(HTTP_PARSER_LIBS) $(MHD_LIBS) $(CRYPTO_LIBS) \
	$(JANSSON_LIBS) $(INIH_LIBS) $(SYSTEMD_LIBS)

# Where bash-completion looks, by the command's name.
bashcompletiondir = $(datadir)/bash-completion/completions
EXTRA_DIST += ctl/shouwangctl.bash
install-data-local: install-bash-completion
uninstall-local: uninstall-bash-completion
.PHONY: install-bash-completion uninstall-bash-completion
install-bash-completion:
	$(MKDIR_P) $(DESTDIR)$(bashcompletiondir)
	$(INSTALL_DATA) $(srcdir)/ctl/shouwangctl.bash $(DESTDIR)$(bashcompletiondir)/shouwangctl
uninstall-bash-completion:
	rm -f $(DESTDIR)$(bashcompletiondir)/shouwangctl
