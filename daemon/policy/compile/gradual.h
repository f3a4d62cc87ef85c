/* SPDX-License-Identifier: PostgreSQL */
/*
 * 渐退 (gradual_exit): a household condition. It holds while one of its rows does: a member or the household itself had
 * the state, lost it less than so many months ago and has not got it again, and the row's condition holds.
 *
 *     渐退 渐退期 自 低保待遇
 *       24月 当 有残疾人 且 人均收入 < 2 × 低保   依据 甲 第九条
 *       18月 当 人均收入 < 2 × 低保               依据 甲 第九条
 *
 * "Less than N months ago" on D: the last day of the state lies in (D − N months, D], as 近N月 终止 has it.
 */
#ifndef SHOUWANG_POLICY_GRADUAL_H
#define SHOUWANG_POLICY_GRADUAL_H

#include "policy/compile/compiler.h"
#include "policy/machine/machine.h"

/* The definition's condition; operand_none() when diagnosed. */
struct operand gradual_elaborate(struct compiler *compiler, const struct definition *definition);

/* The last day on which a row that is not denied can still hold, as far as the facts of `batch` (one household) say;
 * DAY_NONE when there is none. used: room for the facts of one subject. */
day_t gradual_until(const struct program_gradual *gradual, const struct batch *batch, uint8_t *used);

#endif
