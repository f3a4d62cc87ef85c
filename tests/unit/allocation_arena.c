/* SPDX-License-Identifier: PostgreSQL */
/* An arena's allocations, to fail one by one though the arena has room left: $(ARENA_WRAPS). */
#include "config.h"

#include "allocation.h"

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The linker's names for wrapped functions. */
void *__real_arena_alloc(struct arena *arena, size_t bytes);
void *__real_arena_array(struct arena *arena, size_t count, size_t size);
char *__real_arena_copy(struct arena *arena, const char *bytes, size_t length);
char *__real_arena_strdup(struct arena *arena, const char *text);
void *__wrap_arena_alloc(struct arena *arena, size_t bytes);
void *__wrap_arena_array(struct arena *arena, size_t count, size_t size);
char *__wrap_arena_copy(struct arena *arena, const char *bytes, size_t length);
char *__wrap_arena_strdup(struct arena *arena, const char *text);
char *__wrap_arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

void *__wrap_arena_alloc(struct arena *arena, size_t bytes)
{
    return allocation_fails() ? NULL : __real_arena_alloc(arena, bytes);
}

void *__wrap_arena_array(struct arena *arena, size_t count, size_t size)
{
    return allocation_fails() ? NULL : __real_arena_array(arena, count, size);
}

char *__wrap_arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    return allocation_fails() ? NULL : __real_arena_copy(arena, bytes, length);
}

char *__wrap_arena_strdup(struct arena *arena, const char *text)
{
    return allocation_fails() ? NULL : __real_arena_strdup(arena, text);
}

char *__wrap_arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *out = length < 0 || allocation_fails() ? NULL : __real_arena_alloc(arena, (size_t)length + 1);
    if (out == NULL)
        return NULL;
    va_start(args, format);
    vsnprintf(out, (size_t)length + 1, format, args);
    va_end(args);
    return out;
}
