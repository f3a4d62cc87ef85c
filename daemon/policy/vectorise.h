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

#endif
