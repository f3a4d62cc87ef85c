/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static enum status status_of_errno(int number)
{
    switch (number) {
    case EAGAIN:
    case EBUSY:
    case EDQUOT:
    case EINTR:
    case EIO:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case ESTALE:
    case ETIMEDOUT:
        return STATUS_RETRY;
    case ENOMEM:
        return STATUS_FATAL;
    default:
        return STATUS_CONFIG;
    }
}

static enum status file_failed(struct error *err, const char *path, const char *what)
{
    const int number = errno;
    return error_set(err, status_of_errno(number), "%s: cannot %s: %s", path, what, strerror(number));
}

enum status file_stat(const char *path, struct file_info *info, struct error *err)
{
    struct stat st;
    memset(info, 0, sizeof *info);
    if (stat(path, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return STATUS_OK;
        return file_failed(err, path, "look at it");
    }
    info->exists = true;
    info->is_file = S_ISREG(st.st_mode);
    info->is_directory = S_ISDIR(st.st_mode);
    info->size_bytes = (uint64_t)st.st_size;
    info->modified_unix_ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return STATUS_OK;
}

/* Opens a regular file of at most max_bytes. O_NONBLOCK: a FIFO in its place must not hang us. */
static enum status open_bounded(const char *path, size_t max_bytes, int *fd, struct stat *st,
                                struct error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0)
        return file_failed(err, path, "open it");
    enum status status = STATUS_OK;
    if (fstat(*fd, st) != 0)
        status = file_failed(err, path, "look at it");
    else if (!S_ISREG(st->st_mode))
        status = error_set(err, STATUS_CONFIG, "%s: not a regular file", path);
    else if ((uint64_t)st->st_size > max_bytes)
        status = error_set(err, STATUS_REJECT, "%s: has %lld bytes, expected at most %zu", path,
                           (long long)st->st_size, max_bytes);
    if (status != STATUS_OK)
        close(*fd);
    return status;
}

/* Up to and beyond `size`, to see whether the file has grown; -1 with errno when reading fails. */
static ssize_t append_all(int fd, size_t size, struct text *out)
{
    char block[16 * 1024];
    size_t total = 0;
    ssize_t got;
    while (total <= size && ((got = read(fd, block, sizeof block)) > 0 || (got < 0 && errno == EINTR))) {
        if (got < 0)
            continue;
        total += (size_t)got;
        if (total <= size)
            text_add(out, block, (size_t)got);
    }
    explicit_bzero(block, sizeof block); /* it may have been a secret */
    return total <= size && got < 0 ? -1 : (ssize_t)total;
}

static enum status read_whole(const char *path, int fd, size_t size, struct text *out, struct error *err)
{
    const ssize_t total = append_all(fd, size, out);
    if (total < 0)
        return file_failed(err, path, "read it");
    if ((size_t)total != size)
        return error_set(err, STATUS_REJECT, "%s: %s while it was read", path,
                         (size_t)total > size ? "grew" : "shrank");
    if (out->failed)
        return error_set(err, STATUS_FATAL, "%s: out of memory for its %zu bytes", path, size);
    return STATUS_OK;
}

enum status file_read_secret(const char *path, size_t max_bytes, struct text *out, bool *exposed,
                             struct error *err)
{
    int fd;
    struct stat st;
    enum status status = open_bounded(path, max_bytes, &fd, &st, err);
    if (status != STATUS_OK)
        return status;
    *exposed = (st.st_mode & S_IROTH) != 0;
    status = read_whole(path, fd, (size_t)st.st_size, out, err);
    close(fd);
    return status;
}

static int64_t ns_of(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

struct file_mark file_mark_of(const struct stat *info)
{
    return (struct file_mark){.device = (uint64_t)info->st_dev,
                              .inode = (uint64_t)info->st_ino,
                              .size_bytes = (uint64_t)info->st_size,
                              .modified_ns = ns_of(&info->st_mtim),
                              .changed_ns = ns_of(&info->st_ctim)};
}

bool file_mark_same_content(const struct file_mark *a, const struct file_mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size_bytes == b->size_bytes &&
           a->modified_ns == b->modified_ns;
}

enum status file_read(const char *path, size_t max_bytes, struct text *out, struct error *err)
{
    bool exposed;
    return file_read_secret(path, max_bytes, out, &exposed, err);
}

/* "/a/b" → "/a", "b" → "."; the folder whose entry changes with the file. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    const size_t length = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
    if (length >= PATH_MAX)
        return false;
    memcpy(folder, path, length);
    folder[length] = '\0';
    if (length == 0)
        strcpy(folder, ".");
    return true;
}

static enum status sync_folder_of(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    if (!folder_of(path, folder))
        return error_set(err, STATUS_CONFIG, "%s: the path is too long", path);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return file_failed(err, folder, "open the folder");
    enum status status = STATUS_OK;
    /* Some file systems know no fsync of folders and say EINVAL. */
    if (fsync(fd) != 0 && errno != EINVAL)
        status = file_failed(err, folder, "sync the folder");
    close(fd);
    return status;
}

static enum status write_all(const char *path, int fd, const char *bytes, size_t length, struct error *err)
{
    while (length > 0) {
        const ssize_t wrote = write(fd, bytes, length);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return file_failed(err, path, "write it");
        bytes += wrote;
        length -= (size_t)wrote;
    }
    return STATUS_OK;
}

/* Whose the new file is to be. */
struct ownership {
    mode_t mode;
    uid_t owner;
    gid_t group;
};

static bool give_to(int fd, const struct ownership *whose)
{
    struct stat own;
    return fstat(fd, &own) == 0 && ((own.st_uid == whose->owner && own.st_gid == whose->group) ||
                                    fchown(fd, whose->owner, whose->group) == 0);
}

static enum status fill_and_sync(const char *path, int fd, const void *bytes, size_t length,
                                 const struct ownership *whose, struct error *err)
{
    const enum status status = write_all(path, fd, bytes, length, err);
    if (status != STATUS_OK)
        return status;
    if (!give_to(fd, whose))
        return file_failed(err, path, "write it anew with the same owner and group");
    if (fchmod(fd, whose->mode) != 0)
        return file_failed(err, path, "set its mode");
    if (fsync(fd) != 0)
        return file_failed(err, path, "sync it");
    return STATUS_OK;
}

/* "folder/.name.XXXXXX": a dot, so that what a crash leaves is in no listing. */
static bool name_beside(const char *path, char beside[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    return snprintf(beside, PATH_MAX, "%.*s.%s.XXXXXX", (int)(name - path), path, name) < PATH_MAX;
}

static enum status write_beside(const char *path, const void *bytes, size_t length,
                                const struct ownership *whose, struct error *err)
{
    char beside[PATH_MAX];
    if (strlen(path) >= PATH_MAX || !name_beside(path, beside))
        return error_set(err, STATUS_CONFIG, "%.100s…: the path is too long", path);
    const int fd = mkostemp(beside, O_CLOEXEC);
    if (fd < 0)
        return file_failed(err, path, "make a file beside it");
    enum status status = fill_and_sync(path, fd, bytes, length, whose, err);
    if (close(fd) != 0 && status == STATUS_OK)
        status = file_failed(err, path, "close it");
    if (status == STATUS_OK && rename(beside, path) != 0)
        status = file_failed(err, path, "replace it");
    if (status != STATUS_OK) {
        unlink(beside);
        return status;
    }
    return sync_folder_of(path, err);
}

enum status file_replace(const char *path, const void *bytes, size_t length, struct error *err)
{
    enum { PERMISSIONS = 07777 };
    char target[PATH_MAX];
    struct stat old;
    if (realpath(path, target) == NULL || stat(target, &old) != 0)
        return file_failed(err, path, "find it");
    const struct ownership same = {old.st_mode & PERMISSIONS, old.st_uid, old.st_gid};
    return write_beside(target, bytes, length, &same, err);
}

/* Some file systems (NFS) know no RENAME_NOREPLACE and say EINVAL: there a second link does as much. */
static int rename_file(const char *from, const char *to, bool replace)
{
    if (replace)
        return rename(from, to);
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL)
        return -1;
    return link(from, to) == 0 ? unlink(from) : -1;
}

enum status file_rename(const char *from, const char *to, bool replace, struct error *err)
{
    if (rename_file(from, to, replace) != 0) {
        const int number = errno;
        if (number == EEXIST)
            return error_set(err, STATUS_REJECT, "%s: cannot be moved to %s, which exists", from, to);
        if (number == EXDEV)
            return error_set(err, STATUS_CONFIG,
                             "%s: cannot be moved to %s, which is on another file system or mount", from, to);
        return error_set(err, status_of_errno(number), "%s: cannot be moved to %s: %s", from, to,
                         strerror(number));
    }
    const enum status status = sync_folder_of(to, err);
    return status != STATUS_OK ? status : sync_folder_of(from, err);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends a copy of the name. */
static bool list_add(struct file_list *list, size_t *capacity, const char *name)
{
    if (list->count == *capacity) {
        const size_t more = *capacity == 0 ? 16 : *capacity * 2;
        char **names = realloc(list->names, more * sizeof *names);
        if (names == NULL)
            return false;
        list->names = names;
        *capacity = more;
    }
    char *copy = strdup(name);
    if (copy == NULL)
        return false;
    list->names[list->count++] = copy;
    return true;
}

static enum status list_fill(struct file_list *list, DIR *stream, const char *directory, size_t max_names,
                             struct error *err)
{
    size_t capacity = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL)
            return errno != 0 ? file_failed(err, directory, "list the folder") : STATUS_OK;
        if (entry->d_name[0] == '.')
            continue;
        if (list->count == max_names)
            return error_set(err, STATUS_REJECT, "%s: holds more than %zu files", directory, max_names);
        if (!list_add(list, &capacity, entry->d_name))
            return error_set(err, STATUS_FATAL, "%s: out of memory for its list", directory);
    }
}

enum status file_list_open(struct file_list *list, const char *directory, size_t max_names, struct error *err)
{
    list->names = NULL;
    list->count = 0;
    DIR *stream = opendir(directory);
    if (stream == NULL)
        return file_failed(err, directory, "open the folder");
    const enum status status = list_fill(list, stream, directory, max_names, err);
    closedir(stream);
    if (status != STATUS_OK) {
        file_list_close(list);
        return status;
    }
    if (list->count > 1)
        qsort(list->names, list->count, sizeof *list->names, compare_names);
    return STATUS_OK;
}

void file_list_close(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    list->names = NULL;
    list->count = 0;
}

enum status file_make_directory(const char *path, mode_t mode, struct error *err)
{
    char part[PATH_MAX];
    const size_t length = strlen(path);
    if (length == 0 || length >= sizeof part)
        return error_set(err, STATUS_CONFIG, "\"%.100s\": not a usable path", path);
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return file_failed(err, part, "make the folder");
    }
    struct file_info info;
    const enum status status = file_stat(path, &info, err);
    if (status == STATUS_OK && !info.is_directory)
        return error_set(err, STATUS_CONFIG, "%s: exists and is not a folder", path);
    return status;
}

void file_fill_standard(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(EX_OSERR); /* where could it be told? */
}
