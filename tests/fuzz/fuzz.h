/* SPDX-License-Identifier: PostgreSQL */
/*
 * What the fuzz targets share. A target is one function over any bytes: it must come back, and what it checks must hold. With
 * libFuzzer the bytes are invented (tests/fuzz/run); in ./check they are those of tests/fuzz/corpus/NAME (corpus_main.c).
 */
#ifndef SHOUWANG_TESTS_FUZZ_FUZZ_H
#define SHOUWANG_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

#define FUZZ_CHECK(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* A folder of this process in memory if there is one, made at the first call and removed at exit. */
const char *fuzz_folder(void);

#endif
