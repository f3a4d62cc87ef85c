# SPDX-License-Identifier: PostgreSQL
sbin_PROGRAMS += daemon/shouwangd
daemon_shouwangd_SOURCES = daemon/main.c
