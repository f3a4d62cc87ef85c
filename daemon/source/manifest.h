/* SPDX-License-Identifier: PostgreSQL */
/*
 * The manifest of a feed file: X.csv.manifest.json beside X.csv, written last by the sender.
 *
 * One JSON object with feed, batch, period_from, period_to, mode, rows, sha256, sent_at (docs/feeds.md);
 * further keys are ignored. Every key is needed; a refusal names the key, what was found and what was
 * expected.
 */
#ifndef SHOUWANG_SOURCE_MANIFEST_H
#define SHOUWANG_SOURCE_MANIFEST_H

#include "base/civil.h"
#include "base/status.h"
#include "io/crypto.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MANIFEST_BYTES_MAX = 64 * 1024,
    MANIFEST_FEED_MAX = 32, /* [a-z0-9_] */
    MANIFEST_BATCH_MAX =
        64, /* [A-Za-z0-9._-], the first a letter or digit: it becomes part of messages and names */
};
#define MANIFEST_SUFFIX ".manifest.json"
/* More rows than any county's file has: the line numbers must fit 31 bits. */
#define MANIFEST_ROWS_MAX INT64_C(2000000000)

enum manifest_mode { MANIFEST_DELTA, MANIFEST_FULL };

struct manifest {
    char feed[MANIFEST_FEED_MAX + 1];
    char batch[MANIFEST_BATCH_MAX + 1];
    day_t period_from, period_to; /* from ≤ to */
    enum manifest_mode mode;
    int64_t rows;                        /* without the header */
    char sha256[CRYPTO_SHA256_HEX_SIZE]; /* lower case */
    int64_t sent_at_unix_ms;
};

/*
 * Reads a manifest. On STATUS_REJECT the manifest holds what could be read before (batch is "" when it could
 * not), so that the refusal can be recorded under its name.
 */
enum status manifest_parse(struct slice text, struct manifest *manifest, struct error *err) WARN_UNUSED;
enum status manifest_read(const char *path, struct manifest *manifest, struct error *err) WARN_UNUSED;

bool manifest_feed_name_ok(struct slice name);
bool manifest_batch_name_ok(struct slice name);

#endif
