/* SPDX-License-Identifier: PostgreSQL */
#include "test_app.h"

#include "cases.h"

int main(void)
{
    Suite *suites[] = {options_suite(), settings_suite(), schedule_suite(), wall_clock_suite(), jobs_suite()};
    return unit_run(suites, sizeof suites / sizeof *suites);
}
