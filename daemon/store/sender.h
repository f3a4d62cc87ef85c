/* SPDX-License-Identifier: PostgreSQL */
/*
 * Rows on their way into the database while the next ones are composed: a thread of its own copies what it is given, in
 * order, so that decoding here and inserting there share two cores.
 *
 * The connection belongs to the sender from the first sender_send after a sender_wait until the next sender_wait has
 * returned: whoever needs it for anything else waits first.
 *
 * Ownership: owns its thread and the rows that it was given; borrows the connection. Threading: one caller at a time.
 * Errors: the first failure of a COPY is what every later call reports. Memory: at most SENDER_WAITING_BYTES wait beside
 * what is being sent and what the caller hands over.
 */
#ifndef SHOUWANG_STORE_SENDER_H
#define SHOUWANG_STORE_SENDER_H

#include "base/status.h"

struct pg;
struct pg_rows;
struct sender;

enum { SENDER_WAITING_BYTES = 16 << 20 };

enum status sender_new(struct pg *pg, struct sender **sender, struct error *err) WARN_UNUSED;
/* copy_sql as of pg_copy_in. Takes the rows, which are empty afterwards; waits while too many bytes wait. Without rows it
 * does nothing. */
enum status sender_send(struct sender *sender, const char *copy_sql, struct pg_rows *rows,
                        struct error *err) WARN_UNUSED;
/* Until everything was taken by the server. */
enum status sender_wait(struct sender *sender, struct error *err) WARN_UNUSED;
/* What waits is thrown away; what is being sent ends first. NULL is allowed. */
void sender_free(struct sender *sender);

#endif
