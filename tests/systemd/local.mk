# SPDX-License-Identifier: PostgreSQL
# By hand only: README.md.
EXTRA_DIST += tests/systemd/README.md tests/systemd/run tests/systemd/try
