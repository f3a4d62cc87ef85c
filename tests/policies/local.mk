# SPDX-License-Identifier: PostgreSQL
# The policies that are shipped.
dist_check_SCRIPTS += tests/policies/shipped
TESTS += tests/policies/shipped
