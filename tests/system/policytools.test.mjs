// SPDX-License-Identifier: PostgreSQL
// What the tools around the policy language make, as programs of others read it: the HTML page by a strict validator, the grammars by the
// tokenizer of editors and by Vim.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HtmlValidate } from 'html-validate';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import { program, ROOT } from './lib/instance.mjs';

const work = mkdtempSync(join(tmpdir(), 'swpt.'));
after(() => rmSync(work, { recursive: true }));
const shouwangctl = (...args) => execFileSync(program('shouwangctl'), args, { encoding: 'utf8', maxBuffer: 1 << 26 });
const shipped = readdirSync(join(ROOT, 'conf/policies')).filter((name) => name.endsWith('.policy')).map((name) => join(ROOT, 'conf/policies', name));
const policies = [...shipped, join(ROOT, 'tests/cases/policy_english.policy'), join(ROOT, 'tests/cases/policy_mutants.policy'), join(ROOT, 'tests/cases/policy_terms.policy')];

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

// What holds for a time, until when, and what a trial changes: in words, each with its citation.
test('both pages say terms, conditions for clearing, dated settings and trials in words', () => {
    const file = join(ROOT, 'tests/cases/policy_terms.policy');
    const page = shouwangctl('policy', 'show', file);
    const html = shouwangctl('policy', 'show', '--html', file).replace(/<style>.*?<\/style>/s, '').replace(/<[^>]+>|\s/g, ' ').replace(/ +/g, ' ');
    const said = {
        '- 设定 扣除额 : 元/年/户\n  - 2021-01-01 起 1000.00  〔依据 试点办法 第三条〕\n  - 2021-07-01 起 1500.00  〔依据 试点办法 第四条〕\n': ' 扣除额 元/年/户 起 止 数值 依据 2021-01-01 1000.00 试点办法 第三条 2021-07-01 1500.00 试点办法 第四条 ',
        '- 渐退 渐退期:失去低保待遇以后,又没有再得到\n  - 24个月以内,当 有残疾人 且 人均 < 倍数 × 低保  〔依据 试点办法 第六条〕\n  - 18个月以内,当 人均 < 倍数 × 低保  〔依据 试点办法 第七条〕\n':
            ' 渐退 渐退期 失去 低保待遇 以后,又没有再得到: 几个月以内 当 依据 24个月 有残疾人 且 人均 &lt; 倍数 × 低保 试点办法 第六条 18个月 人均 &lt; 倍数 × 低保 试点办法 第七条 ',
        '- 解除 判定不成立以后,住建局又来了连续2批数据,才解除\n- 解除 连续3轮比对都判定不成立,才解除\n- 有效 认定之后12个月\n': ' 解除 判定不成立以后,住建局又来了连续2批数据,才解除 解除 连续3轮比对都判定不成立,才解除 有效 认定之后12个月 依据 试点办法 第八条 ',
        '### 提线一成\n\n- 低保 × 1.1  现为\n  - 2021-01-01 起 农村 4830.00 城市 7320.00  〔依据 试点办法 第一条〕\n': ' 提线一成 改为 现为 低保 × 1.1 2021-01-01 起 农村 4830.00 城市 7320.00 〔试点办法 第一条〕 ',
        '- 倍数 = 2  现为 3/2  〔依据 试点办法 第五条〕\n': ' 倍数 = 2 3/2 〔试点办法 第五条〕 ',
        '- 停用 check.gradual 渐退期内  〔依据 试点办法 第九条〕\n': ' 停用 check.gradual 渐退期内 〔试点办法 第九条〕 ',
    };
    for (const [words, row] of Object.entries(said)) {
        assert.ok(page.includes(words), `${words}in\n${page}`);
        assert.ok(html.includes(row), `${row}\nin\n${html}`);
    }
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

// --- editors -------------------------------------------------------------------------------------------------------------------
const text = (name) => readFileSync(join(ROOT, name), 'utf8');
const defined = (name) => [...text(`daemon/policy/syntax/${name}.def`).matchAll(/^(?:KEYWORD|WORD)\(\w+, "([^"]+)", "([^"]+)"\)/gm)].flatMap((m) => [m[1], m[2]]);
const KEYWORDS = defined('keywords');

async function grammar() {
    const wasm = readFileSync(createRequire(import.meta.url).resolve('vscode-oniguruma/release/onig.wasm'));
    await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
    const registry = new textmate.Registry({
        onigLib: Promise.resolve({ createOnigScanner: (sources) => new oniguruma.OnigScanner(sources), createOnigString: (s) => new oniguruma.OnigString(s) }),
        loadGrammar: async (scope) => (scope === 'source.shouwang-policy' ? JSON.parse(text('editors/textmate/shouwang-policy.tmLanguage.json')) : null),
    });
    return registry.loadGrammar('source.shouwang-policy');
}

/** [word, scope] of every token that has a scope of its own. */
const tokens = (g, line) => g.tokenizeLine(line, textmate.INITIAL).tokens.filter((t) => t.scopes.length > 1).map((t) => [line.slice(t.startIndex, t.endIndex), t.scopes[1].replace('.shouwang-policy', '')]);

test('the TextMate grammar knows every word of the language', async () => {
    const g = await grammar();
    assert.ok(KEYWORDS.length > 150);
    for (const word of KEYWORDS) {
        const found = tokens(g, `甲 ${word} 乙`);
        assert.ok(found.some(([w, scope]) => w === word && scope.startsWith('keyword')), `${word}: ${JSON.stringify(found)}`);
        assert.deepEqual(tokens(g, `甲${word}乙 x_${word}`), [], word); // a name that only contains it
    }
    assert.deepEqual(tokens(g, '  且   人均收入 ≥ 1.5 × 低保 # 注'), [
        ['且', 'keyword.operator.word'],
        ['≥', 'keyword.operator.comparison'],
        ['1.5', 'constant.numeric'],
        ['# 注', 'comment.line.number-sign'],
    ]);
    assert.deepEqual(tokens(g, '例 red.apply 题  日期 2021-06-30'), [
        ['例', 'keyword.other.example'],
        ['日期', 'keyword.other.example'],
        ['2021-06-30', 'constant.numeric.date'],
    ]);
});

test('the TextMate grammar reads every shipped policy', async () => {
    const g = await grammar();
    for (const file of policies) {
        let state = textmate.INITIAL;
        for (const line of readFileSync(file, 'utf8').split('\n')) {
            const result = g.tokenizeLine(line, state);
            state = result.ruleStack;
            if (line === '' || line.startsWith(' ')) continue;
            const [first] = result.tokens;
            assert.match(first.scopes[1] ?? '', line.startsWith('#') ? /^comment/ : /^keyword/, `${file}: ${line}`);
        }
    }
});

const vim = spawnSync('vim', ['--version'], { encoding: 'utf8' });
test('Vim colours every word of the language, and indents', { skip: vim.status === 0 && vim.stdout.includes('+syntax') ? false : 'no Vim with +syntax' }, () => {
    const words = join(work, 'words.policy');
    const script = join(work, 'look.vim');
    const out = join(work, 'seen');
    writeFileSync(words, KEYWORDS.map((word) => `${word} 甲${word}乙\n`).join('') + '设定 X : 元 = 4830.00元/年/人 # 注\n红 red.a 题\n');
    const last = KEYWORDS.length;
    writeFileSync(
        script,
        `let seen = []
for n in range(1, ${last})
  call add(seen, synIDattr(synID(n, 1, 1), 'name') . ' ' . synIDattr(synID(n, strlen(getline(n)) - 2, 1), 'name'))
endfor
call add(seen, &filetype)
call add(seen, synIDattr(synID(${last} + 1, stridx(getline(${last} + 1), '4830') + 1, 1), 'name'))
call add(seen, synIDattr(synID(${last} + 1, stridx(getline(${last} + 1), '#') + 1, 1), 'name'))
execute "normal! Go依据 甲 一\\<CR>某 成员\\<CR>当 贫"
call extend(seen, getline(${last} + 3, '$'))
call writefile(seen, '${out}')
qa!
`,
    );
    const run = spawnSync('vim', ['-es', '-u', 'NONE', '-i', 'NONE', '--cmd', `set nocompatible encoding=utf-8 rtp^=${join(ROOT, 'editors/vim')}`, '-c', 'filetype plugin indent on', '-c', 'syntax on', '-c', `edit ${words}`, '-S', script], { encoding: 'utf8', timeout: 60000, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    assert.equal(run.status, 0, run.stderr);
    const seen = readFileSync(out, 'utf8').split('\n');
    KEYWORDS.forEach((word, i) => assert.match(seen[i], /^policy_(statements|clauses|expressions|examples) $/, `${word}: ${seen[i]}`));
    assert.deepEqual(seen.slice(last, last + 3), ['shouwang-policy', 'policy_quantity', 'policy_comment']);
    assert.deepEqual(seen.slice(last + 3, last + 6), ['  依据 甲 一', '  某 成员', '    当 贫']);
});
