/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/csv_scan.h"

#include <stdbool.h>
#include <string.h>

#if defined __x86_64__ && defined __GNUC__
#define HAVE_AVX2_SCAN 1
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

static bool is_mark(char c)
{
    return c == ',' || c == '"' || c == '\n' || c == '\0';
}

/* Two simple loops, so that compilers find vectors for the first, whatever the processor. */
size_t csv_scan_portable(const char *bytes, size_t length, uint32_t base, uint32_t *marks)
{
    size_t count = 0, at = 0;
    for (; length - at >= BLOCK; at += BLOCK) {
        unsigned char found[BLOCK];
        for (size_t i = 0; i < BLOCK; i++)
            found[i] = (unsigned char)is_mark(bytes[at + i]);
        for (size_t i = 0; i < BLOCK; i += 8) {
            uint64_t eight;
            memcpy(&eight, found + i, sizeof eight);
            for (size_t j = i; eight && j < i + 8; j++) {
                marks[count] = base + (uint32_t)(at + j);
                count += found[j];
            }
        }
    }
    for (; at < length; at++) {
        marks[count] = base + (uint32_t)at;
        count += is_mark(bytes[at]);
    }
    return count;
}

#ifdef HAVE_AVX2_SCAN
#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

/*
 * The low halves of the four marks differ, so that one table look-up by low half gives the only mark that a byte can be. A
 * byte of 0x80 or above looks up zero, and is none.
 */
static inline AVX2 uint64_t marks_of_half(const char *bytes)
{
    const __m256i candidates = _mm256_setr_epi8(0, 0, '"', 0, 0, 0, 0, 0, 0, 0, '\n', 0, ',', 0, 0, 0, 0, 0,
                                                '"', 0, 0, 0, 0, 0, 0, 0, '\n', 0, ',', 0, 0, 0);
    __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i found = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(candidates, text), text);
    return (uint32_t)_mm256_movemask_epi8(found);
}

static inline AVX2 uint64_t marks_of_block(const char *bytes)
{
    return marks_of_half(bytes) | marks_of_half(bytes + BLOCK / 2) << 32;
}

/* Eight at a time whether there are as many or not: guessing where to stop costs more than writing. */
static inline AVX2 size_t write_marks(uint64_t found, uint32_t base, uint32_t *marks)
{
    unsigned count = (unsigned)__builtin_popcountll(found);
    for (unsigned at = 0; at < count; at += 8)
#pragma GCC unroll 8
        for (unsigned i = 0; i < 8; i++) {
            marks[at + i] = base + (uint32_t)_tzcnt_u64(found);
            found = _blsr_u64(found);
        }
    return count;
}

static AVX2 size_t scan_avx2(const char *bytes, size_t length, uint32_t base, uint32_t *marks)
{
    size_t count = 0, at = 0;
    for (; length - at >= BLOCK; at += BLOCK)
        count += write_marks(marks_of_block(bytes + at), base + (uint32_t)at, marks + count);
    if (at == length)
        return count;
    char padded[BLOCK];
    memset(padded, ' ', sizeof padded);
    memcpy(padded, bytes + at, length - at);
    return count + write_marks(marks_of_block(padded), base + (uint32_t)at, marks + count);
}
#endif

csv_scan *csv_scan_best(void)
{
#ifdef HAVE_AVX2_SCAN
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("popcnt"))
        return scan_avx2;
#endif
    return csv_scan_portable;
}
