/* SPDX-License-Identifier: PostgreSQL */
#include "policy/syntax/lexer.h"

#include <string.h>

struct lexer {
    const char *text;
    size_t position, end;
    struct place at;
    bool line_begins; /* no token on this line yet */
    bool blank_before;
    enum language language;
    struct diagnoser *diagnoser;
    struct arena *arena;
    struct token *tokens;
    size_t count, capacity;
    struct token unkept; /* what there was no memory for */
    bool failed;
};

static const struct {
    const char *bytes;
    enum mark symbol;
} symbols[] = {
    /* Longer ones first. Full-width forms are written as escapes, because editors and fonts confuse them. */
    {"..", SYMBOL_RANGE},
    {"<=", SYMBOL_LESS_EQUAL},
    {">=", SYMBOL_GREATER_EQUAL},
    {"!=", SYMBOL_NOT_EQUAL},
    {"(", SYMBOL_OPEN},
    {"\uFF08", SYMBOL_OPEN},
    {")", SYMBOL_CLOSE},
    {"\uFF09", SYMBOL_CLOSE},
    {",", SYMBOL_COMMA},
    {"\uFF0C", SYMBOL_COMMA},
    {"\u3001", SYMBOL_COMMA},
    {":", SYMBOL_COLON},
    {"\uFF1A", SYMBOL_COLON},
    {"=", SYMBOL_EQUAL},
    {"\uFF1D", SYMBOL_EQUAL},
    {"\u2260", SYMBOL_NOT_EQUAL},
    {"\u2264", SYMBOL_LESS_EQUAL},
    {"\u2265", SYMBOL_GREATER_EQUAL},
    {"<", SYMBOL_LESS},
    {"\uFF1C", SYMBOL_LESS},
    {">", SYMBOL_GREATER},
    {"\uFF1E", SYMBOL_GREATER},
    {"+", SYMBOL_PLUS},
    {"\uFF0B", SYMBOL_PLUS},
    {"-", SYMBOL_MINUS},
    {"\uFF0D", SYMBOL_MINUS},
    {"\u2212", SYMBOL_MINUS},
    {"\u00D7", SYMBOL_TIMES},
    {"*", SYMBOL_TIMES},
    {"\u00F7", SYMBOL_DIVIDE},
    {"/", SYMBOL_DIVIDE},
    {"?", SYMBOL_UNKNOWN},
    {"\uFF1F", SYMBOL_UNKNOWN},
};

/* Characters beyond ASCII that are punctuation and so end a word. */
static const char *const punctuation[] = {
    "\u3002", "\uFF1B", "\u201C", "\u201D", "\u300A", "\u300B", "\u3010", "\u3011", "\uFF01",
    "\u00B7", "\u2026", "\u300C", "\u300D", "\uFF5B", "\uFF5D", "\uFF05", "\u300E", "\u300F",
};

static size_t remaining(const struct lexer *lexer)
{
    return lexer->end - lexer->position;
}

static bool starts_with(const struct lexer *lexer, const char *prefix)
{
    size_t length = strlen(prefix);
    return remaining(lexer) >= length && memcmp(lexer->text + lexer->position, prefix, length) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char peek(const struct lexer *lexer, size_t ahead)
{
    return lexer->position + ahead < lexer->end ? lexer->text[lexer->position + ahead] : '\0';
}

/* The bytes of a blank here, 0 if there is none. The ideographic space is a blank as well. */
static size_t blank_length(const struct lexer *lexer)
{
    char c = peek(lexer, 0);
    if (c == ' ' || c == '\t' || c == '\r')
        return 1;
    return starts_with(lexer, "\u3000") ? strlen("\u3000") : 0;
}

static size_t symbol_length(const struct lexer *lexer, enum mark *symbol)
{
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        if (starts_with(lexer, symbols[i].bytes)) {
            *symbol = symbols[i].symbol;
            return strlen(symbols[i].bytes);
        }
    }
    return 0;
}

/* Bytes of a word's character here; 0 when it is none. A dot joins two word characters (income.wage), two
 * dots are a range. */
static size_t word_char_length(struct lexer *lexer, bool inside)
{
    if (remaining(lexer) == 0)
        return 0;
    char c = peek(lexer, 0);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')
        return 1;
    if (inside && is_digit(c))
        return 1;
    if (inside && c == '.') {
        struct lexer after = *lexer;
        after.position++;
        return peek(&after, 0) != '.' && word_char_length(&after, true) > 0;
    }
    if ((c & '\x80') == 0 || blank_length(lexer) > 0)
        return 0;
    enum mark symbol;
    if (symbol_length(lexer, &symbol) > 0)
        return 0;
    for (size_t i = 0; i < sizeof punctuation / sizeof punctuation[0]; i++) {
        if (starts_with(lexer, punctuation[i]))
            return 0;
    }
    return utf8_char_length(lexer->text + lexer->position, remaining(lexer));
}

/* Moves over `bytes` bytes that hold no newline. */
static void advance(struct lexer *lexer, size_t bytes)
{
    size_t stop = lexer->position + bytes;
    while (lexer->position < stop) {
        size_t length = utf8_char_length(lexer->text + lexer->position, remaining(lexer));
        lexer->position += length; /* the text is known to be UTF-8 */
        lexer->at.column++;
    }
}

static struct token *add(struct lexer *lexer, enum token_kind kind, size_t offset, size_t length)
{
    if (lexer->count == lexer->capacity) {
        size_t capacity = lexer->capacity == 0 ? 256 : lexer->capacity * 2;
        struct token *grown = arena_array(lexer->arena, capacity, sizeof *grown);
        if (grown == NULL) {
            lexer->failed = lexer->diagnoser->failed = true;
            return &lexer->unkept;
        }
        if (lexer->count > 0)
            memcpy(grown, lexer->tokens, lexer->count * sizeof *grown);
        lexer->tokens = grown;
        lexer->capacity = capacity;
    }
    struct token *token = &lexer->tokens[lexer->count++];
    *token = (struct token){.kind = (uint8_t)kind,
                            .first = lexer->line_begins,
                            .glued = !lexer->blank_before,
                            .line = lexer->at.line,
                            .column = lexer->at.column,
                            .offset = (uint32_t)offset,
                            .length = (uint32_t)length};
    lexer->line_begins = false;
    lexer->blank_before = false;
    return token;
}

static bool date_here(const struct lexer *lexer)
{
    static const char shape[] = "dddd-dd-dd";
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == 'd' ? !is_digit(peek(lexer, i)) : peek(lexer, i) != '-')
            return false;
    }
    return !is_digit(peek(lexer, sizeof shape - 1));
}

static void lex_number(struct lexer *lexer)
{
    if (date_here(lexer)) {
        add(lexer, TOKEN_DATE, lexer->position, 10);
        advance(lexer, 10);
        return;
    }
    size_t length = 0;
    while (is_digit(peek(lexer, length)))
        length++;
    if (peek(lexer, length) == '.' && is_digit(peek(lexer, length + 1))) {
        length++;
        while (is_digit(peek(lexer, length)))
            length++;
    }
    add(lexer, TOKEN_NUMBER, lexer->position, length);
    advance(lexer, length);
}

static void lex_word(struct lexer *lexer)
{
    struct token *token = add(lexer, TOKEN_WORD, lexer->position, 0);
    bool inside = false;
    for (size_t length; (length = word_char_length(lexer, inside)) > 0; inside = true) {
        advance(lexer, length);
        token->length += (uint32_t)length;
    }
    token->keyword =
        (uint8_t)keyword_find((struct slice){lexer->text + token->offset, token->length}, lexer->language);
}

/* A string begins and ends with the same kind of mark: straight or curved. */
static void lex_string(struct lexer *lexer, const char *open, const char *close)
{
    struct token *token = add(lexer, TOKEN_STRING, lexer->position + strlen(open), 0);
    advance(lexer, strlen(open));
    while (remaining(lexer) > 0 && peek(lexer, 0) != '\n' && !starts_with(lexer, close)) {
        size_t length = utf8_char_length(lexer->text + lexer->position, remaining(lexer));
        advance(lexer, length);
        token->length += (uint32_t)length;
    }
    if (!starts_with(lexer, close)) {
        diagnose(lexer->diagnoser, (struct place){token->line, token->column}, MESSAGE_STRING_OPEN, close,
                 NULL, NULL);
        lexer->failed = true;
        return;
    }
    advance(lexer, strlen(close));
}

static void lex_other(struct lexer *lexer)
{
    enum mark symbol = SYMBOL_NONE;
    size_t length = symbol_length(lexer, &symbol);
    enum token_kind kind = length > 0 ? TOKEN_SYMBOL : TOKEN_OTHER;
    if (length == 0)
        length = utf8_char_length(lexer->text + lexer->position, remaining(lexer));
    struct token *token = add(lexer, kind, lexer->position, length);
    token->symbol = (uint8_t)symbol;
    advance(lexer, length);
}

static void lex_token(struct lexer *lexer)
{
    if (is_digit(peek(lexer, 0)))
        lex_number(lexer);
    else if (peek(lexer, 0) == '"')
        lex_string(lexer, "\"", "\"");
    else if (starts_with(lexer, "\u201C"))
        lex_string(lexer, "\u201C", "\u201D");
    else if (word_char_length(lexer, false) > 0)
        lex_word(lexer);
    else
        lex_other(lexer);
}

static void new_line(struct lexer *lexer)
{
    lexer->position++;
    lexer->at.line++;
    lexer->at.column = 1;
    lexer->line_begins = true;
    lexer->blank_before = true;
}

/* One step: a blank, a comment, a line's end or a token. */
static void lex_step(struct lexer *lexer)
{
    size_t blank = blank_length(lexer);
    if (blank > 0) {
        advance(lexer, blank);
        lexer->blank_before = true;
    } else if (peek(lexer, 0) == '\n') {
        new_line(lexer);
    } else if (peek(lexer, 0) == '#') {
        while (remaining(lexer) > 0 && peek(lexer, 0) != '\n')
            advance(lexer, utf8_char_length(lexer->text + lexer->position, remaining(lexer)));
    } else {
        lex_token(lexer);
    }
}

/* Finds the first byte that is no UTF-8 (or a zero), so that its place can be told. */
static bool text_is_valid(struct lexer *lexer)
{
    struct lexer scan = *lexer;
    while (remaining(&scan) > 0) {
        size_t length = utf8_char_length(scan.text + scan.position, remaining(&scan));
        if (length == 0 || peek(&scan, 0) == '\0') {
            diagnose(lexer->diagnoser, scan.at, MESSAGE_NOT_UTF8, NULL, NULL, NULL);
            return false;
        }
        if (peek(&scan, 0) == '\n')
            new_line(&scan);
        else
            advance(&scan, length);
    }
    return true;
}

bool lexer_run(const char *text, size_t begin, size_t end, struct place at, struct diagnoser *diagnoser,
               struct arena *arena, struct lexer_result *result)
{
    struct lexer lexer = {.text = text,
                          .position = begin,
                          .end = end,
                          .at = at,
                          .line_begins = at.column == 1,
                          .blank_before = true,
                          .language = diagnoser->language,
                          .diagnoser = diagnoser,
                          .arena = arena};
    if (!text_is_valid(&lexer))
        return false;
    if (begin == 0)
        lexer.position = lexer_first(text, end);
    while (remaining(&lexer) > 0 && !lexer.failed)
        lex_step(&lexer);
    lexer.line_begins = true;
    if (!lexer.failed)
        add(&lexer, TOKEN_END, lexer.position, 0);
    *result = (struct lexer_result){lexer.tokens, lexer.count};
    return !lexer.failed;
}

size_t lexer_first(const char *text, size_t length)
{
    return length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool lexer_language(const char *text, size_t length, enum language *language)
{
    size_t i = lexer_first(text, length);
    while (i < length && (strchr(" \t\r\n", text[i]) != NULL || text[i] == '#')) {
        if (text[i] == '#') {
            while (i < length && text[i] != '\n')
                i++;
        } else {
            i++;
        }
    }
    for (int l = LANGUAGE_CHINESE; l <= LANGUAGE_ENGLISH; l++) {
        const char *word = keyword_text(KW_POLICY, (enum language)l);
        size_t word_length = strlen(word);
        if (length - i > word_length && memcmp(text + i, word, word_length) == 0 &&
            strchr(" \t", text[i + word_length]) != NULL) {
            *language = (enum language)l;
            return true;
        }
    }
    return false;
}

static size_t mark_length(char mark)
{
    return mark == '"' ? 1 : strlen("\u201C");
}

size_t token_begin(const char *text, const struct token *token)
{
    return token->offset - (token->kind == TOKEN_STRING ? mark_length(text[token->offset - 1]) : 0);
}

size_t token_end(const char *text, const struct token *token)
{
    size_t end = token->offset + token->length;
    return end + (token->kind == TOKEN_STRING ? mark_length(text[end]) : 0);
}
