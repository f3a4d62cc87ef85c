// SPDX-License-Identifier: PostgreSQL
// What the tools around the policy language print, as programs of others read it: the HTML page by a strict validator.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HtmlValidate } from 'html-validate';
import { program, ROOT } from './lib/instance.mjs';

const work = mkdtempSync(join(tmpdir(), 'swpt.'));
after(() => rmSync(work, { recursive: true }));
const shouwangctl = (...args) => execFileSync(program('shouwangctl'), args, { encoding: 'utf8', maxBuffer: 1 << 26 });
const shipped = readdirSync(join(ROOT, 'conf/policies')).filter((name) => name.endsWith('.policy')).map((name) => join(ROOT, 'conf/policies', name));
const policies = [...shipped, join(ROOT, 'tests/cases/policy_english.policy'), join(ROOT, 'tests/cases/policy_mutants.policy')];

// What a title, a citation, a reason and a comment could do to a page.
const HOSTILE = `政策 试  版本 "1<b>"  生效 2021-01-01
文件 甲 "<script>alert(1)</script> & 'x'"
事实 死亡 : 事件  取 event.death
人群 成员 = 登记人员 中 非 至今 发生 死亡
查 c.x <img src=http://example.org/x onerror=alert(1)> "题" & 'y'
  依据 甲 </aside><script>alert(2)</script>
  当 计数(成员) ≥ 2人
  理由 "人口{计数(成员)}</p><b>}} & <"
例 c.x </code><script>alert(3)</script>  日期 2021-06-30 农村 人口 2  得 查 c.x
`;

const validator = new HtmlValidate({ extends: ['html-validate:recommended'], rules: { 'long-title': 'off', 'no-inline-style': 'error' } });
const validate = async (html, name) => {
    const report = await validator.validateString(html, `${name}.html`);
    const told = report.results.flatMap((result) => result.messages.map((m) => `${name}:${m.line}:${m.column}: ${m.ruleId}: ${m.message}`));
    assert.deepEqual(told.slice(0, 5), []);
};

test('the validator finds what is wrong', async () => {
    await assert.rejects(validate('<!DOCTYPE html>\n<html lang="en"><head><title>x</title></head><body><p><div></p></body></html>\n', 'wrong'));
});

for (const file of policies)
    test(`${file.slice(ROOT.length)} is one valid page`, async () => {
        const html = shouwangctl('policy', 'show', '--html', file);
        await validate(html, file);
        // Nothing is fetched and nothing runs; every link leads to a part of the page.
        assert.doesNotMatch(html, /<(script|link|img|iframe|object|embed|base|form)\b|@import|url\(|https?:|\son\w+=/i);
        const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map((m) => m[1]));
        for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) assert.ok(ids.has(target), `#${target}`);
        // Each clause beside its citation.
        const { clauses } = JSON.parse(shouwangctl('policy', 'check', '--json', file));
        const articles = html.split('<article ').slice(1);
        assert.equal(articles.length, clauses);
        for (const article of articles) assert.match(article, /<div class="side cite">(依据|cite)<br>[^<]{3,}<\/div>/);
    });

test('no text of a policy becomes markup', async () => {
    const file = join(work, 'hostile.policy');
    writeFileSync(file, HOSTILE);
    const html = shouwangctl('policy', 'show', '--html', file);
    await validate(html, 'hostile');
    assert.doesNotMatch(html, /<script|<img|<b>题|onerror=alert\(1\)>(?!.*&gt;)/);
    assert.match(html, /&lt;script&gt;alert\(1\)&lt;\/script&gt; &amp; &#39;x&#39;/);
    assert.match(html, /&lt;\/code&gt;&lt;script&gt;alert\(3\)/);
    assert.equal(JSON.parse(shouwangctl('policy', 'show', '--html', '--json', file)).page, html);
});
