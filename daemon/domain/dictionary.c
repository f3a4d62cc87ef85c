/* SPDX-License-Identifier: PostgreSQL */
/*
 * The dictionary of fact codes, read from INI text.
 *
 * inih keeps 199 bytes of a line and 49 of a section's name, and cuts without a word; it also takes a line that begins
 * with a blank for the continuation of the one before. So the text is looked over first (survey_text), and nothing
 * reaches inih that it would read otherwise than it stands there; what inih then reports is the line of our own refusal.
 *
 * Invariants
 *  D1  `codes` is ordered by number; by_number[n] is the code with number n, or NULL.
 *  D2  A file is added whole or not at all.
 */
#include "base/arena.h"
#include "base/embedded.h"
#include "domain/fact.h"

#include <ini.h>
#include <stdlib.h>
#include <string.h>

enum {
    FILE_BYTES_MAX = 1 << 20, /* a county has dozens of codes; a megabyte is no dictionary */
    LINE_BYTES_MAX = 190,
    ARENA_BYTES_MAX = 8 << 20,
    CODES_MAX = 2048,
    SLOTS = 2 * CODES_MAX, /* at most half full */
};

/* conf/facts.conf (build-aux/embed.sh) */
extern const struct embedded_file dictionary_files[];

struct dictionary {
    struct arena *arena;
    size_t count;
    struct fact_code *codes[CODES_MAX];
    const struct fact_code *by_number[FACT_CODE_NUMBER_MAX + 1];
    const struct fact_code *by_name[SLOTS];
};

struct dictionary *dictionary_new(void)
{
    struct dictionary *dictionary = calloc(1, sizeof *dictionary);
    if (!dictionary)
        return NULL;
    dictionary->arena = arena_new(ARENA_BYTES_MAX);
    if (!dictionary->arena) {
        free(dictionary);
        return NULL;
    }
    return dictionary;
}

void dictionary_free(struct dictionary *dictionary)
{
    if (!dictionary)
        return;
    arena_free(dictionary->arena);
    free(dictionary);
}

size_t dictionary_count(const struct dictionary *dictionary)
{
    return dictionary->count;
}

const struct fact_code *dictionary_at(const struct dictionary *dictionary, size_t index)
{
    return dictionary->codes[index];
}

const struct fact_code *dictionary_by_number(const struct dictionary *dictionary, int number)
{
    return number >= 0 && number <= FACT_CODE_NUMBER_MAX ? dictionary->by_number[number] : NULL;
}

/* FNV-1a: names are short, and millions of rows look one up. */
static size_t slot_of(struct slice name)
{
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (unsigned char)name.bytes[i]) * UINT32_C(16777619);
    return (hash ^ hash >> 15) % SLOTS;
}

const struct fact_code *dictionary_by_name(const struct dictionary *dictionary, struct slice name)
{
    for (size_t slot = slot_of(name); dictionary->by_name[slot]; slot = (slot + 1) % SLOTS)
        if (slice_is(name, dictionary->by_name[slot]->name))
            return dictionary->by_name[slot];
    return NULL;
}

/* --- the form of a file --------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What one line must be for inih to read it as it stands; NULL when it is. */
static const char *line_fault(struct slice line)
{
    if (line.length > LINE_BYTES_MAX)
        return "the line is too long (expected at most 190 bytes)";
    struct slice inner = slice_trim(line);
    if (inner.length == 0 || inner.bytes[0] == '#' || inner.bytes[0] == ';')
        return NULL;
    if (is_blank(line.bytes[0]))
        return "the line begins with a blank (expected none: every line stands alone)";
    if (inner.bytes[0] != '[')
        return memchr(inner.bytes, '=', inner.length) ? NULL : "found neither [section] nor key = value";
    if (inner.bytes[inner.length - 1] != ']')
        return "the section has no ] at the line's end";
    return inner.length - 2 < FACT_CODE_NAME_MAX
               ? NULL
               : "the section's name is too long (expected at most 47 bytes)";
}

/* Looks at every line, and that no section is empty: inih would not tell us of one. */
static enum status survey_text(const char *file_name, struct slice text, struct error *err)
{
    int line = 0, open_section = 0;
    for (size_t at = 0; at < text.length || open_section;) {
        struct slice rest = {text.bytes + at, text.length - at};
        const char *end = rest.length ? memchr(rest.bytes, '\n', rest.length) : NULL;
        struct slice one = {rest.bytes, end ? (size_t)(end - rest.bytes) : rest.length};
        const char *fault = line_fault(one);
        if (fault)
            return error_set(err, STATUS_CONFIG, "%s:%d: %s", file_name, line + 1, fault);
        line++;
        at += one.length + (end != NULL);
        struct slice inner = slice_trim(one);
        bool section = inner.length > 0 && inner.bytes[0] == '[';
        bool key = inner.length > 0 && !section && inner.bytes[0] != '#' && inner.bytes[0] != ';';
        if (open_section && (section || (at >= text.length && !key)))
            return error_set(err, STATUS_CONFIG,
                             "%s:%d: the section is empty (expected number, kind and title)", file_name,
                             open_section);
        open_section = section ? line : key ? 0 : open_section;
    }
    return STATUS_OK;
}

/* --- its meaning ---------------------------------------------------------------------------------------------- */

struct draft {
    struct fact_code code;
    bool has_kind;
};

/* One file on its way in: its codes in the order of their sections, kept apart until all are right (D2). */
struct reading {
    const struct dictionary *dictionary;
    int number_first, number_last; /* those that this file may give */
    struct draft *drafts[CODES_MAX];
    size_t count;
    struct error found; /* what the handler refused; its line is known only to inih */
};

/* Keeps what is wrong and makes inih remember the line. */
#define REFUSE(reading, ...) (error_set(&(reading)->found, STATUS_CONFIG, __VA_ARGS__), 0)

static const struct {
    const char *name;
    enum fact_kind kind;
} kinds[] = {
    {"amount", FACT_AMOUNT},
    {"yesno", FACT_YESNO},
    {"relief", FACT_RELIEF},
    {"choice", FACT_CHOICE},
    {"certificate", FACT_CERTIFICATE},
    {"text", FACT_TEXT},
    {"event", FACT_EVENT},
};

static int out_of_memory(struct reading *reading)
{
    error_set(&reading->found, STATUS_FATAL, "out of memory for the dictionary");
    return 0;
}

static int set_number(struct reading *reading, struct draft *draft, const char *value)
{
    int number = 0;
    for (const char *at = value; *at; at++) {
        if (*at < '0' || *at > '9' || number > FACT_CODE_NUMBER_MAX)
            return REFUSE(reading, "[%s] number = %s: expected a whole number", draft->code.name, value);
        number = number * 10 + (*at - '0');
    }
    if (draft->code.number)
        return REFUSE(reading, "[%s] has a number already: %d", draft->code.name, draft->code.number);
    if (number < reading->number_first || number > reading->number_last)
        return REFUSE(reading, "[%s] number = %s: expected %d to %d", draft->code.name, value,
                      reading->number_first, reading->number_last);
    const struct fact_code *holder = dictionary_by_number(reading->dictionary, number);
    for (size_t i = 0; !holder && i < reading->count; i++)
        if (reading->drafts[i]->code.number == number)
            holder = &reading->drafts[i]->code;
    if (holder)
        return REFUSE(reading, "[%s] number = %d: that is the number of %s", draft->code.name, number,
                      holder->name);
    draft->code.number = number;
    return 1;
}

static int set_kind(struct reading *reading, struct draft *draft, const char *value)
{
    if (draft->has_kind)
        return REFUSE(reading, "[%s] has a kind already", draft->code.name);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(value, kinds[i].name) == 0) {
            draft->code.kind = kinds[i].kind;
            draft->has_kind = true;
            return 1;
        }
    }
    return REFUSE(reading,
                  "[%s] kind = %s: expected amount, yesno, relief, choice, certificate, text or event",
                  draft->code.name, value);
}

static int set_title(struct reading *reading, struct draft *draft, const char *value)
{
    if (draft->code.title)
        return REFUSE(reading, "[%s] has a title already", draft->code.name);
    if (!*value)
        return REFUSE(reading, "[%s] title is empty: expected the words that officials read",
                      draft->code.name);
    draft->code.title = arena_strdup(reading->dictionary->arena, value);
    return draft->code.title ? 1 : out_of_memory(reading);
}

/* "choice = C C级": the value as senders write it, and its title, by default the same. */
static int add_choice(struct reading *reading, struct draft *draft, const char *value)
{
    struct fact_code *code = &draft->code;
    if (code->choice_count == FACT_CHOICES_MAX)
        return REFUSE(reading, "[%s] has more than %d choices", code->name, FACT_CHOICES_MAX);
    size_t length = strcspn(value, " \t");
    if (length == 0)
        return REFUSE(reading, "[%s] choice is empty: expected a value and its title", code->name);
    struct slice title = slice_trim(slice_of(value + length));
    char *name = arena_copy(reading->dictionary->arena, value, length);
    char *words = title.length ? arena_copy(reading->dictionary->arena, title.bytes, title.length) : name;
    if (!name || !words)
        return out_of_memory(reading);
    for (int i = 0; i < code->choice_count; i++)
        if (strcmp(code->choices[i], name) == 0)
            return REFUSE(reading, "[%s] choice %s stands there twice", code->name, name);
    code->choices[code->choice_count] = name;
    code->choice_titles[code->choice_count++] = words;
    return 1;
}

static const struct {
    const char *name;
    int (*set)(struct reading *reading, struct draft *draft, const char *value);
} keys[] = {
    {"number", set_number},
    {"kind", set_kind},
    {"title", set_title},
    {"choice", add_choice},
};

/* Words of lower-case letters, digits and underscores, each beginning with a letter; two or more, joined by dots. */
static bool is_code_name(const char *name)
{
    int words = 0;
    for (;; name++) {
        if (*name < 'a' || *name > 'z')
            return false;
        name += strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
        words++;
        if (*name != '.')
            return !*name && words >= 2;
    }
}

/* The section's draft: the last one, or a new one. NULL after a refusal. */
static struct draft *draft_of(struct reading *reading, const char *section)
{
    if (reading->count && strcmp(reading->drafts[reading->count - 1]->code.name, section) == 0)
        return reading->drafts[reading->count - 1];
    if (!is_code_name(section)) {
        error_set(&reading->found, STATUS_CONFIG,
                  "[%s]: expected a code such as income.wage (lower-case words joined by dots)", section);
        return NULL;
    }
    bool known = dictionary_by_name(reading->dictionary, slice_of(section)) != NULL;
    for (size_t i = 0; i < reading->count; i++)
        known = known || strcmp(reading->drafts[i]->code.name, section) == 0;
    if (known) {
        error_set(&reading->found, STATUS_CONFIG,
                  "[%s] is defined already, and may not be changed: stored facts carry its number", section);
        return NULL;
    }
    if (reading->dictionary->count + reading->count == CODES_MAX) {
        error_set(&reading->found, STATUS_CONFIG, "[%s]: the dictionary is full (%d codes)", section,
                  CODES_MAX);
        return NULL;
    }
    struct draft *draft = arena_alloc(reading->dictionary->arena, sizeof *draft);
    char *name = arena_strdup(reading->dictionary->arena, section);
    if (!draft || !name) {
        out_of_memory(reading);
        return NULL;
    }
    draft->code.name = name;
    reading->drafts[reading->count++] = draft;
    return draft;
}

/* inih's callback: 0 marks the line. It goes on after a refusal; the first one counts. */
static int take_key(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    if (reading->found.status != STATUS_OK)
        return 0;
    if (!*section)
        return REFUSE(reading, "%s stands before the first [section]", key);
    struct draft *draft = draft_of(reading, section);
    if (!draft)
        return 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(key, keys[i].name) == 0)
            return keys[i].set(reading, draft, value);
    return REFUSE(reading, "[%s] %s: unknown key (expected number, kind, title or choice)", section, key);
}

static enum status check_draft(const char *file_name, const struct draft *draft, struct error *err)
{
    const char *missing = !draft->code.number  ? "number"
                          : !draft->has_kind   ? "kind"
                          : !draft->code.title ? "title"
                                               : NULL;
    if (missing)
        return error_set(err, STATUS_CONFIG, "%s: [%s] has no %s", file_name, draft->code.name, missing);
    if (draft->code.kind == FACT_CHOICE && draft->code.choice_count == 0)
        return error_set(err, STATUS_CONFIG,
                         "%s: [%s] is a choice and has none (expected choice = VALUE TITLE)", file_name,
                         draft->code.name);
    if (draft->code.kind != FACT_CHOICE && draft->code.choice_count > 0)
        return error_set(err, STATUS_CONFIG, "%s: [%s] has choices, and its kind is not choice", file_name,
                         draft->code.name);
    return STATUS_OK;
}

static void insert(struct dictionary *dictionary, struct fact_code *code)
{
    size_t at = dictionary->count++;
    for (; at > 0 && dictionary->codes[at - 1]->number > code->number; at--)
        dictionary->codes[at] = dictionary->codes[at - 1];
    dictionary->codes[at] = code;
    dictionary->by_number[code->number] = code;
    size_t slot = slot_of(slice_of(code->name));
    while (dictionary->by_name[slot])
        slot = (slot + 1) % SLOTS;
    dictionary->by_name[slot] = code;
}

static enum status read_file(struct dictionary *dictionary, struct reading *reading, const char *file_name,
                             const char *text, struct error *err)
{
    int line = ini_parse_string(text, take_key, reading);
    if (reading->found.status != STATUS_OK)
        return error_set(err, reading->found.status, "%s:%d: %s", file_name, line, reading->found.text);
    if (line != 0) /* inih has a last word; survey_text leaves it nothing to refuse. GCOVR_EXCL_BR_LINE */
        return error_set(err, STATUS_CONFIG, "%s:%d: cannot be read", file_name, line);
    for (size_t i = 0; i < reading->count; i++) {
        enum status status = check_draft(file_name, reading->drafts[i], err);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t i = 0; i < reading->count; i++)
        insert(dictionary, &reading->drafts[i]->code);
    return STATUS_OK;
}

/* inih reads to a terminator, and needs a copy of a slice. */
static enum status add_text(struct dictionary *dictionary, const char *file_name, struct slice text,
                            int number_first, int number_last, struct error *err)
{
    if (text.length > FILE_BYTES_MAX)
        return error_set(err, STATUS_CONFIG, "%s: found %zu bytes, expected at most %d", file_name,
                         text.length, FILE_BYTES_MAX);
    if (text.length && (memchr(text.bytes, '\0', text.length) || !utf8_valid(text.bytes, text.length)))
        return error_set(err, STATUS_CONFIG, "%s: found bytes that are no UTF-8 text", file_name);
    /* A byte order mark is Windows' way to say UTF-8. */
    if (text.length >= 3 && memcmp(text.bytes, "\xEF\xBB\xBF", 3) == 0)
        text = (struct slice){text.bytes + 3, text.length - 3};
    enum status status = survey_text(file_name, text, err);
    if (status != STATUS_OK)
        return status;
    struct arena *arena = arena_new(0);
    char *copy = arena ? arena_copy(arena, text.bytes, text.length) : NULL;
    struct reading *reading = arena ? arena_alloc(arena, sizeof *reading) : NULL;
    if (copy && reading) {
        reading->dictionary = dictionary;
        reading->number_first = number_first;
        reading->number_last = number_last;
        status = read_file(dictionary, reading, file_name, copy, err);
    } else {
        status = error_set(err, STATUS_FATAL, "%s: out of memory", file_name);
    }
    arena_free(arena);
    return status;
}

enum status dictionary_add(struct dictionary *dictionary, const char *file_name, const char *text,
                           size_t length, struct error *err)
{
    return add_text(dictionary, file_name, (struct slice){text, length}, FACT_CODE_COUNTY_FIRST,
                    FACT_CODE_NUMBER_MAX, err);
}

enum status dictionary_add_base(struct dictionary *dictionary, struct error *err)
{
    for (const struct embedded_file *file = dictionary_files; file->name; file++) {
        enum status status = add_text(dictionary, file->name, (struct slice){file->bytes, file->length}, 1,
                                      FACT_CODE_COUNTY_FIRST - 1, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
