# SPDX-License-Identifier: PostgreSQL
# Each target over its corpus alone, with the ordinary compiler; tests/fuzz/run invents bytes for them with libFuzzer.
fuzz_tests = tests/fuzz/fuzz_feed tests/fuzz/fuzz_manifest tests/fuzz/fuzz_settings tests/fuzz/fuzz_policy \
	tests/fuzz/fuzz_http tests/fuzz/fuzz_answer tests/fuzz/fuzz_control
check_PROGRAMS += $(fuzz_tests)
TESTS += $(fuzz_tests)
EXTRA_DIST += tests/fuzz/run tests/fuzz/corpus

check_LIBRARIES += tests/fuzz/libfuzz.a
tests_fuzz_libfuzz_a_SOURCES = tests/fuzz/corpus_main.c tests/fuzz/folder.c tests/fuzz/fuzz.h
tests_fuzz_libfuzz_a_CPPFLAGS = $(AM_CPPFLAGS)
fuzz_libs = tests/fuzz/libfuzz.a $(DAEMON_LAYERS) $(DAEMON_LIBS)

tests_fuzz_fuzz_feed_SOURCES = tests/fuzz/fuzz_feed.c
tests_fuzz_fuzz_feed_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz_manifest.c
tests_fuzz_fuzz_manifest_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_settings_SOURCES = tests/fuzz/fuzz_settings.c
tests_fuzz_fuzz_settings_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/fuzz_policy.c
tests_fuzz_fuzz_policy_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c
tests_fuzz_fuzz_http_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c
tests_fuzz_fuzz_answer_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c
tests_fuzz_fuzz_control_LDADD = $(fuzz_libs)
