/* SPDX-License-Identifier: PostgreSQL */
#include "config.h" /* MAP_ANONYMOUS */

#include "allocation.h"

#include <errno.h>
#include <stdatomic.h>
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
static atomic_bool failed;

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
    return atomic_load(&failed);
}

int allocation_count(void)
{
    return atomic_load(&count);
}

static bool fails(void)
{
    int now = atomic_fetch_add(&count, 1) + 1, at = atomic_load(&fail_at);
    if (at == 0 || now != at)
        return false;
    atomic_store(&failed, true);
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    return (flags & MAP_ANONYMOUS) && fails() ? MAP_FAILED
                                              : __real_mmap(address, length, protection, flags, fd, offset);
}
