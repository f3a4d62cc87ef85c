/* SPDX-License-Identifier: PostgreSQL */
#include "config.h" /* MAP_ANONYMOUS */

#include "allocation.h"

#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* The linker's names for wrapped functions. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

static atomic_int count, fail_at;
static atomic_bool failed, by_place;

/* Sets of calls that have failed already. */
enum { PLACES = 1 << 14, INNERMOST = 3, DEPTH = 4 };
static uint64_t places[PLACES];

/* The innermost calls are this one, allocation_fails and the wrap. */
static __attribute__((noinline)) bool is_new_place(void)
{
    void *calls[INNERMOST + DEPTH];
    int found = backtrace(calls, INNERMOST + DEPTH);
    uint64_t hash = 14695981039346656037U; /* FNV-1a, word by word */
    for (int i = INNERMOST; i < found; i++)
        hash = (hash ^ (uint64_t)(uintptr_t)calls[i]) * 1099511628211U;
    size_t at = (size_t)(hash >> 32) % PLACES;
    for (; places[at] != 0; at = (at + 1) % PLACES) {
        if (places[at] == hash)
            return false;
    }
    places[at] = hash;
    return true;
}

void allocation_fail_at_new_place(void)
{
    void *first[1]; /* the first call of backtrace allocates */
    backtrace(first, 1);
    atomic_store(&count, 0);
    atomic_store(&failed, false);
    atomic_store(&by_place, true);
}

void allocation_fail_at(int n)
{
    atomic_store(&fail_at, 0);
    atomic_store(&count, 0);
    atomic_store(&failed, false);
    atomic_store(&fail_at, n);
}

bool allocation_failed(void)
{
    atomic_store(&fail_at, 0);
    atomic_store(&by_place, false);
    return atomic_load(&failed);
}

int allocation_count(void)
{
    return atomic_load(&count);
}

/* Not inlined: INNERMOST is the same however this is compiled. */
__attribute__((noinline)) bool allocation_fails(void)
{
    int now = atomic_fetch_add(&count, 1) + 1, at = atomic_load(&fail_at);
    bool placed = atomic_load(&by_place) && !atomic_load(&failed) && is_new_place();
    if (!placed && (at == 0 || now != at))
        return false;
    atomic_store(&failed, true);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return allocation_fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return allocation_fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return allocation_fails() ? NULL : __real_strdup(text);
}

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return (flags & MAP_ANONYMOUS) && allocation_fails()
               ? MAP_FAILED
               : __real_mmap(address, length, protection, flags, fd, offset);
}
