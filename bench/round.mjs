// SPDX-License-Identifier: PostgreSQL
// bench: round: a full round beside raw COPY and the set-based SQL for the same scheme, with the results compared row by row
import { readFileSync, statSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { BENCH, DATE, DIR, POLICY, conninfo, county, fail, measured, median, options, program, run, script, sql, start, verdict } from './lib/bench.mjs';

const HELP = `bench/run [--keep DIR] round [--households N] [--rounds N] [--sql N] [--ten-times] [--first N] [--database NAME] [--seed N]

Makes a county (330000 households: a million persons; seven feeds ingested), runs its first round, and then measures N times (5)
in turn, each time after new batches that change 1 % of the warnings:
  round      a full round: pull, match, evaluate, compare, commit
  copy       the COPY statements that it issued, one after another on one connection, rows received and thrown away
and in the first --sql N (3; 0 = not at all) of them
  staged     the scheme in SQL: staging tables, two sessions side by side
  one        the scheme in SQL: one statement with two workers
whose results must equal what the round left, household by household: level, fired clauses, undecided clauses.
--ten-times measures rounds of a county of ten times the size as well.
--first N measures the first round instead, which raises all warnings at once: N times, each in a copy of the county without any.`;
const opt = options({ households: 330000, rounds: 5, sql: 3, 'ten-times': false, first: 0, database: 'county', seed: 1 }, HELP);
const ROUND = program('round_once'), COPY = program('raw_copy');
const BARS = { copy: 1.5, staged: 4, one: 8, evaluation: 0.05, memory: 512, ten: 12 };

// --- what is measured ----------------------------------------------------------------------------------------------------

async function round(database, ...args) {
    const { value, server } = await measured(database, () => start(ROUND, [conninfo(database), POLICY, DATE, ...args]));
    const result = JSON.parse(value);
    return { ...result, wall: result.wall_us / 1000, cpu: result.cpu_us / 1000 + server, server };
}

/** A round, and the COPY statements that the server saw from it: its pull. What it asks for about the households that change (by
 * lists of their numbers) is not counted, to the good of raw COPY. */
async function tracedRound(database) {
    const log = join(DIR, 'pg', 'server.log');
    const from = statSync(log).size;
    const result = await round(database);
    result.statements = readFileSync(log).subarray(from).toString()
        .split('\n').map((line) => /LOG: +(?:statement|execute [^:]*): *(copy .* to stdout.*)$/i.exec(line)?.[1])
        .filter((statement) => statement && !/ = any\s*\(/i.test(statement));
    if (result.statements.length < 10) fail(`only ${result.statements.length} COPY statements were seen in the server's log`);
    return result;
}

async function copy(database, { statements, report }) {
    const pulled = report.stages.filter(({ name }) => name === 'register' || name === 'facts').reduce((sum, { rows }) => sum + rows, 0);
    const { value, server } = await measured(database, async () => {
        const child = spawnSync(COPY, [conninfo(database)], { input: statements.join('\n'), encoding: 'utf8' });
        if (child.status !== 0) fail(`raw_copy: ${child.stderr}`);
        return JSON.parse(child.stdout);
    });
    if (value.rows < pulled) fail(`raw COPY shipped ${value.rows} rows, the round pulled ${pulled}`);
    return { ...value, wall: value.wall_us / 1000, cpu: value.cpu_us / 1000 + server };
}

const STAGED = 'select * from peer.result_0 union all select * from peer.result_1', ONE = 'select * from peer.result_one';

async function staged(database) {
    await script(database, 'staged_begin.sql');
    const { wall, server } = await measured(database, async () => {
        await Promise.all([script(database, 'staged_income.sql', { workers: 0 }), script(database, 'staged_rest.sql', { workers: 0 })]);
        await Promise.all([0, 1].map((part) => script(database, 'staged_judge.sql', { workers: 0, part })));
    });
    await compare(database, 'staged', STAGED);
    return { wall, cpu: server };
}

async function one(database) {
    sql(database, 'create schema if not exists peer; drop table if exists peer.result_one');
    const { wall, server } = await measured(database, () => script(database, 'one_statement.sql', { workers: 2 }));
    await compare(database, 'one statement', ONE);
    return { wall, cpu: server };
}

const differences = async (database, result) => (await script(database, 'compare.sql', { result })).split('\n').filter(Boolean);

/** A comparison that cannot fail is worth nothing: with one bit of one household turned, it must find just that. */
async function compare(database, name, result) {
    const found = Number(sql(database, `select count(*) from (${result}) r`));
    const rows = await differences(database, result);
    if (rows.length > 0 || found === 0)
        fail(`the ${name} peer and the daemon do not agree (household, level, fired, undecided; the same of the peer):\n${rows.slice(0, 20).join('\n')}`);
    const turned = `select household_id, level, fired # case household_id when (select max(household_id) from (${result}) m) then 1 else 0 end as fired, undecided from (${result}) t`;
    if ((await differences(database, turned)).length !== 1) fail('the comparison does not see a difference that was put there');
    agreed[name] = found;
}

// --- the run -----------------------------------------------------------------------------------------------------------------

const agreed = {};

/** The county of that name, with a first round committed. */
async function prepare(database, households) {
    county(database, households, opt.seed);
    if (sql(database, "select count(*) from shouwang.round where state = 'committed'") === '0') {
        const first = await round(database);
        tellFirst(first);
        sql(database, 'vacuum (analyze)');
    }
}

function tellFirst({ report, wall, cpu, server, peak_bytes: peak }) {
    console.log(`first round: ${report.raised} warnings raised, ${report.events} events, ${ms(wall)}: ${stages(report)}; processor ${ms(cpu)} ` +
        `(server ${ms(server)}), memory ${(peak / report.households).toFixed(0)} bytes per household`);
}

/** First rounds and nothing else. What a round of few changes takes for its stages before `record` it takes as well. */
async function firstRounds(times) {
    const source = `${opt.database}_first`, copy = `${source}_copy`;
    county(source, opt.households, opt.seed);
    const runs = [];
    for (let i = 0; i < times; i++) {
        sql('postgres', `drop database if exists ${copy}`);
        sql('postgres', `create database ${copy} template ${source}`);
        sql('postgres', 'checkpoint');
        const first = await round(copy);
        tellFirst(first);
        runs.push({ round: first });
    }
    sql('postgres', `drop database ${copy}`);
    const notable = runs[0].round.report.raised;
    const record = middle(runs, (r) => stageOf(r, 'record') + stageOf(r, 'commit'));
    console.log(`medians of ${times}: record and commit ${ms(record)}, ${Math.round((1000 * record) / notable)} µs a warning, processor ${ms(middle(runs, (r) => r.round.cpu))}`);
}

async function repeat(database, rounds, sqlRounds) {
    sql(database, `alter database ${database} set log_statement = 'all'`);
    const runs = [];
    for (let i = 0; i < rounds; i++) {
        await script(database, 'changes.sql', { run: Number(sql(database, 'select max(round_id) from shouwang.round')) });
        sql(database, 'checkpoint');
        const one_run = { round: await tracedRound(database) };
        one_run.copy = await copy(database, one_run.round);
        const { report } = one_run.round;
        const changed = report.raised + report.escalated + report.deescalated + report.cleared + report.changed;
        one_run.share = changed / (report.unchanged + changed);
        if (report.held || changed === 0) fail('the round changed nothing');
        if (i < sqlRounds) {
            one_run.staged = await staged(database);
            one_run.one = await one(database);
        }
        runs.push(one_run);
        console.log(`run ${i + 1}: copy ${ms(one_run.copy.wall)}, round ${ms(one_run.round.wall)} (${stages(report)})` +
            (one_run.staged ? `, staged SQL ${ms(one_run.staged.wall)}, one statement ${ms(one_run.one.wall)}` : ''));
    }
    sql(database, `alter database ${database} reset log_statement`);
    return runs;
}

const ms = (value) => `${Math.round(value)} ms`;
const stages = (report) => report.stages.map(({ name, ms }) => `${name} ${ms}`).join(', ');
const middle = (runs, pick) => median(runs.map(pick).filter((value) => value !== undefined && !Number.isNaN(value)));
const stageOf = (run, name) => run.round.report.stages.find((stage) => stage.name === name)?.ms;

function table(rows) {
    const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
    for (const row of rows) console.log('  ' + row.map((cell, i) => (i ? String(cell).padStart(widths[i]) : String(cell).padEnd(widths[i]))).join('  '));
}

function show(runs) {
    const { report } = runs[0].round;
    const households = report.households;
    console.log(`\n${households} households, ${report.persons} persons; medians of ${runs.length} runs, ` +
        `${(100 * middle(runs, (r) => r.share)).toFixed(2)} % of the warnings changed each time`);
    const line = (name, key) => [name, ms(middle(runs, (r) => r[key]?.wall)), ms(middle(runs, (r) => r[key]?.cpu))];
    const rows = [['', 'wall', 'processor'], line('raw COPY, one connection', 'copy'), line('full round', 'round')];
    for (const { name } of report.stages) rows.push([`  ${name}`, ms(middle(runs, (r) => stageOf(r, name))), '']);
    if (runs[0].staged) rows.push(line('staged SQL, two sessions', 'staged'), line('one SQL statement', 'one'));
    table(rows);
    console.log(`raw COPY: ${runs[0].copy.statements} statements, ${runs[0].copy.rows} rows, ${(runs[0].copy.bytes / 1e6).toFixed(0)} MB`);
    for (const [name, count] of Object.entries(agreed)) console.log(`${name} SQL: equal to the daemon on every household (${count} with findings)`);
    const ratio = (a, b, what = 'wall') => middle(runs, (r) => (r[a] && r[b] ? r[a][what] / r[b][what] : NaN));
    const bars = [['', 'wall', 'processor', 'bar', ''],
        bar('round : raw COPY', ratio('round', 'copy'), ratio('round', 'copy', 'cpu'), BARS.copy, true)];
    if (runs[0].staged)
        bars.push(bar('staged SQL : round', ratio('staged', 'round'), ratio('staged', 'round', 'cpu'), BARS.staged, false),
            bar('one statement : round', ratio('one', 'round'), ratio('one', 'round', 'cpu'), BARS.one, false));
    const share = middle(runs, (r) => stageOf(r, 'evaluate') / r.round.wall);
    const memory = Math.max(...runs.map((r) => r.round.peak_bytes / households));
    bars.push(['evaluation : round', share.toFixed(3), '', `<= ${BARS.evaluation}`, verdict(share, BARS.evaluation)],
        ['peak memory, bytes per household', memory.toFixed(0), '', `<= ${BARS.memory}`, verdict(memory, BARS.memory)]);
    table(bars);
}

const bar = (name, wall, cpu, allowed, below) => [name, wall.toFixed(2), cpu.toFixed(2), `${below ? '<=' : '>='} ${allowed}`, verdict(wall, allowed, below)];

if (opt.first > 0) {
    await firstRounds(opt.first);
    process.exit(0);
}
await prepare(opt.database, opt.households);
const runs = await repeat(opt.database, opt.rounds, opt.sql);
show(runs);
if (opt['ten-times']) {
    const large = `${opt.database}_10`;
    await prepare(large, opt.households * 10);
    const more = await repeat(large, Math.min(3, opt.rounds), 0);
    show(more);
    const ratio = middle(more, (r) => r.round.wall) / middle(runs, (r) => r.round.wall);
    const cpu = middle(more, (r) => r.round.cpu) / middle(runs, (r) => r.round.cpu);
    table([['', 'wall', 'processor', 'bar', ''], bar('ten times the county : the county', ratio, cpu, BARS.ten, true)]);
}
