/* SPDX-License-Identifier: PostgreSQL */
#include "app/control.h"

#include "base/kill_point.h"
#include "base/log.h"
#include "io/socket_server.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    ACTOR_MAX = 64,
    TEXT_MAX = 1000, /* bytes; a reason stands in the audit and in lists */
    IDLE_TIMEOUT_MS = 60000,
};

struct control {
    struct socket_server *server;
    const struct control_verb *verbs;
    void *ctx;
};

struct control_request {
    struct socket_peer *peer;
    json_t *arguments;
    void (*leave)(void *ctx);
    void *leave_ctx;
    char actor[ACTOR_MAX];
};

/* --- arguments ------------------------------------------------------------------------------------------------ */

const char *control_text(const struct control_request *request, const char *name)
{
    return json_string_value(json_object_get(request->arguments, name));
}

static bool number_of(const json_t *value, int64_t *number)
{
    if (json_is_integer(value)) {
        *number = (int64_t)json_integer_value(value);
        return *number > 0;
    }
    const char *text = json_string_value(value);
    char *end;
    if (!text || text[0] < '1' || text[0] > '9' || strlen(text) > 18)
        return false;
    *number = strtoll(text, &end, 10);
    return *end == 0;
}

int64_t control_number(const struct control_request *request, const char *name)
{
    int64_t number = 0;
    return number_of(json_object_get(request->arguments, name), &number) ? number : 0;
}

bool control_flag(const struct control_request *request, const char *name)
{
    return json_is_true(json_object_get(request->arguments, name));
}

static bool date_of(const json_t *value, day_t *day)
{
    return json_is_string(value) &&
           civil_parse((struct slice){json_string_value(value), json_string_length(value)}, day);
}

day_t control_date(const struct control_request *request, const char *name)
{
    day_t day = DAY_NONE;
    return date_of(json_object_get(request->arguments, name), &day) ? day : DAY_NONE;
}

const char *control_actor(const struct control_request *request)
{
    return request->actor;
}

/* What the type expects, when the value is not it; else NULL. */
static const char *wrong_type(enum control_type type, const json_t *value)
{
    int64_t number;
    day_t day;
    switch (type) {
    case CONTROL_TEXT:
        return json_is_string(value) && json_string_length(value) > 0 &&
                       json_string_length(value) <= TEXT_MAX &&
                       utf8_has_no_control(json_string_value(value), json_string_length(value))
                   ? 0
                   : "a text of one line";
    case CONTROL_NUMBER:
        return number_of(value, &number) ? 0 : "a number above 0";
    case CONTROL_FLAG:
        return json_is_boolean(value) ? 0 : "true or false";
    case CONTROL_DATE:
        return date_of(value, &day) ? 0 : "a date YYYY-MM-DD";
    }
    return "nothing";
}

static const struct control_argument *find_argument(const struct control_verb *verb, const char *name)
{
    for (const struct control_argument *argument = verb->arguments; argument->name; argument++)
        if (strcmp(argument->name, name) == 0)
            return argument;
    return 0;
}

/* What somebody sent is told, and logged, only if it can be a word of the protocol: it might be a person's name. */
static const char *shown(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name) && strlen(name) <= 40 ? name
                                                                                             : "(not shown)";
}

static enum status check_arguments(const struct control_verb *verb, json_t *arguments, struct error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(arguments, name, value)
    {
        const struct control_argument *argument = find_argument(verb, name);
        if (!argument)
            return error_set(err, STATUS_REJECT, "%s takes no argument %s", verb->name, shown(name));
        const char *expected = wrong_type(argument->type, value);
        if (expected)
            return error_set(err, STATUS_REJECT, "%s: argument %s must be %s", verb->name, name, expected);
    }
    for (const struct control_argument *argument = verb->arguments; argument->name; argument++)
        if (argument->required && !json_object_get(arguments, argument->name))
            return error_set(err, STATUS_REJECT, "%s needs the argument %s", verb->name, argument->name);
    return STATUS_OK;
}

/* --- answers -------------------------------------------------------------------------------------------------- */

static void write_line(struct control_request *request, struct text *line)
{
    struct error err;
    if (line->failed) {
        text_clear(line);
        line->failed = false;
        text_printf(line, "{\"ok\":false,\"exit\":%d,\"error\":\"no memory for the answer\"}", EX_OSERR);
    }
    text_add_char(line, '\n');
    if (line->failed || socket_peer_write(request->peer, line->bytes, line->length, &err) != STATUS_OK)
        socket_peer_close(request->peer); /* it does not read: it cannot be told anything */
}

static void request_free(struct control_request *request)
{
    json_decref(request->arguments);
    free(request);
}

/* The peer may ask again afterwards. */
static void finish(struct control_request *request, struct text *line)
{
    socket_peer_set_context(request->peer, 0);
    KILL_POINT("control.before_answer");
    write_line(request, line);
    KILL_POINT("control.answered");
    socket_peer_set_busy(request->peer, false);
    text_fini(line);
    request_free(request);
}

void control_progress(struct control_request *request, const char *stage)
{
    struct text line;
    struct error err;
    text_init(&line);
    text_printf(&line, "{\"progress\":{\"stage\":\"%s\"}}\n", stage);
    if (!line.failed && socket_peer_write(request->peer, line.bytes, line.length, &err) != STATUS_OK)
        log_event(LOG_CONTROL_SLOW, log_text("operator", request->actor));
    text_fini(&line);
}

void control_succeed_text(struct control_request *request, const char *result)
{
    struct text line;
    text_init(&line);
    text_add_str(&line, "{\"ok\":true,\"result\":");
    text_add_str(&line, result ? result : "");
    text_add_char(&line, '}');
    line.failed = line.failed || !result;
    finish(request, &line);
}

void control_succeed(struct control_request *request, json_t *result)
{
    char *text = result ? json_dumps(result, JSON_COMPACT) : 0;
    json_decref(result);
    control_succeed_text(request, text);
    free(text);
}

void control_fail(struct control_request *request, int exit_code, const char *text)
{
    struct text line;
    json_t *json = json_string(text);
    char *quoted = json ? json_dumps(json, JSON_ENCODE_ANY) : 0;
    text_init(&line);
    text_printf(&line, "{\"ok\":false,\"exit\":%d,\"error\":%s}", exit_code,
                quoted ? quoted : "\"no memory for the reason\"");
    free(quoted);
    json_decref(json);
    finish(request, &line);
}

void control_fail_error(struct control_request *request, const struct error *err)
{
    control_fail(request, status_exit_code(err->status), err->text);
}

void control_on_leave(struct control_request *request, void (*leave)(void *ctx), void *ctx)
{
    request->leave = leave;
    request->leave_ctx = ctx;
}

/* --- requests ------------------------------------------------------------------------------------------------- */

static void name_actor(struct control_request *request)
{
    uid_t uid = socket_peer_credentials(request->peer).uid;
    struct passwd entry, *found = 0;
    char buffer[4096];
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found)
        snprintf(request->actor, sizeof request->actor, "%.60s", found->pw_name);
    else
        snprintf(request->actor, sizeof request->actor, "uid:%u", (unsigned)uid);
}

static const struct control_verb *find_verb(const struct control *control, const char *name)
{
    for (const struct control_verb *verb = control->verbs; verb->name; verb++)
        if (strcmp(verb->name, name) == 0)
            return verb;
    return 0;
}

/* {"verb":"…","args":{…}}; *verb stays NULL when it cannot be understood. */
static enum status understand(const struct control *control, json_t *json, struct control_request *request,
                              const struct control_verb **verb, struct error *err)
{
    const char *name = json_string_value(json_object_get(json, "verb"));
    json_t *arguments = json_object_get(json, "args");
    if (!name)
        return error_set(err, STATUS_REJECT, "a request is one line {\"verb\":\"…\",\"args\":{…}}");
    const struct control_verb *found = find_verb(control, name);
    if (!found)
        return error_set(err, STATUS_REJECT, "this shouwangd knows no verb %s", shown(name));
    request->arguments = arguments ? json_incref(arguments) : json_object();
    if (!json_is_object(request->arguments))
        return error_set(err, STATUS_REJECT, "args must be an object");
    enum status status = check_arguments(found, request->arguments, err);
    if (status == STATUS_OK)
        *verb = found;
    return status;
}

static void on_line(void *ctx, struct socket_peer *peer, struct slice line)
{
    struct control *control = ctx;
    struct control_request *request = calloc(1, sizeof *request);
    const struct control_verb *verb = 0;
    struct error err;
    if (!request) {
        socket_peer_close(peer);
        return;
    }
    request->peer = peer;
    name_actor(request);
    socket_peer_set_context(peer, request);
    socket_peer_set_busy(peer, true);
    json_t *json = json_loadb(line.bytes, line.length, JSON_REJECT_DUPLICATES, 0);
    enum status status = understand(control, json, request, &verb, &err);
    json_decref(json);
    if (status != STATUS_OK) {
        log_event(LOG_CONTROL_REFUSED, log_text("operator", request->actor), log_error(&err));
        control_fail(request, EX_USAGE, err.text);
        return;
    }
    log_event(LOG_CONTROL_REQUEST, log_text("verb", verb->name), log_text("operator", request->actor));
    KILL_POINT("control.asked");
    verb->begin(control->ctx, request);
}

static void on_closed(void *ctx, struct socket_peer *peer)
{
    (void)ctx;
    struct control_request *request = socket_peer_context(peer);
    if (!request)
        return;
    if (request->leave)
        request->leave(request->leave_ctx);
    request_free(request);
}

enum status control_new(struct control **handle, struct loop *loop, const char *path,
                        const struct control_verb *verbs, void *ctx, struct error *err)
{
    static const struct socket_server_events events = {.line = on_line, .closed = on_closed};
    struct socket_server_settings settings = {
        .path = path,
        .refusal =
            "{\"ok\":false,\"exit\":75,\"error\":\"too many wait for answers of this shouwangd; try again later\"}\n",
        .output_max_bytes = CONTROL_ANSWER_MAX_BYTES,
        .idle_timeout_ms = IDLE_TIMEOUT_MS,
    };
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return error_set(err, STATUS_FATAL, "no memory for the control socket");
    *control = (struct control){.verbs = verbs, .ctx = ctx};
    enum status status = socket_server_new(&control->server, loop, &settings, &events, control, err);
    if (status != STATUS_OK) {
        free(control);
        return error_wrap(err, "control socket");
    }
    *handle = control;
    return STATUS_OK;
}

void control_free(struct control *control)
{
    if (!control)
        return;
    socket_server_free(control->server);
    free(control);
}

unsigned control_peers(const struct control *control)
{
    return socket_server_peers(control->server);
}
