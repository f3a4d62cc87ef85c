# SPDX-License-Identifier: PostgreSQL
EXTRA_PROGRAMS += bench/delivery/curl_multi
bench_delivery_curl_multi_SOURCES = bench/delivery/curl_multi.c
bench_delivery_curl_multi_LDADD = $(CURL_LIBS)
EXTRA_DIST += bench/delivery.mjs bench/delivery/nginx.conf bench/delivery/post.lua bench/peers/package.json \
	bench/peers/package-lock.json bench/peers/deliver.mjs bench/peers/deliver_graphile.mjs bench/peers/deliver_pgboss.mjs
