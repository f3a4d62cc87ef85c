/* SPDX-License-Identifier: PostgreSQL */
/* The tools around the language: what would change it, mutants, format, differences. */
#include "config.h"

#include "test_policy.h"

int main(void)
{
    Suite *suites[] = {policy_whatif_suite(), policy_mutants_suite(), policy_format_suite(),
                       policy_diff_suite()};
    return unit_run(suites, sizeof suites / sizeof suites[0]);
}
