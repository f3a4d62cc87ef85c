#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Runs the store's tests against a build: tests/system/run-store.sh [BUILD_DIR [PROGRAM...]]
# Starts a cluster of its own and stops it by its pid file. With TEST_CONNINFO set it uses that cluster.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../..}" && pwd)
[ $# -eq 0 ] || shift
if [ $# -eq 0 ]; then set -- "$build"/tests/system/test_store_*; fi
. "$here/../environment.sh"
status=0

if [ -z "${TEST_CONNINFO:-}" ]; then
	dir=$(mktemp -d "${TMPDIR:-/tmp}/swst.XXXXXX")
	chmod 755 "$dir"
	trap '"$here/pg_cluster.sh" stop "$dir/pg"; rm -rf "$dir"' EXIT
	TEST_CONNINFO=$("$here/pg_cluster.sh" start "$dir/pg" | tail -n 1)
fi
export TEST_CONNINFO
export abs_top_srcdir=$here/../.. abs_top_builddir=$build
for program in "$@"; do
	case ${program##*/} in *.*) continue ;; esac
	timeout "${SHOUWANG_LONG:+3}600" "$program" || status=1
done
exit $status
