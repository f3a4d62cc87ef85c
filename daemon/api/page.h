/* SPDX-License-Identifier: PostgreSQL */
/*
 * The status page: one HTML document in Chinese, without scripts, pictures or anything to fetch. Counts and times alone:
 * it may hang on a wall.
 */
#ifndef SHOUWANG_API_PAGE_H
#define SHOUWANG_API_PAGE_H

#include "api/view.h"
#include "base/text.h"

#define PAGE_CONTENT_TYPE "text/html; charset=utf-8"

void page_render(const struct api_view *view, struct text *out);

#endif
