/* SPDX-License-Identifier: PostgreSQL */
#include "config.h" /* renameat2, mkostemp */

#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum call {
    CALL_OPEN = 1 << 0,
    CALL_READ = 1 << 1,
    CALL_WRITE = 1 << 2,
    CALL_SYNC = 1 << 3,
    CALL_CLOSE = 1 << 4,
    CALL_MOVE = 1 << 5, /* rename, link, unlink, mkdir, mkostemp, fchmod */
    CALL_LIST_OPEN = 1 << 6,
    CALL_LIST = 1 << 7,
    CALL_STAT = 1 << 8,
    CALL_ACCESS = 1 << 9,
};

const struct fault_kind fault_kinds[] = {
    {"EIO", EIO, false, false},
    {"ENOSPC", ENOSPC, false, false},
    {"EINTR", EINTR, false, true},
    {"EACCES", EACCES, false, false},
    {"EMFILE", EMFILE, false, false},
    {"EINVAL", EINVAL, false, true}, /* a file system without renameat2's flags, without fsync of folders */
    {"short", 0, false, true},
    {"done, then EIO", EIO, true, false},
};
const size_t fault_kind_count = sizeof fault_kinds / sizeof *fault_kinds;

/* Which calls can fail how: the ERRORS sections of their manual pages. EINTR: those that we make again. */
static unsigned calls_of(const struct fault_kind *kind)
{
    if (kind->after)
        return CALL_MOVE;
    switch (kind->number) {
    case 0:
        return CALL_READ | CALL_WRITE;
    case EIO:
        return CALL_OPEN | CALL_READ | CALL_WRITE | CALL_SYNC | CALL_CLOSE | CALL_MOVE | CALL_LIST_OPEN |
               CALL_LIST | CALL_STAT;
    case ENOSPC:
        return CALL_WRITE | CALL_SYNC | CALL_MOVE;
    case EINTR:
        return CALL_READ | CALL_WRITE | CALL_CLOSE;
    case EACCES:
        return CALL_OPEN | CALL_MOVE | CALL_LIST_OPEN | CALL_STAT | CALL_ACCESS;
    case EMFILE:
        return CALL_OPEN | CALL_LIST_OPEN;
    case EINVAL:
        return CALL_SYNC;
    default:
        return 0;
    }
}

enum { DESCRIPTORS = 256 };

static const struct fault_kind *armed;
static int count, fail_at;
static bool happened;
static const char *last_call = "";
static char last_path[PATH_MAX], paths[DESCRIPTORS][PATH_MAX], list_path[PATH_MAX];

void fault_at(const struct fault_kind *kind, int n)
{
    armed = kind;
    fail_at = n;
    count = 0;
    happened = false;
}

bool fault_happened(void)
{
    armed = NULL;
    return happened;
}

int fault_count(void)
{
    return count;
}

const char *fault_call(void)
{
    return last_call;
}

const char *fault_path(void)
{
    return last_path;
}

static void know(int fd, const char *path)
{
    if (fd >= 0 && fd < DESCRIPTORS)
        snprintf(paths[fd], sizeof paths[fd], "%s", path);
}

static const char *path_of(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS ? paths[fd] : "";
}

/* Is it this call's turn? */
static bool fails(enum call call, const char *name, const char *path)
{
    if (armed == NULL || (calls_of(armed) & call) == 0 || ++count != fail_at)
        return false;
    happened = true;
    last_call = name;
    snprintf(last_path, sizeof last_path, "%s", path);
    errno = armed->number;
    return true;
}

static bool is_ours(int fd)
{
    return fd != STDOUT_FILENO && fd != STDERR_FILENO;
}

/* Fails before it is made, or after. */
#define MOVE(name, path, made)                                                                               \
    do {                                                                                                     \
        if (!fails(CALL_MOVE, name, path))                                                                   \
            return made;                                                                                     \
        if (armed->after)                                                                                    \
            (void)(made);                                                                                    \
        errno = armed->number;                                                                               \
        return -1;                                                                                           \
    } while (0)

/* The linker's names. */
#define WRAP(type, name, parameters)                                                                         \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (fails(CALL_OPEN, "open", path))
        return -1;
    int fd = __real_open(path, flags, mode);
    know(fd, path);
    return fd;
}

WRAP(ssize_t, read, (int fd, void *bytes, size_t size))
{
    if (!fails(CALL_READ, "read", path_of(fd)))
        return __real_read(fd, bytes, size);
    return armed->number != 0 ? -1 : __real_read(fd, bytes, size > 1 ? size / 2 : size);
}

WRAP(ssize_t, pread, (int fd, void *bytes, size_t size, off_t offset))
{
    if (!fails(CALL_READ, "pread", path_of(fd)))
        return __real_pread(fd, bytes, size, offset);
    return armed->number != 0 ? -1 : __real_pread(fd, bytes, size > 1 ? size / 2 : size, offset);
}

WRAP(ssize_t, write, (int fd, const void *bytes, size_t size))
{
    if (!is_ours(fd) || !fails(CALL_WRITE, "write", path_of(fd)))
        return __real_write(fd, bytes, size);
    return armed->number != 0 ? -1 : __real_write(fd, bytes, size > 1 ? size / 2 : size);
}

WRAP(int, fsync, (int fd))
{
    return fails(CALL_SYNC, "fsync", path_of(fd)) ? -1 : __real_fsync(fd);
}

/* Linux closes it in every case. */
WRAP(int, close, (int fd))
{
    bool fail = is_ours(fd) && path_of(fd)[0] != '\0' && fails(CALL_CLOSE, "close", path_of(fd));
    know(fd, "");
    int done = __real_close(fd);
    if (fail)
        errno = armed->number;
    return fail ? -1 : done;
}

WRAP(int, rename, (const char *from, const char *to))
{
    MOVE("rename", from, __real_rename(from, to));
}

WRAP(int, renameat2, (int from_fd, const char *from, int to_fd, const char *to, unsigned flags))
{
    /* A file system that does not know the flags: the file must come over another way. */
    if (armed != NULL && armed->number == EINVAL && ++count == fail_at) {
        happened = true;
        last_call = "renameat2";
        snprintf(last_path, sizeof last_path, "%s", from);
        errno = EINVAL;
        return -1;
    }
    MOVE("renameat2", from, __real_renameat2(from_fd, from, to_fd, to, flags));
}

WRAP(int, link, (const char *from, const char *to))
{
    MOVE("link", from, __real_link(from, to));
}

WRAP(int, unlink, (const char *path))
{
    MOVE("unlink", path, __real_unlink(path));
}

WRAP(int, mkdir, (const char *path, mode_t mode))
{
    MOVE("mkdir", path, __real_mkdir(path, mode));
}

WRAP(DIR *, opendir, (const char *path))
{
    if (fails(CALL_LIST_OPEN, "opendir", path))
        return NULL;
    snprintf(list_path, sizeof list_path, "%s", path);
    return __real_opendir(path);
}

WRAP(struct dirent *, readdir, (DIR * stream))
{
    return fails(CALL_LIST, "readdir", list_path) ? NULL : __real_readdir(stream);
}

WRAP(int, stat, (const char *path, struct stat *info))
{
    return fails(CALL_STAT, "stat", path) ? -1 : __real_stat(path, info);
}

WRAP(int, lstat, (const char *path, struct stat *info))
{
    return fails(CALL_STAT, "lstat", path) ? -1 : __real_lstat(path, info);
}

WRAP(int, fstat, (int fd, struct stat *info))
{
    return armed != NULL && armed->number == EIO && fails(CALL_STAT, "fstat", path_of(fd))
               ? -1
               : __real_fstat(fd, info);
}

WRAP(int, access, (const char *path, int mode))
{
    return fails(CALL_ACCESS, "access", path) ? -1 : __real_access(path, mode);
}
