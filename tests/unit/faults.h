/* SPDX-License-Identifier: PostgreSQL */
/*
 * System calls on files that fail on demand. A test program that calls these links libfaults.a with $(FAULTS_WRAPS)
 * (tests/unit/source.mk), so that the calls of our own libraries (not those inside shared libraries) can be made to fail:
 * open, read, pread, write, fsync, close, rename, link, unlink, mkdir, opendir, readdir, stat and their relatives.
 *
 * A fault is of one kind; only calls that can fail that way are counted. What is written to stdout and stderr (the log)
 * is left alone.
 */
#ifndef SHOUWANG_TESTS_UNIT_FAULTS_H
#define SHOUWANG_TESTS_UNIT_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

struct fault_kind {
    const char *name;
    int number;  /* errno; 0: a short count */
    bool after;  /* the call is made, and then says that it failed, as over a network */
    bool passes; /* nobody needs to notice: an interrupted or short call that is simply made again */
};
extern const struct fault_kind fault_kinds[];
extern const size_t fault_kind_count;

/* The n-th call from now that can fail so does, once. n = 0: none; they are counted. */
void fault_at(const struct fault_kind *kind, int n);
/* Did it come to that? Ends the failing. */
bool fault_happened(void);
/* Calls of that kind since fault_at. */
int fault_count(void);
/* What failed last: "rename", and the path it was about ("" when it is not known). */
const char *fault_call(void);
const char *fault_path(void);

#endif
