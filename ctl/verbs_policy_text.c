/* SPDX-License-Identifier: PostgreSQL */
/* policy fmt: a policy's text in its canonical spacing. */
#include "io/file.h"
#include "policy_file.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static bool is_canonical(const struct open_policy *open, const struct text *formatted)
{
    return formatted->length == open->text.length &&
           memcmp(formatted->bytes, open->text.bytes, formatted->length) == 0;
}

/* The first line that differs, from 1. */
static int first_difference(const struct open_policy *open, const struct text *formatted)
{
    int line = 1;
    for (size_t i = 0;
         i < formatted->length && i < open->text.length && formatted->bytes[i] == open->text.bytes[i]; i++)
        line += formatted->bytes[i] == '\n';
    return line;
}

static int write_file(const struct open_policy *open, const struct text *formatted)
{
    struct error err;
    return file_replace(open->path, formatted->bytes, formatted->length, &err) == STATUS_OK
               ? 0
               : ctl_fail_error(&err);
}

static int print_format(struct ctl *ctl, struct open_policy *open, const struct text *formatted)
{
    bool canonical = is_canonical(open, formatted), check = ctl_given(ctl, "--check");
    int exit_code = check && !canonical ? EXIT_NO : 0;
    if (check && !canonical)
        fprintf(stderr, "%s:%d: 不是规范的排列;shouwangctl policy fmt --write 会改好\n", open->path,
                first_difference(open, formatted));
    if (ctl_given(ctl, "--write") && !canonical)
        exit_code = write_file(open, formatted);
    if (exit_code > EXIT_NO)
        return exit_code;
    if (ctl->json) {
        int printed =
            ctl_print_json(json_pack("{s:b, s:s}", "canonical", canonical, "text", formatted->bytes));
        return printed ? printed : exit_code;
    }
    if (!check && !ctl_given(ctl, "--write"))
        fwrite(formatted->bytes, 1, formatted->length, stdout);
    return exit_code;
}

static int format(struct ctl *ctl, struct open_policy *open)
{
    struct text formatted;
    text_init(&formatted);
    enum status status = policy_format(open->policy, &formatted, &open->err);
    int exit_code = status == STATUS_OK ? print_format(ctl, open, &formatted) : ctl_fail_error(&open->err);
    text_fini(&formatted);
    return exit_code;
}

int verb_policy_fmt(struct ctl *ctl)
{
    struct open_policy open = {0};
    if (!ctl_apart(ctl, "--check", "--write"))
        return EX_USAGE;
    int exit_code = policy_open(ctl, ctl->words[0], &open);
    if (exit_code == 0)
        exit_code = open.policy ? format(ctl, &open) : policy_refuse(ctl, &open);
    policy_close(&open);
    return exit_code;
}
