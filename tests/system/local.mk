# SPDX-License-Identifier: PostgreSQL
# C programs that need a PostgreSQL cluster; tests/system/run starts one for them. Not in TESTS.
SYSTEM_TESTS = \
	tests/system/test_store_async \
	tests/system/test_store_facts \
	tests/system/test_store_lease \
	tests/system/test_store_migrate \
	tests/system/test_store_outbox \
	tests/system/test_store_pg \
	tests/system/test_store_register \
	tests/system/test_store_round
check_PROGRAMS += $(SYSTEM_TESTS)
check_LIBRARIES += tests/system/libstoretest.a
tests_system_libstoretest_a_SOURCES = tests/system/courier.c tests/system/courier.h \
	tests/system/store_fixture.c tests/system/store_fixture.h
tests_system_libstoretest_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
STORE_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
STORE_TEST_LIBS = tests/system/libstoretest.a daemon/store/libstore.a daemon/io/libio.a daemon/domain/libdomain.a \
	daemon/base/libbase.a $(IO_LIBS) $(INIH_LIBS) $(CHECK_LIBS)

tests_system_test_store_facts_SOURCES = tests/system/test_store_facts.c
tests_system_test_store_facts_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_store_facts_LDADD = $(STORE_TEST_LIBS)
tests_system_test_store_lease_SOURCES = tests/system/test_store_lease.c
tests_system_test_store_lease_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_store_lease_LDADD = $(STORE_TEST_LIBS)
tests_system_test_store_migrate_SOURCES = tests/system/test_store_migrate.c
tests_system_test_store_migrate_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_store_migrate_LDADD = $(STORE_TEST_LIBS)
tests_system_test_store_pg_SOURCES = tests/system/test_store_pg.c
tests_system_test_store_pg_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_store_pg_LDADD = $(STORE_TEST_LIBS)
tests_system_test_store_register_SOURCES = tests/system/test_store_register.c
tests_system_test_store_register_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_store_register_LDADD = $(STORE_TEST_LIBS)
tests_system_test_store_async_SOURCES = tests/system/test_store_async.c
tests_system_test_store_async_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_store_async_LDADD = $(STORE_TEST_LIBS)
tests_system_test_store_outbox_SOURCES = tests/system/test_store_outbox.c
tests_system_test_store_outbox_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_store_outbox_LDADD = $(STORE_TEST_LIBS)
tests_system_test_store_round_SOURCES = tests/system/test_store_round.c
tests_system_test_store_round_CFLAGS = $(STORE_TEST_CFLAGS)
tests_system_test_store_round_LDADD = $(STORE_TEST_LIBS)

# What tests/system/run runs beside the C programs.
EXTRA_DIST += tests/environment.sh tests/system/run tests/system/run-store.sh tests/system/pg_cluster.sh \
	tests/system/package.json tests/system/package-lock.json \
	tests/system/lib/control.mjs tests/system/lib/county.mjs tests/system/lib/instance.mjs \
	tests/system/lib/examine.mjs tests/system/lib/notify.mjs tests/system/lib/privacy.mjs tests/system/lib/random.mjs tests/system/lib/receiver.mjs tests/system/lib/run.mjs tests/system/lib/session.mjs tests/system/lib/storm_receiver.mjs tests/system/lib/wait.mjs \
	tests/system/badinput.test.mjs tests/system/bench.test.mjs tests/system/clearing.test.mjs tests/system/crowd.test.mjs tests/system/daemon.test.mjs tests/system/demo.test.mjs \
	tests/system/delivery.test.mjs tests/system/documents.test.mjs tests/system/endpoints.test.mjs tests/system/large.test.mjs \
	tests/system/life.test.mjs tests/system/main.test.mjs tests/system/operator.test.mjs tests/system/outside.test.mjs \
	tests/system/policytools.test.mjs tests/system/privacy.test.mjs tests/system/reference.test.mjs tests/system/restore.test.mjs tests/system/rounds.test.mjs \
	tests/system/sample.test.mjs tests/system/shell.test.mjs tests/system/simulate.test.mjs tests/system/status.test.mjs tests/system/storm.test.mjs tests/system/swings.test.mjs tests/system/unusable.test.mjs \
	tests/system/units.test.mjs tests/system/usage.test.mjs tests/system/versions.test.mjs tests/system/views.test.mjs \
	tests/system/years.test.mjs

# The policy language by a second reader, and every policy by both.
EXTRA_DIST += tests/system/language.test.mjs tests/system/policies.test.mjs tests/system/truth.test.mjs tests/system/checker.test.mjs

# Two daemons on one database; PostgreSQL that fails under one.
EXTRA_DIST += tests/system/lib/pg_proxy.mjs tests/system/pgfaults.test.mjs tests/system/standby.test.mjs
EXTRA_DIST += tests/system/lib/chaos.mjs tests/system/lib/psql.mjs tests/system/chaos.test.mjs

# Wrong clocks; hostile clients.
EXTRA_DIST += tests/system/clock.test.mjs tests/system/hostile.test.mjs
