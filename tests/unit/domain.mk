# SPDX-License-Identifier: PostgreSQL
domain_tests = tests/unit/test_area tests/unit/test_calendar tests/unit/test_fact tests/unit/test_person_name \
	tests/unit/test_resident_id
check_PROGRAMS += $(domain_tests)
TESTS += $(domain_tests)
EXTRA_DIST += tests/cases/areas.tsv tests/cases/calendar.tsv tests/cases/dictionary.tsv tests/cases/fact_values.tsv \
	tests/cases/names.tsv tests/cases/resident_ids.tsv
domain_test_libs = tests/unit/libunit.a daemon/domain/libdomain.a daemon/base/libbase.a $(INIH_LIBS) $(CHECK_LIBS)

tests_unit_test_area_SOURCES = tests/unit/test_area.c
tests_unit_test_area_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_area_LDADD = $(domain_test_libs)
tests_unit_test_calendar_SOURCES = tests/unit/test_calendar.c
tests_unit_test_calendar_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_calendar_LDADD = $(domain_test_libs)
tests_unit_test_fact_SOURCES = tests/unit/test_fact.c
tests_unit_test_fact_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_fact_LDADD = $(domain_test_libs)
tests_unit_test_person_name_SOURCES = tests/unit/test_person_name.c
tests_unit_test_person_name_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_person_name_LDADD = $(domain_test_libs)
tests_unit_test_resident_id_SOURCES = tests/unit/test_resident_id.c
tests_unit_test_resident_id_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_resident_id_LDADD = $(domain_test_libs)

# Memory that runs out: the linker puts tests/unit/allocation.c between our libraries and the C library.
ALLOCATION_WRAPS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=mmap
# An arena's allocations too, those that need no new chunk among them: tests/unit/allocation_arena.c.
ARENA_WRAPS = -Wl,--wrap=arena_alloc,--wrap=arena_array,--wrap=arena_copy,--wrap=arena_strdup,--wrap=arena_printf
check_PROGRAMS += tests/unit/test_allocation
TESTS += tests/unit/test_allocation
tests_unit_test_allocation_SOURCES = tests/unit/test_allocation.c
tests_unit_test_allocation_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_allocation_LDFLAGS = $(AM_LDFLAGS) $(ALLOCATION_WRAPS)
tests_unit_test_allocation_LDADD = tests/unit/liballocation.a $(domain_test_libs)
check_LIBRARIES += tests/unit/liballocation.a
tests_unit_liballocation_a_SOURCES = tests/unit/allocation.c tests/unit/allocation.h
tests_unit_liballocation_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
