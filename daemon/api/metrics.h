/* SPDX-License-Identifier: PostgreSQL */
/*
 * Metrics in Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/): each family
 * with HELP and TYPE, counters ending in _total, base units in the names, bounded labels (feeds, townships, levels).
 */
#ifndef SHOUWANG_API_METRICS_H
#define SHOUWANG_API_METRICS_H

#include "api/view.h"
#include "base/text.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

void metrics_render(const struct api_view *view, struct text *out);

#endif
