/* SPDX-License-Identifier: PostgreSQL */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts(PACKAGE_STRING);
        return EX_OK;
    }
    fprintf(stderr, "usage: shouwangd --version\n");
    return EX_USAGE;
}
