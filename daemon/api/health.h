/* SPDX-License-Identifier: PostgreSQL */
/* Readiness: whether the daemon can do its work now, and why not. One line for each thing that was looked at. Pure. */
#ifndef SHOUWANG_API_HEALTH_H
#define SHOUWANG_API_HEALTH_H

#include "api/view.h"
#include "base/text.h"

#include <stdbool.h>

/*
 * Writes lines "[+] what: words" (in order), "[!] …" (somebody should look, the daemon works) and "[-] …" (not ready);
 * only the last kind unless verbose. Returns whether the daemon is ready. Old feeds do not make it unready: it would clear
 * nothing by them.
 */
bool health_render(const struct api_view *view, bool verbose, struct text *out);

#endif
