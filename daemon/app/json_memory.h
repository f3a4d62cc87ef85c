/* SPDX-License-Identifier: PostgreSQL */
/*
 * Memory for jansson, which cannot be trusted without it: where its buffer cannot grow it drops the byte (load.c,
 * lex_save, 2.14), so that a text is read as another one without a word. So a program in which jansson finds no memory
 * ends at once, as it may at any instruction; nothing is half done, and the service manager starts it again.
 *
 * Threading: once, before the first use of jansson; the allocator itself may be used by any thread.
 */
#ifndef SHOUWANG_APP_JSON_MEMORY_H
#define SHOUWANG_APP_JSON_MEMORY_H

/* From now on: exit code 71 (EX_OSERR) and daemon.failed in the log, instead of NULL for jansson. */
void json_memory_guard(void);

#endif
