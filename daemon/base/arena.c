/* SPDX-License-Identifier: PostgreSQL */
/*
 * Invariants
 *  A1  taken_bytes is the sum of the chunks' capacities, and never above budget_bytes (when there is a
 * budget). A2  Bytes of a chunk from `used` on are zero: chunks come from calloc and are never used twice. A3
 * `used` is a multiple of ALIGNMENT, so that every allocation is aligned for any type. Under AddressSanitizer
 * the bytes from `used` on are poisoned, so that an overrun into them is found.
 */
#include "base/arena.h"

#include "base/text.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(address, size)   ASAN_POISON_MEMORY_REGION(address, size)
#define UNPOISON(address, size) ASAN_UNPOISON_MEMORY_REGION(address, size)
#else
#define POISON(address, size)   ((void)(address), (void)(size))
#define UNPOISON(address, size) ((void)(address), (void)(size))
#endif

enum {
    ALIGNMENT = alignof(max_align_t),
    CHUNK_FIRST = 4096,    /* small parses and attempts cost one page */
    CHUNK_LAST = 1 << 20,  /* rounds allocate arrays; more would only waste the tail */
    OWN_CHUNK_DIVISOR = 4, /* what is larger than a quarter of the next chunk gets a chunk of its own */
};

struct chunk {
    struct chunk *next;
    size_t capacity;
    size_t used;
    alignas(max_align_t) unsigned char bytes[];
};

struct arena {
    struct chunk *current; /* newest shared chunk; those with `next` follow */
    size_t budget_bytes;
    size_t taken_bytes;
    size_t used_bytes;
    size_t next_capacity;
};

struct arena *arena_new(size_t budget_bytes)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (!arena)
        return NULL;
    arena->budget_bytes = budget_bytes ? budget_bytes : SIZE_MAX;
    arena->next_capacity = CHUNK_FIRST;
    return arena;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    struct chunk *next;
    for (struct chunk *chunk = arena->current; chunk; chunk = next) {
        next = chunk->next;
        UNPOISON(chunk->bytes, chunk->capacity);
        free(chunk);
    }
    free(arena);
}

static struct chunk *chunk_new(struct arena *arena, size_t capacity)
{
    if (capacity > arena->budget_bytes - arena->taken_bytes || capacity > PTRDIFF_MAX - sizeof(struct chunk))
        return NULL;
    struct chunk *chunk = calloc(1, sizeof *chunk + capacity);
    if (!chunk)
        return NULL;
    chunk->capacity = capacity;
    arena->taken_bytes += capacity;
    POISON(chunk->bytes, capacity);
    return chunk;
}

/* Links a chunk for `bytes`; a large allocation gets its own, behind the current one, whose rest stays in
 * use. */
static struct chunk *chunk_for(struct arena *arena, size_t bytes)
{
    size_t left = arena->budget_bytes - arena->taken_bytes;
    size_t capacity = arena->next_capacity < left ? arena->next_capacity : left;
    bool own = bytes > arena->next_capacity / OWN_CHUNK_DIVISOR || bytes > capacity;
    struct chunk *chunk = chunk_new(arena, own ? bytes : capacity);
    if (!chunk)
        return NULL;
    if (own && arena->current) {
        chunk->next = arena->current->next;
        arena->current->next = chunk;
        return chunk;
    }
    chunk->next = arena->current;
    arena->current = chunk;
    if (!own && arena->next_capacity < CHUNK_LAST)
        arena->next_capacity *= 2;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - ALIGNMENT)
        return NULL;
    size_t wanted = bytes ? bytes : 1;
    size_t padded = (wanted + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    struct chunk *chunk = arena->current;
    /* The last allocation of a chunk may end unpadded: a budget need not be a multiple of the alignment. */
    if (!chunk || wanted > chunk->capacity - chunk->used) {
        size_t left = arena->budget_bytes - arena->taken_bytes;
        chunk = chunk_for(arena, padded <= left ? padded : wanted);
    }
    if (!chunk)
        return NULL;
    void *result = chunk->bytes + chunk->used;
    size_t room = chunk->capacity - chunk->used;
    size_t step = padded < room ? padded : room;
    UNPOISON(result, wanted);
    chunk->used += step;
    arena->used_bytes += step;
    return result;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return arena_alloc(arena, bytes);
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1) : NULL;
    if (copy && length)
        memcpy(copy, bytes, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_copy(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *out = length >= 0 ? arena_alloc(arena, (size_t)length + 1) : NULL;
    if (!out)
        return NULL;
    va_start(args, format);
    vsnprintf(out, (size_t)length + 1, format, args);
    va_end(args);
    return out;
}
