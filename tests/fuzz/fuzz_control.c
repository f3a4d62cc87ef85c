/* SPDX-License-Identifier: PostgreSQL */
/*
 * Bytes sent to the control socket, by an operator's account: every answer is one line of JSON, and the work begins only with
 * arguments that were declared.
 */
#include "config.h"

#include "app/control.h"
#include "base/clock.h"
#include "base/log.h"
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { INPUT_MAX = 128 * 1024, PATIENCE_MS = 10000 };

struct rig {
    struct loop *loop;
    struct control *control;
    char path[96];
};

static void begin_plain(void *ctx, struct control_request *request)
{
    (void)ctx;
    control_progress(request, "begun");
    control_succeed_text(request, "{}");
}

static void begin_typed(void *ctx, struct control_request *request)
{
    (void)ctx;
    const char *text = control_text(request, "text");
    FUZZ_CHECK(text && text[0] && control_number(request, "number") >= 0 && control_actor(request)[0]);
    day_t day = control_date(request, "date");
    FUZZ_CHECK(day == DAY_NONE || (day >= DAY_MIN && day <= DAY_MAX));
    if (control_flag(request, "fail"))
        control_fail(request, 65, text);
    else
        control_succeed(request, json_pack("{s:s, s:I}", "text", text, "number",
                                           (json_int_t)control_number(request, "number")));
}

static const struct control_verb verbs[] = {
    {.name = "plain", .begin = begin_plain},
    {.name = "typed",
     .arguments = {{"text", CONTROL_TEXT, true},
                   {"number", CONTROL_NUMBER, false},
                   {"fail", CONTROL_FLAG, false},
                   {"date", CONTROL_DATE, false}},
     .begin = begin_typed},
    {0},
};

static struct rig *the_rig(void)
{
    static struct rig rig;
    struct error err;
    if (!rig.loop) {
        snprintf(rig.path, sizeof rig.path, "%s/control", fuzz_folder());
        log_set_level(LOG_LEVEL_ALERT);
        FUZZ_CHECK(loop_new(&rig.loop, &err) == STATUS_OK);
        FUZZ_CHECK(control_new(&rig.control, rig.loop, rig.path, verbs, NULL, &err) == STATUS_OK);
    }
    return &rig;
}

static void turn(const struct rig *rig, int wait_ms)
{
    struct error err;
    FUZZ_CHECK(loop_turn(rig->loop, wait_ms, &err) == STATUS_OK);
}

static int connect_to(const struct rig *rig)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", rig->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    FUZZ_CHECK(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    FUZZ_CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    return fd;
}

/* Takes what has come; false once the daemon has closed. */
static bool take(int fd, struct text *answers)
{
    char bytes[4096];
    for (;;) {
        ssize_t got = recv(fd, bytes, sizeof bytes, 0);
        if (got <= 0)
            return got < 0 && errno == EAGAIN;
        text_add(answers, bytes, (size_t)got);
    }
}

static void talk(const struct rig *rig, int fd, const uint8_t *bytes, size_t length, struct text *answers)
{
    int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;
    bool open = true, ended = false;
    while (open) {
        ssize_t sent = length > 0 ? send(fd, bytes, length, MSG_NOSIGNAL) : 0;
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        }
        if ((length == 0 || (sent < 0 && errno != EAGAIN)) && !ended) {
            shutdown(fd, SHUT_WR);
            ended = true;
            length = 0;
        }
        turn(rig, ended ? 5 : 0);
        open = take(fd, answers);
        FUZZ_CHECK(clock_monotonic_ms() < give_up_ms);
    }
}

static void check_answers(const struct text *answers)
{
    for (size_t at = 0; at < answers->length;) {
        const char *line = answers->bytes + at, *end = memchr(line, '\n', answers->length - at);
        FUZZ_CHECK(end);
        json_t *json = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, NULL);
        FUZZ_CHECK(json_is_object(json));
        FUZZ_CHECK(json_is_boolean(json_object_get(json, "ok")) ||
                   json_is_object(json_object_get(json, "progress")));
        json_decref(json);
        at += (size_t)(end - line) + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length > INPUT_MAX)
        return 0;
    const struct rig *rig = the_rig();
    struct text answers;
    text_init(&answers);
    int fd = connect_to(rig);
    talk(rig, fd, bytes, length, &answers);
    close(fd);
    check_answers(&answers);
    text_fini(&answers);
    int64_t give_up_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (control_peers(rig->control) > 0) {
        FUZZ_CHECK(clock_monotonic_ms() < give_up_ms);
        turn(rig, 5);
    }
    return 0;
}
