/* SPDX-License-Identifier: PostgreSQL */
/* Asking the daemon: one request line, progress lines, one answer line (docs/control.md). */
#include "ctl.h"

#include "app/control.h"
#include "app/options.h"
#include "base/clock.h"
#include "io/socket_client.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum {
    CONNECT_TIMEOUT_MS = 3000, /* a local socket answers at once or not at all */
};

static int send_request(struct socket_client *client, const char *verb, json_t *args, struct error *err)
{
    json_t *request = json_pack("{s:s, s:o}", "verb", verb, "args", args);
    char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (line == NULL)
        return ctl_fail(EX_OSERR, "out of memory");
    enum status status = socket_client_send(client, slice_of(line), CONNECT_TIMEOUT_MS, err);
    free(line);
    return status == STATUS_OK ? 0 : ctl_fail(EX_UNAVAILABLE, "%s", err->text);
}

/* An answer ends the exchange: 0 and its result, or the daemon's own exit code. */
static int take_answer(json_t *answer, json_t **result)
{
    if (json_is_true(json_object_get(answer, "ok"))) {
        *result = json_incref(json_object_get(answer, "result"));
        return 0;
    }
    const char *text = json_string_value(json_object_get(answer, "error"));
    json_int_t exit_code = json_integer_value(json_object_get(answer, "exit"));
    if (text == NULL)
        text = "the daemon refused";
    int length = (int)strlen(text);
    while (length > 0 && text[length - 1] == '\n') /* a refused configuration's mistakes are lines */
        length--;
    return ctl_fail(exit_code > 0 && exit_code < 128 ? (int)exit_code : EX_SOFTWARE, "%.*s", length, text);
}

static int read_answer(struct socket_client *client, int64_t timeout_ms, void (*progress)(const json_t *),
                       json_t **result)
{
    struct error err;
    int64_t end_ms = clock_monotonic_ms() + timeout_ms;
    for (;;) {
        struct slice line;
        bool ended = false;
        int64_t left_ms = end_ms - clock_monotonic_ms();
        if (socket_client_read(client, &line, &ended, left_ms > 0 ? left_ms : 0, &err) != STATUS_OK)
            return ctl_fail(EX_UNAVAILABLE, "%s", err.text);
        if (ended)
            return ctl_fail(EX_UNAVAILABLE, "shouwangd ended before it answered; see its log");
        json_t *answer = json_loadb(line.bytes, line.length, 0, NULL);
        if (!json_is_object(answer)) {
            json_decref(answer);
            return ctl_fail(EX_SOFTWARE, "shouwangd answered something that is no JSON object");
        }
        json_t *step = json_object_get(answer, "progress");
        if (step == NULL) {
            int exit_code = take_answer(answer, result);
            json_decref(answer);
            return exit_code;
        }
        if (progress != NULL)
            progress(step);
        json_decref(answer);
    }
}

int ctl_request(struct ctl *ctl, const char *verb, json_t *args, int64_t timeout_ms,
                void (*progress)(const json_t *), json_t **result)
{
    struct error err;
    struct socket_client *client = NULL;
    *result = NULL;
    if (args == NULL)
        return ctl_fail(EX_OSERR, "out of memory");
    if (socket_client_connect(&client, ctl->options->control_socket, CONTROL_ANSWER_MAX_BYTES,
                              CONNECT_TIMEOUT_MS, &err) != STATUS_OK) {
        json_decref(args);
        int exit_code = ctl_permitted(ctl->options->control_socket, W_OK, err.text);
        return exit_code != 0
                   ? exit_code
                   : ctl_fail(EX_UNAVAILABLE, "shouwangd does not answer (%s); is it running?", err.text);
    }
    int exit_code = send_request(client, verb, args, &err);
    if (exit_code == 0)
        exit_code = read_answer(client, timeout_ms, progress, result);
    socket_client_free(client);
    return exit_code;
}
