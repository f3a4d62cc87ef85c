/* SPDX-License-Identifier: PostgreSQL */
/*
 * policy_format: a policy's text in its canonical spacing. Lines stay lines and comments stay; only blanks change, full-width
 * signs become half-width, and curved quotation marks straight. Statements of one kind that follow each other are aligned.
 *
 * A line is cut into cells where its statement has stops (a table below); a cell begins with a stop and is aligned with the
 * cells of the lines around that have the same stops. What is free text (titles, articles) is copied.
 *
 * The parser sees nothing but tokens, which of them begin a line, and which stand deeper than 某; so the text means the same
 * when those are the same, and that is checked before anything is handed out.
 */
#include "policy/syntax/format.h"

#include "policy/policy.h"
#include "policy/syntax/parser.h"

#include <string.h>

enum { STOPS_MAX = 8, CELLS_MAX = STOPS_MAX + 1, INDENT = 2 };

enum line_kind {
    LINE_BLANK,
    LINE_COMMENT,
    LINE_HEAD,     /* begins a statement */
    LINE_ROW,      /* indented, with stops of its own: a dated value */
    LINE_CLAUSE,   /* indented, begins with a keyword */
    LINE_CONTINUED /* goes on with the expression above */
};

struct cell {
    int stop; /* which of the statement's stops it begins with; -1 the first cell */
    int blanks;
    struct text text;
};

struct line {
    enum line_kind kind;
    enum keyword statement;
    int indent;
    int hang;    /* of a continued line: the width of the operator before its operand */
    bool nested; /* below 某 */
    size_t cell_count;
    struct cell cells[CELLS_MAX];
    struct slice comment;
};

struct formatter {
    const char *text;
    size_t length;
    enum language language;
    const struct token *tokens;
    size_t token_count, next;
    struct arena *arena;
    struct line *lines;
    size_t line_count, line_capacity;
    enum keyword statement; /* of the lines being read */
    int some_column;        /* where 某 stands, while its lines may follow; 0 */
    int parentheses;
    bool failed;
};

/* --- stops -------------------------------------------------------------------------------------------------------- */

/* What a stop looks like. */
enum stop_kind { STOP_NONE, STOP_KEYWORD, STOP_MARK, STOP_NUMBER, STOP_THIRD };

struct stop {
    enum stop_kind kind;
    int what; /* keyword or mark */
    int blanks;
};

struct stops {
    enum keyword statement;
    bool aligned;
    struct stop stops[STOPS_MAX];
};

/* Of a statement's first line. Within a clause and an example see below. */
static const struct stops heads[] = {
    {KW_POLICY, false, {{STOP_KEYWORD, KW_VERSION, 2}, {STOP_KEYWORD, KW_EFFECTIVE, 2}}},
    {KW_SOURCE,
     true,
     {{STOP_THIRD, 0, 1},
      {STOP_KEYWORD, KW_FRESHNESS, 2},
      {STOP_KEYWORD, KW_SWING, 2},
      {STOP_KEYWORD, KW_MAY_RAISE, 2},
      {STOP_KEYWORD, KW_MAY_NOT_RAISE, 2}}},
    {KW_STANDARD, false, {{STOP_KEYWORD, KW_BY, 2}}},
    {KW_SETTING,
     true,
     {{STOP_MARK, SYMBOL_COLON, 1}, {STOP_MARK, SYMBOL_EQUAL, 1}, {STOP_KEYWORD, KW_CITE, 2}}},
    {KW_WINDOW, true, {{STOP_MARK, SYMBOL_EQUAL, 1}}},
    {KW_FACT,
     true,
     {{STOP_MARK, SYMBOL_COLON, 1},
      {STOP_KEYWORD, KW_RANGE, 2},
      {STOP_KEYWORD, KW_TAKE, 2},
      {STOP_KEYWORD, KW_FIRST, 2},
      {STOP_KEYWORD, KW_BY_SOURCE, 2}}},
    {KW_SET, true, {{STOP_MARK, SYMBOL_EQUAL, 1}}},
    {KW_PERSON_DEF, true, {{STOP_MARK, SYMBOL_EQUAL, 1}}},
    {KW_CONDITION_DEF, true, {{STOP_MARK, SYMBOL_EQUAL, 1}}},
    {KW_AMOUNT_DEF, true, {{STOP_MARK, SYMBOL_COLON, 1}, {STOP_MARK, SYMBOL_EQUAL, 1}}},
    {KW_STATISTIC, true, {{STOP_MARK, SYMBOL_EQUAL, 1}}},
    {KW_EXAMPLE,
     false,
     {{STOP_KEYWORD, KW_DATE, 2}, {STOP_KEYWORD, KW_SAME, 2}, {STOP_KEYWORD, KW_EXPECT, 2}}},
    {KW_EQUIVALENT, false, {{STOP_KEYWORD, KW_REASON, 2}}},
};
static const struct stops dated_row = {KW_STANDARD,
                                       true,
                                       {{STOP_KEYWORD, KW_TO, 1},
                                        {STOP_NUMBER, 0, 2},
                                        {STOP_KEYWORD, KW_RURAL, 2},
                                        {STOP_KEYWORD, KW_URBAN, 2},
                                        {STOP_KEYWORD, KW_CITE, 2}}};
static const struct stops clause_row = {
    KW_RED, false, {{STOP_KEYWORD, KW_CITE, 2}, {STOP_KEYWORD, KW_DUE, 2}}};
static const struct stops no_stops = {KW_NONE_OF_THESE, false, {{STOP_NONE, 0, 0}}};

static const struct stops *stops_of(const struct line *line)
{
    if (line->kind == LINE_ROW)
        return line->statement == KW_STANDARD || line->statement == KW_SETTING ? &dated_row : &no_stops;
    if (line->kind == LINE_CLAUSE)
        return &clause_row;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0] && line->kind == LINE_HEAD; i++) {
        if (heads[i].statement == line->statement)
            return &heads[i];
    }
    return &no_stops;
}

static bool is_stop(const struct stop *stop, const struct token *token, size_t ordinal)
{
    switch (stop->kind) {
    case STOP_KEYWORD:
        return token->keyword == stop->what;
    case STOP_MARK:
        return token->kind == TOKEN_SYMBOL && token->symbol == stop->what;
    case STOP_NUMBER:
        return token->kind == TOKEN_NUMBER;
    case STOP_THIRD:
        return ordinal == 2;
    default:
        return false;
    }
}

/* The stop that the token is (the ordinal-th of its line), later than those that the line has had; -1. */
static int find_stop(const struct stops *stops, const struct token *token, size_t ordinal, int after)
{
    for (int i = after + 1; i < STOPS_MAX; i++) {
        if (is_stop(&stops->stops[i], token, ordinal))
            return i;
    }
    return -1;
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static const char *mark_text(enum mark mark)
{
    switch (mark) {
    case SYMBOL_OPEN:
        return "(";
    case SYMBOL_CLOSE:
        return ")";
    case SYMBOL_COMMA:
        return ",";
    case SYMBOL_COLON:
        return ":";
    case SYMBOL_EQUAL:
        return "=";
    case SYMBOL_PLUS:
        return "+";
    case SYMBOL_MINUS:
        return "-";
    case SYMBOL_LESS:
        return "<";
    case SYMBOL_GREATER:
        return ">";
    case SYMBOL_UNKNOWN:
        return "?";
    case SYMBOL_RANGE:
        return "..";
    default: /* as they are written: ≤ or <=, × or *, ÷ or / */
        return NULL;
    }
}

static void add_token(const struct formatter *f, struct text *out, const struct token *token)
{
    struct slice own = {f->text + token->offset, token->length};
    const char *mark = token->kind == TOKEN_SYMBOL ? mark_text((enum mark)token->symbol) : NULL;
    if (mark != NULL) {
        text_add_str(out, mark);
    } else if (token->kind == TOKEN_STRING) {
        bool curved = memchr(own.bytes, '"', own.length) != NULL;
        text_add_str(out, curved ? "\u201C" : "\"");
        text_add(out, own.bytes, own.length);
        text_add_str(out, curved ? "\u201D" : "\"");
    } else {
        text_add(out, own.bytes, own.length);
    }
}

static bool is_mark(const struct token *token, enum mark mark)
{
    return token->kind == TOKEN_SYMBOL && token->symbol == mark;
}

static bool is_slash(const struct formatter *f, const struct token *token)
{
    return is_mark(token, SYMBOL_DIVIDE) && f->text[token->offset] == '/';
}

static bool takes_parenthesis(int keyword)
{
    static const enum keyword functions[] = {KW_SUM,     KW_COUNT,  KW_ANY,     KW_ALL,      KW_MAXIMUM,
                                             KW_MINIMUM, KW_LARGER, KW_SMALLER, KW_DECLARED, KW_HAS_UNKNOWN};
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if ((int)functions[i] == keyword)
            return true;
    }
    return false;
}

/* Whether a blank stands between two tokens of one line. A number keeps its unit (and its %); a slash stays as it was. */
static bool blank_between(const struct formatter *f, const struct token *a, const struct token *b)
{
    if (is_mark(b, SYMBOL_CLOSE) || is_mark(b, SYMBOL_COMMA) || is_mark(a, SYMBOL_OPEN))
        return false;
    if (is_mark(a, SYMBOL_RANGE) || is_mark(b, SYMBOL_RANGE))
        return false;
    if (is_slash(f, a) || is_slash(f, b) || (a->kind == TOKEN_NUMBER && b->kind != TOKEN_SYMBOL))
        return !b->glued;
    if (is_mark(b, SYMBOL_OPEN))
        return !takes_parenthesis(a->keyword);
    return true;
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static struct line *new_line(struct formatter *f)
{
    if (f->line_count == f->line_capacity) {
        size_t capacity = f->line_capacity == 0 ? 256 : f->line_capacity * 2;
        struct line *grown = arena_array(f->arena, capacity, sizeof *grown);
        if (grown == NULL) {
            f->failed = true;
            return NULL;
        }
        if (f->line_count > 0)
            memcpy(grown, f->lines, f->line_count * sizeof *grown);
        f->lines = grown;
        f->line_capacity = capacity;
    }
    struct line *line = &f->lines[f->line_count++];
    *line = (struct line){.kind = LINE_BLANK};
    return line;
}

/* A line has the first cell and one for each stop at most. */
static struct cell *new_cell(struct line *line, int stop, int blanks)
{
    struct cell *cell = &line->cells[line->cell_count++];
    *cell = (struct cell){.stop = stop, .blanks = blanks};
    text_init(&cell->text);
    return cell;
}

static bool in_clause(const struct formatter *f)
{
    return keyword_is_clause(f->statement);
}

/* What kind of line it is, by its first token. */
static void classify(struct formatter *f, struct line *line, const struct token *first)
{
    line->statement = f->statement;
    if (first->column == 1) {
        f->statement = line->statement = (enum keyword)first->keyword;
        f->some_column = f->parentheses = 0;
        line->kind = LINE_HEAD;
        return;
    }
    bool joins = first->keyword == KW_OR || first->keyword == KW_AND;
    if (f->parentheses > 0 || (first->keyword == KW_OR && in_clause(f))) {
        line->kind = LINE_CONTINUED;
    } else if (in_clause(f)) {
        line->kind = LINE_CLAUSE;
        line->nested = f->some_column > 0 && first->column > f->some_column;
        if (!line->nested)
            f->some_column = first->keyword == KW_SOME ? first->column : 0;
    } else if (f->statement == KW_SET || f->statement == KW_PERSON_DEF || f->statement == KW_CONDITION_DEF ||
               f->statement == KW_AMOUNT_DEF || f->statement == KW_STATISTIC) {
        line->kind = LINE_CONTINUED;
    } else {
        line->kind = LINE_ROW;
    }
    if (joins)
        line->hang = -1; /* measured when it is laid out */
    line->indent = INDENT * (line->nested ? 2 : 1);
}

/* Free text from this token on: a clause's title, an example's, an article. Its end is before the first token that is not. */
static size_t free_text_end(const struct formatter *f, const struct line *line, size_t begin, size_t at,
                            size_t end)
{
    bool head = line->kind == LINE_HEAD;
    if (head && keyword_is_clause(line->statement) && at == begin + 2)
        return end;
    if (head && line->statement == KW_EXAMPLE && at == begin + 2) {
        while (at < end && f->tokens[at].keyword != KW_DATE && f->tokens[at].keyword != KW_SAME)
            at++;
        return at;
    }
    bool cited = at >= begin + 2 && f->tokens[at - 2].keyword == KW_CITE;
    return cited && line->statement != KW_EXAMPLE ? end : at;
}

static void add_free_text(struct formatter *f, struct text *out, size_t at, size_t end)
{
    const struct token *first = &f->tokens[at];
    size_t from = token_begin(f->text, first);
    struct slice text =
        slice_trim((struct slice){f->text + from, token_end(f->text, &f->tokens[end - 1]) - from});
    text_add(out, text.bytes, text.length);
}

/* The tokens [begin, end) of one line, into its cells. */
static void fill_cells(struct formatter *f, struct line *line, size_t begin, size_t end)
{
    const struct stops *stops = stops_of(line);
    struct cell *cell = new_cell(line, -1, 0);
    for (size_t at = begin; at < end;) {
        const struct token *token = &f->tokens[at];
        size_t free_end = free_text_end(f, line, begin, at, end);
        int stop = free_end > at || f->parentheses > 0 ? -1 : find_stop(stops, token, at - begin, cell->stop);
        if (stop >= 0 && at > begin)
            cell = new_cell(line, stop, stops->stops[stop].blanks);
        else if (at > begin && (free_end > at || blank_between(f, token - 1, token)))
            text_add_char(&cell->text, ' ');
        if (free_end > at) {
            add_free_text(f, &cell->text, at, free_end);
            at = free_end;
            continue;
        }
        f->parentheses += is_mark(token, SYMBOL_OPEN) - is_mark(token, SYMBOL_CLOSE);
        add_token(f, &cell->text, token);
        at++;
    }
}

/* The rest of the line after its last token, when that is a comment. */
static struct slice comment_after(const struct formatter *f, size_t from)
{
    size_t end = from;
    while (end < f->length && f->text[end] != '\n')
        end++;
    struct slice rest = {f->text + from, end - from};
    while (rest.length > 0 && rest.bytes[0] != '#') {
        rest.bytes++;
        rest.length--;
    }
    return slice_trim(rest);
}

static void read_line(struct formatter *f, int number, size_t begin_of_line)
{
    struct line *line = new_line(f);
    if (line == NULL)
        return;
    size_t begin = f->next;
    while (f->tokens[f->next].kind != TOKEN_END && f->tokens[f->next].line == number)
        f->next++;
    size_t after = f->next > begin ? token_end(f->text, &f->tokens[f->next - 1]) : begin_of_line;
    line->comment = comment_after(f, after);
    if (f->next > begin) {
        classify(f, line, &f->tokens[begin]);
        fill_cells(f, line, begin, f->next);
    } else if (line->comment.length > 0) {
        line->kind = LINE_COMMENT;
        line->indent = f->text[begin_of_line] == '#' ? 0 : INDENT;
    }
}

/* --- layout ------------------------------------------------------------------------------------------------------- */

static bool is_wide(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},
                  {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0x20000, 0x3FFFD}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

/* Columns on a screen: a character of East Asian width takes two. */
static int width_of(struct slice text)
{
    int width = 0;
    for (size_t i = 0; i < text.length;) {
        size_t size = utf8_char_length(text.bytes + i, text.length - i);
        width += is_wide(utf8_decode(text.bytes + i, size)) ? 2 : 1;
        i += size;
    }
    return width;
}

static void pad(struct text *text, int width)
{
    for (int own = width_of(text_slice(text)); own < width; own++)
        text_add_char(text, ' ');
}

static bool same_column(const struct line *a, const struct line *b, size_t cell)
{
    if (a->kind != b->kind || a->statement != b->statement || a->cell_count <= cell + 1 ||
        b->cell_count <= cell + 1)
        return false;
    for (size_t i = 0; i <= cell + 1; i++) {
        if (a->cells[i].stop != b->cells[i].stop)
            return false;
    }
    return true;
}

/* One column of the lines around that have it: those without a break between them. */
static void align_column(struct formatter *f, size_t at, size_t cell)
{
    size_t end = at;
    int width = 0;
    for (; end < f->line_count && same_column(&f->lines[at], &f->lines[end], cell); end++) {
        const struct text *text = &f->lines[end].cells[cell].text;
        int own = width_of(text_slice(text));
        width = own > width ? own : width;
    }
    for (size_t i = at; i < end; i++)
        pad(&f->lines[i].cells[cell].text, width);
}

static void align(struct formatter *f)
{
    for (size_t cell = 0; cell + 1 < CELLS_MAX; cell++) {
        for (size_t at = 0; at < f->line_count; at++) {
            const struct line *line = &f->lines[at];
            bool begins = at == 0 || !same_column(&f->lines[at - 1], line, cell);
            if (stops_of(line)->aligned && line->cell_count > cell + 1 && begins)
                align_column(f, at, cell);
        }
    }
}

/* The keyword of a clause's own line takes the width of two Chinese characters; those below 某 have one each. */
static void pad_keyword(const struct formatter *f, struct line *line)
{
    enum { KEYWORD_WIDTH = 4 };
    struct text *text = &line->cells[0].text, padded;
    struct slice own = text_slice(text);
    size_t length = strcspn(own.bytes, " ");
    if (line->kind != LINE_CLAUSE || line->nested || f->language != LANGUAGE_CHINESE || length == own.length)
        return;
    text_init(&padded);
    text_add(&padded, own.bytes, length);
    pad(&padded, KEYWORD_WIDTH);
    text_add(&padded, own.bytes + length, own.length - length);
    text_fini(text);
    *text = padded;
}

static int cells_width(const struct line *line, size_t count)
{
    int width = line->indent;
    for (size_t i = 0; i < count; i++) {
        width += line->cells[i].blanks + width_of(text_slice(&line->cells[i].text));
    }
    return width;
}

/* Where the expression of a line begins: after its = or, in a clause, after its keyword. */
static int expression_column(const struct line *line)
{
    if (line->kind == LINE_CLAUSE) {
        struct slice text = text_slice(&line->cells[0].text);
        text.length = strcspn(text.bytes, " ");
        text.length += strspn(text.bytes + text.length, " ");
        return line->indent + width_of(text);
    }
    for (size_t i = 1; i < line->cell_count; i++) {
        if (text_slice(&line->cells[i].text).bytes[0] == '=')
            return cells_width(line, i) + line->cells[i].blanks + 2;
    }
    return line->indent + INDENT;
}

/* A continued line stands below the expression, its operator before it. */
static void hang_lines(struct formatter *f)
{
    const struct line *above = f->lines; /* the first that is not blank is a head */
    for (size_t i = 0; i < f->line_count; i++) {
        struct line *line = &f->lines[i];
        pad_keyword(f, line);
        if (line->kind == LINE_HEAD || line->kind == LINE_CLAUSE || line->kind == LINE_ROW)
            above = line;
        if (line->kind != LINE_CONTINUED)
            continue;
        const char *text = text_slice(&line->cells[0].text).bytes;
        int hang = line->hang < 0 ? width_of((struct slice){text, strcspn(text, " ")}) + 1 : 0;
        line->indent = expression_column(above) - hang;
        line->indent = line->indent < INDENT ? INDENT : line->indent;
    }
}

static void print_line(const struct line *line, struct text *out)
{
    for (int i = 0; i < line->indent; i++)
        text_add_char(out, ' ');
    size_t content = out->length;
    for (size_t i = 0; i < line->cell_count; i++) {
        for (int blank = 0; blank < line->cells[i].blanks; blank++)
            text_add_char(out, ' ');
        out->failed = out->failed || line->cells[i].text.failed;
        struct slice own = text_slice(&line->cells[i].text);
        text_add(out, own.bytes, own.length);
    }
    if (line->comment.length > 0) {
        text_add_str(out, out->length > content ? "  " : "");
        text_add(out, line->comment.bytes, line->comment.length);
    }
    text_add_char(out, '\n');
}

/* No blank line at the beginning and the end, and never two. */
static void print_lines(const struct formatter *f, struct text *out)
{
    bool wants_blank = false;
    for (size_t i = 0; i < f->line_count; i++) {
        if (f->lines[i].kind == LINE_BLANK) {
            wants_blank = out->length > 0;
            continue;
        }
        if (wants_blank)
            text_add_char(out, '\n');
        wants_blank = false;
        print_line(&f->lines[i], out);
    }
}

/* --- the same meaning --------------------------------------------------------------------------------------------- */

static bool same_token(const char *a_text, const struct token *a, const char *b_text, const struct token *b)
{
    struct slice x = {a_text + a->offset, a->length}, y = {b_text + b->offset, b->length};
    return a->kind == b->kind && a->symbol == b->symbol && a->keyword == b->keyword && a->first == b->first &&
           (a->column == 1) == (b->column == 1) && (a->kind == TOKEN_SYMBOL || slice_equal(x, y));
}

/* The same tokens in the same lines; numbers keep what is glued to them; lines below 某 stay below it. */
static bool same_meaning(const char *a_text, const struct lexer_result *a, const char *b_text,
                         const struct lexer_result *b)
{
    int a_some = 0, b_some = 0;
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i + 1 < a->count;
         i++) { /* without the end, which moves when the text has no newline there */
        const struct token *x = &a->tokens[i], *y = &b->tokens[i];
        if (!same_token(a_text, x, b_text, y))
            return false;
        if (i > 0 && a->tokens[i - 1].kind == TOKEN_NUMBER && x->kind != TOKEN_SYMBOL && x->glued != y->glued)
            return false;
        if (x->first && (x->column > a_some) != (y->column > b_some))
            return false;
        if (x->keyword == KW_SOME && x->first) {
            a_some = x->column;
            b_some = y->column;
        }
        if (x->column == 1)
            a_some = b_some = 0;
    }
    return true;
}

static bool lex(const char *text, size_t length, enum language language, struct arena *arena,
                struct lexer_result *tokens)
{
    struct diagnoser unheard;
    diagnoser_init(&unheard, arena);
    unheard.language = language;
    return !unheard.failed && lexer_run(text, 0, length, (struct place){1, 1}, &unheard, arena, tokens);
}

bool format_keeps_meaning(struct slice before, struct slice after, enum language language,
                          struct arena *arena)
{
    struct lexer_result a, b;
    return lex(before.bytes, before.length, language, arena, &a) &&
           lex(after.bytes, after.length, language, arena, &b) &&
           same_meaning(before.bytes, &a, after.bytes, &b);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static void lay_out(struct formatter *f, struct text *out)
{
    int number = 1;
    for (size_t at = lexer_first(f->text, f->length); at < f->length; number++) {
        read_line(f, number, at);
        const char *end = memchr(f->text + at, '\n', f->length - at);
        at = end == NULL ? f->length : (size_t)(end - f->text) + 1;
    }
    if (!f->failed) {
        align(f);
        hang_lines(f);
        print_lines(f, out);
    }
    for (size_t i = 0; i < f->line_count; i++) {
        for (size_t c = 0; c < f->lines[i].cell_count; c++)
            text_fini(&f->lines[i].cells[c].text);
    }
}

enum status policy_format(const struct policy *policy, struct text *out, struct error *err)
{
    size_t length;
    const char *text = policy_text(policy, &length);
    struct arena *arena = arena_new(0);
    struct lexer_result tokens;
    enum language language = LANGUAGE_CHINESE;
    lexer_language(text, length, &language); /* a compiled policy has one */
    bool good = arena != NULL && lex(text, length, language, arena, &tokens);
    struct formatter formatter = {.text = text, .length = length, .language = language, .arena = arena};
    if (good) {
        formatter.tokens = tokens.tokens;
        formatter.token_count = tokens.count;
        lay_out(&formatter, out);
    }
    good = good && !formatter.failed && !out->failed;
    bool same = good && format_keeps_meaning((struct slice){text, length}, text_slice(out), language, arena);
    arena_free(arena);
    if (!good)
        return error_set(err, STATUS_FATAL, "out of memory while formatting a policy");
    return same ? STATUS_OK
                : error_set(err, STATUS_FATAL,
                            "the formatted policy cannot be shown to mean the same; left as it is");
}
