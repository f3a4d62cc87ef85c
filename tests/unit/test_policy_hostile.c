#include "test_policy.h"
Suite *policy_hostile_suite(void)
{
    return suite_create("policy hostile");
}
