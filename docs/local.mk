# SPDX-License-Identifier: PostgreSQL
dist_doc_DATA += docs/dependencies.md
