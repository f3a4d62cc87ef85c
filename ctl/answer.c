/* SPDX-License-Identifier: PostgreSQL */
#include "answer.h"

int64_t answer_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

const char *answer_text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL && *value != '\0' ? value : "-";
}

void answer_levels(const json_t *levels, FILE *out)
{
    static const char *const names[] = {"red", "orange", "yellow", "verify"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        fprintf(out, "%s%s %lld", i ? ", " : "", names[i], (long long)answer_number(levels, names[i]));
}
