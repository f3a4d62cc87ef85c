# SPDX-License-Identifier: PostgreSQL
check_PROGRAMS += tests/unit/test_app
TESTS += tests/unit/test_app
EXTRA_DIST += tests/cases/config_errors.tsv
tests_unit_test_app_SOURCES = tests/unit/test_app.c tests/unit/test_app.h tests/unit/test_app_options.c \
	tests/unit/test_app_schedule.c tests/unit/test_app_settings.c tests/unit/test_app_wall_clock.c tests/unit/test_app_jobs.c
tests_unit_test_app_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_app_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=workers_submit
tests_unit_test_app_LDADD = tests/unit/libunit.a $(DAEMON_LAYERS) $(CHECK_LIBS) $(DAEMON_LIBS)

check_PROGRAMS += tests/unit/test_api
TESTS += tests/unit/test_api
tests_unit_test_api_SOURCES = tests/unit/test_api.c
tests_unit_test_api_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_api_LDADD = tests/unit/libunit.a $(DAEMON_LAYERS) $(CHECK_LIBS) $(DAEMON_LIBS)

# Every allocation of everything that needs no database fails once.
check_PROGRAMS += tests/unit/test_allocation_paths
TESTS += tests/unit/test_allocation_paths
tests_unit_test_allocation_paths_SOURCES = tests/unit/test_allocation_paths.c
tests_unit_test_allocation_paths_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_allocation_paths_LDFLAGS = $(AM_LDFLAGS) $(ALLOCATION_WRAPS)
tests_unit_test_allocation_paths_LDADD = tests/unit/liballocation.a tests/unit/libunit.a $(DAEMON_LAYERS) $(CHECK_LIBS) \
	$(DAEMON_LIBS)
