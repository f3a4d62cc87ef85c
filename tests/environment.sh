# SPDX-License-Identifier: PostgreSQL
# Sourced by what runs tests against servers: where they lie, and what sanitizers do.
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:exitcode=99:detect_leaks=1}
# A daemon that races ends at once, so that its test fails: at the end of a daemon that is killed nobody would hear of it.
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
# How long a test may take says only when one that hangs is ended: Check's own seconds are for a machine that does nothing else.
export CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-5}
# A name that nobody has is soon known not to be there, also where no name server answers.
export RES_OPTIONS=${RES_OPTIONS:-timeout:1 attempts:1}
# A migrated database is a thousand files, and it is copied hundreds of times: seconds on some disks, nothing in memory.
if [ -z "${TMPDIR:-}" ] && [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null; then
	export TMPDIR=/dev/shm
fi
# Debian's psql is a Perl program that looks for the real one: ten times the work, a thousand times a run.
PATH=$(pg_config --bindir 2>/dev/null || printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1):$PATH
export PATH
