/* SPDX-License-Identifier: PostgreSQL */
/* The language: from text to outcomes and their explanation. */
#include "config.h"

#include "test_policy.h"

int main(void)
{
    Suite *suites[] = {policy_text_suite(),    policy_examples_suite(), policy_run_suite(),
                       policy_explain_suite(), policy_hostile_suite(),  policy_supply_suite(),
                       policy_leaves_suite(),  policy_ended_suite()};
    return unit_run(suites, sizeof suites / sizeof suites[0]);
}
