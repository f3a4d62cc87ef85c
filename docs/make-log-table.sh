#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Prints docs/log.md from the table of events:  make-log-table.sh daemon/base/log_events.def
# An entry may run over several lines, and its meaning over several string literals, as C allows.
set -eu
cat <<'END'
# The events of the log

Made from `daemon/base/log_events.def` by `docs/make-log-table.sh` (`make log-table`); do not edit.

One event is one line of logfmt: `level=… event=… key=value …`. Without the journal it begins with `time=…`; under
systemd it begins with `<N>`, the priority of syslog. A line that was too long ends with `cut=yes`. No line holds anything
about a person: no name, no ID, no telephone number, and no payload.

| Event | Level | Meaning |
|---|---|---|
END
tr '\n' ' ' <"$1" | sed 's/LOG_EVENT(/\n&/g' | awk '
	/^LOG_EVENT\([A-Z0-9_]+/ {
		entry = $0
		level = entry
		sub(/.*LOG_LEVEL_/, "", level)
		sub(/[^A-Z].*/, "", level)
		sub(/^[^"]*"/, "", entry)
		name = entry
		sub(/".*/, "", name)
		sub(/^[^"]*"[^"]*"/, "", entry)
		sub(/"[^"]*$/, "", entry)
		gsub(/"[ \t]+"/, "", entry)
		gsub(/\|/, "\\|", entry)
		printf "| `%s` | %s | %s |\n", name, tolower(level), entry
	}' | LC_ALL=C sort
