/* SPDX-License-Identifier: PostgreSQL */
/*
 * Include last, in files whose loops run over whole columns: GCC 12 vectorises at -O2 only what costs nothing to try, and
 * loops of unknown length are not among it. (Clang does at -O2.)
 */
#ifndef SHOUWANG_POLICY_VECTORISE_H
#define SHOUWANG_POLICY_VECTORISE_H

#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__)
#pragma GCC optimize("O3")
#endif

/*
 * Before such a function: it is compiled twice, and the loader takes the one that suits the processor. Plain x86-64 compares no
 * 64-bit integers in vectors. Results are the same: all arithmetic here is on integers. (Under the sanitizers the loader's choice
 * itself would be instrumented, and it runs before they are there.)
 */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__) &&              \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define VECTORISED
#endif

#endif
