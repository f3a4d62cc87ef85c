/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "source/csv_scan.h"

#include <string.h>

#if defined __x86_64__ && defined __GNUC__
#define HAVE_AVX2_SCAN 1
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

static bool is_special(char c)
{
    return c == ',' || c == '"' || c == '\n' || c == '\0';
}

const char *csv_scan_next(const char *at, const char *end)
{
#ifdef __SSE2__
    for (; end - at >= (ptrdiff_t)sizeof(__m128i); at += sizeof(__m128i)) {
        __m128i text = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i found = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8(',')), _mm_cmpeq_epi8(text, _mm_set1_epi8('"'))),
            _mm_or_si128(_mm_cmpeq_epi8(text, _mm_set1_epi8('\n')),
                         _mm_cmpeq_epi8(text, _mm_setzero_si128())));
        unsigned places = (unsigned)_mm_movemask_epi8(found);
        if (places)
            return at + __builtin_ctz(places);
    }
#endif
    while (at < end && !is_special(*at))
        at++;
    return at;
}

/* --- any processor ------------------------------------------------------------------------------------------------ */

/* The next byte: is it a mark? `line_follows`: LF comes next. */
static inline bool scan_byte(char c, bool line_follows, struct csv_phase *phase)
{
    bool closed = phase->closed, fresh = phase->fresh;
    phase->closed = phase->fresh = false;
    switch (c) {
    case '"':
        phase->quotes = true;
        phase->inside = !phase->inside;
        phase->closed = !phase->inside;
        return phase->inside && !fresh;
    case ',':
    case '\n':
        phase->fresh = !phase->inside;
        return !phase->inside || c == '\n';
    case '\0':
        return true;
    default:
        return closed && !(c == '\r' && line_follows);
    }
}

static size_t scan_bytes(const char *bytes, size_t at, size_t end, size_t length, uint32_t base,
                         struct csv_phase *phase, uint32_t *marks)
{
    size_t count = 0;
    phase->quotes |= phase->inside | phase->closed;
    for (; at < end; at++) {
        marks[count] = base + (uint32_t)at;
        count += scan_byte(bytes[at], at + 1 < length && bytes[at + 1] == '\n', phase);
    }
    return count;
}

/* A block without quotes and NUL: two simple loops, so that compilers find vectors for the first, whatever the processor. */
static size_t scan_plain_block(const char *bytes, uint32_t base, uint32_t *marks)
{
    unsigned char found[BLOCK];
    size_t count = 0;
    for (size_t i = 0; i < BLOCK; i++)
        found[i] = (unsigned char)((bytes[i] == ',') | (bytes[i] == '\n'));
    for (size_t i = 0; i < BLOCK; i += 8) {
        uint64_t eight;
        memcpy(&eight, found + i, sizeof eight);
        for (size_t j = i; eight && j < i + 8; j++) {
            marks[count] = base + (uint32_t)j;
            count += found[j];
        }
    }
    return count;
}

static bool is_plain_block(const char *bytes, const struct csv_phase *phase)
{
    unsigned char other = phase->inside | phase->closed;
    for (size_t i = 0; i < BLOCK; i++)
        other |= (unsigned char)((bytes[i] == '"') | (bytes[i] == '\0'));
    return other == 0;
}

size_t csv_scan_portable(const char *bytes, size_t length, uint32_t base, struct csv_phase *phase,
                         uint32_t *marks)
{
    size_t count = 0, at = 0;
    for (; length - at >= BLOCK; at += BLOCK) {
        if (is_plain_block(bytes + at, phase)) {
            count += scan_plain_block(bytes + at, base + (uint32_t)at, marks + count);
            phase->fresh = bytes[at + BLOCK - 1] == ',' || bytes[at + BLOCK - 1] == '\n';
        } else {
            count += scan_bytes(bytes, at, at + BLOCK, length, base, phase, marks + count);
        }
    }
    return count + scan_bytes(bytes, at, length, length, base, phase, marks + count);
}

/* --- 64 bytes at a time ------------------------------------------------------------------------------------------- */

#ifdef HAVE_AVX2_SCAN
#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

struct block {
    __m256i low, high;
};

static inline AVX2 struct block load_block(const char *bytes)
{
    return (struct block){_mm256_loadu_si256((const __m256i *)(const void *)bytes),
                          _mm256_loadu_si256((const __m256i *)(const void *)(bytes + BLOCK / 2))};
}

static inline AVX2 uint64_t mask_of(__m256i low, __m256i high)
{
    return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

static inline AVX2 uint64_t where(struct block text, char c)
{
    __m256i wanted = _mm256_set1_epi8(c);
    return mask_of(_mm256_cmpeq_epi8(text.low, wanted), _mm256_cmpeq_epi8(text.high, wanted));
}

/* Each bit becomes the exclusive or of itself and all below: between an odd and an even one. */
static inline uint64_t parity_of(uint64_t bits)
{
    for (unsigned step = 1; step < BLOCK; step *= 2)
        bits ^= bits << step;
    return bits;
}

/*
 * A block with quotes or NUL, or one that begins within quotes or behind them: scan_byte for all bytes at once. Apart, so that the
 * way of plain blocks stays short.
 */
static AVX2 __attribute__((noinline)) uint64_t scan_quoted_block(const char *bytes, bool line_follows,
                                                                 struct csv_phase *phase)
{
    struct block text = load_block(bytes);
    uint64_t quotes = where(text, '"'), commas = where(text, ','), lines = where(text, '\n');
    uint64_t inside = parity_of(quotes) ^ (0 - (uint64_t)phase->inside);
    uint64_t opening = quotes & inside, closing = quotes & ~inside;
    uint64_t ends = (commas | lines) & ~inside;
    uint64_t fresh = ends << 1 | phase->fresh, closed = closing << 1 | phase->closed;
    uint64_t line_ends = where(text, '\r') & (lines >> 1 | (uint64_t)line_follows << (BLOCK - 1));
    *phase = (struct csv_phase){inside >> (BLOCK - 1), ends >> (BLOCK - 1), closing >> (BLOCK - 1), true};
    return ends | lines | where(text, '\0') | (opening & ~fresh) |
           (closed & ~(commas | lines | quotes | line_ends));
}

/*
 * The low halves of the four bytes differ, so that one table look-up by low half gives the only one that a byte can be. A
 * byte of 0x80 or above looks up zero, and is none.
 */
static inline AVX2 __m256i found_in(__m256i text, __m256i candidates)
{
    return _mm256_cmpeq_epi8(_mm256_shuffle_epi8(candidates, text), text);
}

static inline AVX2 bool has_others(struct block text)
{
    const __m256i others = _mm256_setr_epi8(0, 0, '"', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '"', 0, 0,
                                            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    __m256i other = _mm256_or_si256(found_in(text.low, others), found_in(text.high, others));
    return !_mm256_testz_si256(other, other);
}

static inline AVX2 uint64_t ends_in(struct block text)
{
    /* 1 at the place of 0, which it cannot match */
    const __m256i ends = _mm256_setr_epi8(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, '\n', 0, ',', 0, 0, 0, 1, 0, 0, 0, 0,
                                          0, 0, 0, 0, 0, '\n', 0, ',', 0, 0, 0);
    return mask_of(found_in(text.low, ends), found_in(text.high, ends));
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

static AVX2 size_t scan_avx2(const char *bytes, size_t length, uint32_t base, struct csv_phase *phase,
                             uint32_t *marks)
{
    size_t count = 0, at = 0;
    uint64_t fresh = phase->fresh;
    bool quoted = phase->inside | phase->closed;
    for (; length - at >= BLOCK; at += BLOCK) {
        struct block text = load_block(bytes + at);
        uint64_t found;
        if (!quoted && !has_others(text)) {
            found = ends_in(text);
            fresh = found >> (BLOCK - 1);
        } else {
            phase->fresh = fresh;
            found = scan_quoted_block(bytes + at, length - at > BLOCK && bytes[at + BLOCK] == '\n', phase);
            fresh = phase->fresh;
            quoted = phase->inside | phase->closed;
        }
        count += write_marks(found, base + (uint32_t)at, marks + count);
    }
    phase->fresh = fresh;
    return count + scan_bytes(bytes, at, length, length, base, phase, marks + count);
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
