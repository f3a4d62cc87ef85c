/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include "io_fixture.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct loop *io_loop(void)
{
    struct loop *loop = NULL;
    struct error err;
    io_ok(loop_new(&loop, &err), err);
    return loop;
}

void io_turn(struct loop *loop)
{
    struct error err;
    io_ok(loop_turn(loop, 20, &err), err);
}

char *io_make_folder(void)
{
    char *path = strdup("/tmp/sw-io-XXXXXX");
    ck_assert_ptr_nonnull(path);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

static void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    if (folder != NULL) {
        struct dirent *entry;
        while ((entry = readdir(folder)) != NULL) {
            char child[PATH_MAX];
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
            if (unlink(child) != 0)
                remove_tree(child);
        }
        closedir(folder);
    }
    rmdir(path);
}

void io_remove_folder(char *path)
{
    remove_tree(path);
    free(path);
}

const char *io_path(const char *folder, const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}
