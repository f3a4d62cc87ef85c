#include "test_policy.h"
Suite *policy_explain_suite(void)
{
    return suite_create("policy explain");
}
