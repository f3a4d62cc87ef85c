/* SPDX-License-Identifier: PostgreSQL */
#include "policy/compiler.h"

void example_check_all(struct compiler *compiler)
{
    (void)compiler;
}
