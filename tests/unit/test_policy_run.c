#include "test_policy.h"
Suite *policy_run_suite(void)
{
    return suite_create("policy run");
}
