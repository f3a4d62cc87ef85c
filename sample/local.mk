# SPDX-License-Identifier: PostgreSQL
noinst_PROGRAMS += sample/shouwang-county
sample_shouwang_county_SOURCES = sample/county.c sample/county.h sample/county_cases.c sample/county_damaged.c \
	sample/county_facts.c sample/county_files.c sample/county_native.c sample/county_ordinary.c \
	sample/county_people.c sample/county_planted.c
sample_shouwang_county_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
sample_shouwang_county_LDADD = daemon/base/libbase.a $(CRYPTO_LIBS)
EXTRA_DIST += sample/README.md

noinst_PROGRAMS += sample/shouwang-receiver
sample_shouwang_receiver_SOURCES = sample/receiver.c
sample_shouwang_receiver_CFLAGS = $(AM_CFLAGS) $(MHD_CFLAGS) $(CRYPTO_CFLAGS)
sample_shouwang_receiver_LDADD = $(MHD_LIBS) $(CRYPTO_LIBS)
