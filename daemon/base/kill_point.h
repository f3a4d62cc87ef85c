/* SPDX-License-Identifier: PostgreSQL */
/*
 * Kill points: named places where a test has the process die, as by the power switch, or stand still, as a machine that is
 * suspended, between two steps of its work.
 *
 *     KILL_POINT("ingest.before_commit");
 *
 * is nothing in an ordinary build. Configured with --enable-kill-points, the environment's SHOUWANG_KILL_POINT decides:
 *   NAME or NAME:N   the N-th passage (default 1) through this point is the last: SIGKILL, nothing is cleaned up
 *                    (SIGSTOP with SHOUWANG_KILL_SIGNAL=STOP: whoever sends SIGCONT lets it go on)
 *   trace            each passage is told on stderr, "kill_point=NAME", and nobody dies
 *   not set          nothing happens
 *
 * Every name stands in kill_points.def and at one place of the source; tests/lint/kill_points enforces it. What the
 * tests do with them: tests/fault/README.md.
 *
 * Threading: any thread may pass. The count of passages is mutable state at file scope, and only in such a build.
 */
#ifndef SHOUWANG_BASE_KILL_POINT_H
#define SHOUWANG_BASE_KILL_POINT_H

#ifdef SHOUWANG_KILL_POINTS
#define KILL_POINT(name) kill_point_pass(name)
void kill_point_pass(const char *name);
/* "NAME<tab>MEANING" per point on stdout; the exit status of --list-kill-points. */
int kill_point_list(void);
#else
#define KILL_POINT(name) ((void)0)
#endif

#endif
