/* SPDX-License-Identifier: PostgreSQL */
#include "api/page.h"

#include "base/clock.h"

#include <jansson.h>
#include <string.h>

static const char style[] =
    "body{font:16px/1.5 system-ui,'Noto Sans CJK SC','Microsoft YaHei',sans-serif;margin:2rem "
    "auto;max-width:64rem;"
    "padding:0 1rem;color:#1b1b1b;background:#fff}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}"
    "table{border-collapse:collapse;width:100%}caption{text-align:left;color:#595959;padding-bottom:.3rem}"
    "th,td{text-align:right;padding:.25rem .6rem;border-bottom:1px solid "
    "#d9d9d9;font-variant-numeric:tabular-nums}"
    "th:first-child,td:first-child,.w{text-align:left}"
    ".red{background:#fde2e1}.orange{background:#fdebd3}.yellow{background:#fdf6cf}"
    ".ok{color:#0b6b2e}.bad{color:#a8120b;font-weight:600}"
    "@media(prefers-color-scheme:dark){body{background:#161616;color:#eee}th,td{border-color:#444}"
    "caption{color:#b5b5b5}.red{background:#4a1715}.orange{background:#4a2f10}.yellow{background:#454010}"
    ".ok{color:#6fd08c}.bad{color:#ff8f88}}";

/* "2026-11-21 22:07", Asia/Shanghai. */
static void add_time(struct text *out, int64_t unix_ms)
{
    char stamp[CLOCK_RFC3339_SIZE];
    if (unix_ms <= 0) {
        text_add_str(out, "—");
        return;
    }
    clock_rfc3339(unix_ms, stamp);
    text_printf(out, "<time datetime=\"%s\">%.10s %.5s</time>", stamp, stamp, stamp + 11);
}

/* The two largest units that matter to a reader. */
static void add_duration(struct text *out, int64_t ms)
{
    int64_t minutes = ms / 60000;
    if (minutes >= 2 * 24 * 60)
        text_printf(out, "%lld 天", (long long)(minutes / (24 * 60)));
    else if (minutes >= 120)
        text_printf(out, "%lld 小时", (long long)(minutes / 60));
    else if (minutes >= 2)
        text_printf(out, "%lld 分钟", (long long)minutes);
    else
        text_printf(out, "%lld.%lld 秒", (long long)(ms / 1000), (long long)(ms % 1000 / 100));
}

static void number_cell(struct text *out, int64_t number)
{
    text_printf(out, "<td>%lld</td>", (long long)number);
}

/* --- the parts ------------------------------------------------------------------------------------------------ */

static void render_state(const struct api_view *view, struct text *out)
{
    text_add_str(out, "<p>");
    if (view->draining)
        text_add_str(out, "<strong class=\"bad\">正在停止</strong>");
    else if (view->database_up && view->leading)
        text_add_str(out, "<strong class=\"ok\">运行正常</strong>");
    else if (view->database_up) {
        text_add_str(out, "<strong class=\"bad\">备用，未执行任务</strong>（主用：");
        text_add_html(out, slice_of(view->leader_holder[0] ? view->leader_holder : "未知"));
        text_add_str(out, "）");
    } else {
        text_add_str(out, "<strong class=\"bad\">数据库不可用</strong>（<span lang=\"en\">");
        text_add_html(out, slice_of(view->database_reason));
        text_add_str(out, "</span>）");
    }
    text_add_str(out, "，自 ");
    add_time(out, view->started_unix_ms);
    text_add_str(out, " 起运行。政策：");
    text_add_html(out, slice_of(view->policy_name));
    text_add_str(out, " 版本 ");
    text_add_html(out, slice_of(view->policy_version));
    text_add_str(out, "。");
    if (view->settings_failed)
        text_add_str(out, "<span class=\"bad\">最近一次重新加载配置被拒绝，仍使用原配置。</span>");
    if (view->job_running[0])
        text_add_str(out, strcmp(view->job_running, "round") == 0 ? "正在比对。" : "正在接收数据。");
    if (view->next_round_unix_ms > 0) {
        text_add_str(out, "下一轮比对：");
        add_time(out, view->next_round_unix_ms);
        text_add_str(out, "。");
    }
    text_add_str(out, "</p>\n");
    if (!view->facts)
        return;
    text_add_str(out, "<p>");
    if (view->facts->counts)
        text_printf(out, "在册 %lld 户、%lld 人。", (long long)view->facts->counts->on_register.households,
                    (long long)view->facts->counts->on_register.persons);
    text_add_str(out, "数据截至 ");
    add_time(out, view->facts->read_unix_ms);
    text_add_str(out, "。</p>\n");
    const struct transaction *old = api_view_old_transaction(view);
    if (old) {
        text_printf(out, "<p class=\"bad\">数据库会话 %lld（账户 ", (long long)old->pid);
        text_add_html(out, slice_of(old->account));
        text_add_str(out, "）的事务已持续 ");
        add_duration(out, old->age_ms);
        text_add_str(out, "未结束，妨碍数据库清理。</p>\n");
    }
    if (view->facts->status.rounds_held > 0)
        text_printf(out,
                    "<p class=\"bad\">有 %lld 轮比对因变动超过上限而暂缓，等待人工确认"
                    "（<code>shouwangctl rounds</code>）。</p>\n",
                    (long long)view->facts->status.rounds_held);
}

static void level_row(struct text *out, const char *name, const int64_t count[5])
{
    text_printf(out,
                "<tr><td>%s</td><td class=\"red\">%lld</td><td class=\"orange\">%lld</td><td "
                "class=\"yellow\">%lld</td>",
                name, (long long)count[LEVEL_RED], (long long)count[LEVEL_ORANGE],
                (long long)count[LEVEL_YELLOW]);
    number_cell(out, count[LEVEL_VERIFY]);
    text_add_str(out, "</tr>\n");
}

static void render_levels(const struct api_counts *counts, struct text *out)
{
    int64_t total[5] = {0};
    text_add_str(
        out, "<h2>预警</h2>\n<table><caption>未办结的预警，按乡镇和级别</caption><thead><tr><th>乡镇代码</th>"
             "<th>红色</th><th>橙色</th><th>黄色</th><th>待核</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < counts->level_count; i++) {
        char name[24];
        snprintf(name, sizeof name, "%lld", (long long)counts->levels[i].township);
        level_row(out, name, counts->levels[i].count);
        for (int level = 0; level < 5; level++)
            total[level] += counts->levels[i].count[level];
    }
    text_add_str(out, "</tbody><tfoot>");
    level_row(out, "合计", total);
    text_add_str(out, "</tfoot></table>\n");
}

/* What is wrong with a feed, beside its age. */
static void note_cell(const struct api_view *view, int source, struct text *out)
{
    const struct volume_swinging *swinging = api_view_swinging(view, source);
    bool refused = api_view_refused(view, source) != NULL,
         unusable = api_view_unusable(view, source, NULL) > 0;
    text_add_str(out, swinging || refused || unusable ? "<td class=\"w bad\">" : "<td class=\"w\">");
    if (refused)
        text_add_str(out, "有一批被拒收");
    if (unusable)
        text_add_str(out, refused ? "；大量行不能使用，预警不解除" : "大量行不能使用，预警不解除");
    if ((refused || unusable) && swinging)
        text_add_str(out, "；");
    if (swinging && swinging->townships > 0)
        text_printf(out, "%lld 个乡镇数目异常，该处预警不解除", (long long)swinging->townships);
    if (swinging && swinging->in_sum)
        text_add_str(out,
                     swinging->townships > 0 ? "；合计也异常，各处预警都不解除" : "合计数目异常，预警不解除");
    text_add_str(out, "</td></tr>\n");
}

static void feed_row(const struct api_view *view, const struct api_feed *feed, struct text *out)
{
    const struct batch_info *batch = api_view_accepted(view, feed->source);
    int64_t days = api_view_feed_age_days(view, feed->source);
    bool old = feed->freshness_days > 0 && days > feed->freshness_days;
    text_add_str(out, "<tr><td>");
    text_add_html(out, slice_of(feed->title));
    text_add_str(out, "</td><td>");
    if (batch)
        add_time(out, batch->received_at_ms);
    else
        text_add_str(out, "尚未收到");
    text_add_str(out, "</td>");
    if (days >= 0)
        text_printf(out, "<td%s>%lld 天%s</td>", old ? " class=\"bad\"" : "", (long long)days,
                    old ? "（已过期）" : "");
    else
        text_add_str(out, "<td>—</td>");
    number_cell(out, batch ? batch->counts.rows_total : 0);
    number_cell(out, batch ? batch->counts.rows_quarantined : 0);
    note_cell(view, feed->source, out);
}

static void render_feeds(const struct api_view *view, struct text *out)
{
    text_add_str(
        out,
        "<h2>部门数据</h2>\n<table><caption>每个部门最近一批数据</caption><thead><tr><th>部门</"
        "th><th>接收时间</th>"
        "<th>距数据截止日</th><th>行数</th><th>问题行</th><th class=\"w\">说明</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < view->feed_count; i++)
        feed_row(view, &view->feeds[i], out);
    text_add_str(out, "</tbody></table>\n");
}

static const char *round_state_chinese(enum round_state state)
{
    switch (state) {
    case ROUND_RUNNING:
        return "进行中";
    case ROUND_COMMITTED:
        return "已完成";
    case ROUND_HELD:
        return "暂缓，待确认";
    case ROUND_FAILED:
        return "失败";
    }
    return "";
}

static void round_row(const struct round_info *round, struct text *out)
{
    static const char *const counts[] = {"raised", "escalated", "deescalated", "cleared"};
    char day[CIVIL_TEXT_SIZE];
    text_printf(out, "<tr><td>%lld</td><td>%s</td><td>", (long long)round->round_id,
                civil_format(round->as_of, day));
    add_time(out, round->started_at_ms);
    text_printf(out, "</td><td class=\"w%s\">%s</td>",
                round->state == ROUND_COMMITTED || round->state == ROUND_RUNNING ? "" : " bad",
                round_state_chinese(round->state));
    json_t *json = json_loads(round->counts_json ? round->counts_json : "{}", 0, 0);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        number_cell(out, (int64_t)json_integer_value(json_object_get(json, counts[i])));
    json_decref(json);
    text_add_str(out, "<td>");
    if (round->finished_at_ms > round->started_at_ms)
        add_duration(out, round->finished_at_ms - round->started_at_ms);
    text_add_str(out, "</td></tr>\n");
}

static void render_rounds(const struct api_facts *facts, struct text *out)
{
    text_add_str(out, "<h2>比对轮次</h2>\n<table><caption>最近的比对</caption><thead><tr><th>轮次</"
                      "th><th>比对日</th><th>开始</th>"
                      "<th "
                      "class=\"w\">结果</th><th>新增</th><th>升级</th><th>降级</th><th>解除</th><th>用时</"
                      "th></tr></thead><tbody>\n");
    for (size_t i = 0; i < facts->round_count; i++)
        round_row(&facts->rounds[i], out);
    text_add_str(out, "</tbody></table>\n");
}

static void render_queue(const struct api_view *view, struct text *out)
{
    const struct api_facts *facts = view->facts;
    static const char *const ages[LISTING_AGES] = {"1 分钟内", "10 分钟内", "1 小时内",
                                                   "6 小时内", "24 小时内", "更久"};
    text_add_str(out, "<h2>推送</h2>\n");
    if (facts->queue_count == 0) {
        text_add_str(out, "<p>没有等待推送的事件。</p>\n");
        return;
    }
    text_add_str(out, "<table><caption>未送达的事件，按乡镇和等待时间</caption><thead><tr><th>乡镇代码</th>");
    for (int age = 0; age < LISTING_AGES; age++)
        text_printf(out, "<th>%s</th>", ages[age]);
    text_add_str(out,
                 "<th>失败</th><th>搁置</th><th>过期</th><th class=\"w\">说明</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < facts->queue_count; i++) {
        const struct listing_shape *shape = &facts->queue[i];
        text_printf(out, "<tr><td>%lld</td>", (long long)shape->township);
        for (int age = 0; age < LISTING_AGES; age++)
            number_cell(out, shape->count[age]);
        number_cell(out, shape->failed);
        number_cell(out, shape->held);
        number_cell(out, shape->expired);
        text_add_str(out, api_view_has_endpoint(view, shape->township)
                              ? "<td class=\"w\"></td></tr>\n"
                              : "<td class=\"w bad\">未配置接收系统</td></tr>\n");
    }
    text_add_str(out, "</tbody></table>\n");
}

void page_render(const struct api_view *view, struct text *out)
{
    text_printf(out, "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\">"
                     "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>守望 ");
    text_add_html(out, slice_of(view->county_name));
    text_printf(out, "</title><style>%s</style></head>\n<body><main><h1>守望 · ", style);
    text_add_html(out, slice_of(view->county_name));
    text_add_str(out, "</h1>\n");
    render_state(view, out);
    if (view->facts) {
        if (view->facts->counts)
            render_levels(view->facts->counts, out);
        render_feeds(view, out);
        render_rounds(view->facts, out);
        render_queue(view, out);
    }
    text_printf(out, "</main><footer><p lang=\"en\">shouwangd %s</p></footer></body></html>\n",
                view->version);
}
