#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# A private PostgreSQL cluster, for tests and the demonstration:
#   pg_cluster.sh start DIR    makes the cluster in DIR if there is none, starts it; the last line is the conninfo
#   pg_cluster.sh restart DIR  stops and starts it
#   pg_cluster.sh stop DIR     stops it fast (sessions are ended)
#   pg_cluster.sh kill DIR     stops it at once, as a crash would
#   pg_cluster.sh remove DIR   stops it and forgets it
# Reached only through a Unix socket. PostgreSQL refuses root, so root runs it as the user postgres; where that user cannot
# enter DIR (below /root), or DIR is too long for a socket's path (107 bytes), the cluster lies in a short temporary folder
# of which DIR keeps the name. Nothing is synced to disk: it is thrown away. With SHOUWANG_PROTOTYPE, the folder of another
# cluster that is stopped, a new one is a copy of that.
set -euo pipefail
action=${1:?start, restart, stop, kill or remove}
named=${2:?directory}

bin=$(pg_config --bindir 2>/dev/null || true)
[ -x "$bin/initdb" ] || bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

as_server() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && runuser -u postgres -- "$@")
	else
		"$@"
	fi
}

# Where the cluster of the named folder really lies.
place_of() {
	if [ -f "$named/place" ]; then
		cat "$named/place"
	elif [ -d "$named/data" ] || { [ ${#named} -le 80 ] && as_server test -x "$(dirname "$named")"; }; then
		echo "$named"
	else
		mktemp -d /tmp/shouwang.XXXXXX | tee "$named/place"
	fi
}

make_cluster() {
	mkdir -p "$dir"
	if [ "$(id -u)" = 0 ]; then chown postgres: "$dir"; fi
	chmod 755 "$dir"
	if [ -n "${SHOUWANG_PROTOTYPE:-}" ]; then
		as_server cp -R "$SHOUWANG_PROTOTYPE/data" "$dir/data"
		as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<<"unix_socket_directories = '$dir'"
		return
	fi
	as_server "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"/dev/null"
	as_server tee -a "$dir/data/postgresql.conf" >/dev/null <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$dir'
		unix_socket_permissions = 0777
		max_connections = 50
		shared_buffers = 256MB
		fsync = off
		full_page_writes = off
		autovacuum_naptime = 10s
		max_wal_size = 1GB
		timezone = 'UTC'
		log_line_prefix = '%m [%p] %a '
	CONF
}

start() {
	if [ ! -d "$dir/data" ]; then make_cluster; fi
	if as_server "$bin/pg_ctl" -D "$dir/data" status >/dev/null 2>&1; then
		echo "host=$dir user=postgres"
		return
	fi
	# postgres inherits neither our terminal nor our pipes: a caller that reads our output must see its end
	as_server "$bin/pg_ctl" -D "$dir/data" -l "$dir/data/server.log" -w -t 60 start >/dev/null 2>&1 </dev/null ||
		{ echo "pg_cluster.sh: the server does not start:" >&2; tail -n 20 "$dir/data/server.log" >&2; exit 1; }
	echo "host=$dir user=postgres"
}

# $1: fast or immediate
stop() {
	if [ -f "$dir/data/postmaster.pid" ]; then as_server "$bin/pg_ctl" -D "$dir/data" -m "$1" -w -t 60 stop >/dev/null; fi
}

mkdir -p "$named"
dir=$(place_of)

case $action in
start) start ;;
stop) stop fast ;;
restart)
	stop fast
	start
	;;
kill) stop immediate ;;
remove)
	stop fast
	rm -rf "$dir" "$named"
	;;
*)
	echo "pg_cluster.sh: $action: expected start, restart, stop, kill or remove" >&2
	exit 64
	;;
esac
