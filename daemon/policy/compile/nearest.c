/* SPDX-License-Identifier: PostgreSQL */
#include "base/nearest.h"

#include "policy/compile/compiler.h"

const char *compiler_nearest(struct compiler *compiler, struct slice name,
                             struct slice (*candidate)(const void *, size_t), const void *from, size_t count)
{
    struct nearest nearest = nearest_to(name);
    for (size_t i = 0; i < count; i++)
        nearest_consider(&nearest, candidate(from, i));
    if (nearest.name.length == 0)
        return "";
    const char *shown = diagnose_slice(compiler->diagnoser, nearest.name);
    return compiler_keep(
        compiler,
        arena_printf(compiler->scratch,
                     compiler->language == LANGUAGE_CHINESE ? ";是不是“%s”?" : "; did you mean \"%s\"?",
                     compiler_keep(compiler, shown)));
}
