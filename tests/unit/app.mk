# SPDX-License-Identifier: PostgreSQL
check_PROGRAMS += tests/unit/test_app
TESTS += tests/unit/test_app
EXTRA_DIST += tests/cases/config_errors.tsv
tests_unit_test_app_SOURCES = tests/unit/test_app.c tests/unit/test_app.h tests/unit/test_app_options.c \
	tests/unit/test_app_schedule.c tests/unit/test_app_settings.c
tests_unit_test_app_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_LDADD = tests/unit/libunit.a $(DAEMON_LAYERS) $(CHECK_LIBS) $(DAEMON_LIBS)

check_PROGRAMS += tests/unit/test_api
TESTS += tests/unit/test_api
tests_unit_test_api_SOURCES = tests/unit/test_api.c
tests_unit_test_api_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_api_LDADD = tests/unit/libunit.a $(DAEMON_LAYERS) $(CHECK_LIBS) $(DAEMON_LIBS)
