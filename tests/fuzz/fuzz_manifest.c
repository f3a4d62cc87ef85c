/* SPDX-License-Identifier: PostgreSQL */
/* A manifest: what is accepted keeps its promises, what is refused says why. */
#include "config.h"

#include "fuzz.h"
#include "source/manifest.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct manifest manifest;
    struct error err = {0};
    enum status status = manifest_parse((struct slice){(const char *)bytes, length}, &manifest, &err);
    if (status != STATUS_OK) {
        FUZZ_CHECK(status == STATUS_REJECT && err.text[0]);
        FUZZ_CHECK(utf8_valid(err.text, strlen(err.text)));
        return 0;
    }
    FUZZ_CHECK(manifest_feed_name_ok((struct slice){manifest.feed, strlen(manifest.feed)}));
    FUZZ_CHECK(manifest_batch_name_ok((struct slice){manifest.batch, strlen(manifest.batch)}));
    FUZZ_CHECK(manifest.period_from <= manifest.period_to && manifest.period_from >= DAY_MIN);
    FUZZ_CHECK(manifest.rows >= 0 && manifest.rows <= MANIFEST_ROWS_MAX);
    FUZZ_CHECK(strspn(manifest.sha256, "0123456789abcdef") == CRYPTO_SHA256_HEX_SIZE - 1);
    FUZZ_CHECK(manifest.mode == MANIFEST_FULL || manifest.mode == MANIFEST_DELTA);
    return 0;
}
