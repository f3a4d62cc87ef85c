// SPDX-License-Identifier: PostgreSQL
// bench: years: whether work and room go by what is live or has changed, or by how long the county has run
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { csv, dropBytes, residentId } from '../tests/system/lib/county.mjs';
import { BUILD, DIR, POLICY, conninfo, options, program, run, sql } from './lib/bench.mjs';

const HELP = `bench/run years [--persons N] [--months N]

N months (60) of a small county (3000 persons): the register imported anew, seven feeds, a round, its events marked as told. Two feeds
send what is new of the month (delta), the others all they have (full), wages of the last twelve months among it. Printed for some
months: pages that the database looked at for import, feeds and round, rows that the round changed, and the database's size. Pages, not
seconds: they are the same on any machine. In the first year wages grow from one month to twelve; after it nothing should.`;
const opt = options({ persons: 3000, months: 60 }, HELP);
const HOUSEHOLDS = Math.floor(opt.persons / 3), YEAR = 2021, DATABASE = 'years', SPOILED = 20;
const SHOWN = new Set([0, 12, 24, 36, 48, opt.months - 1]);

// --- a county that changes from month to month, the same at each run ------------------------------------------------------

/** Chance by what it is about (splitmix64). */
function chance(a, b = 0, c = 0) {
    let z = BigInt.asUintN(64, BigInt(a * 1000003 + b * 10007 + c * 7) * 0x9E3779B97F4A7C15n + 0x1234567n);
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xBF58476D1CE4E5B9n);
    return Number((z ^ (z >> 27n)) & 0xFFFFFFFFn);
}
const one_in = (share, ...what) => chance(...what) % share === 0;
const pad = (number, digits) => String(number).padStart(digits, '0');
const day = (month, of) => `${YEAR + Math.floor(month / 12)}-${pad(1 + (month % 12), 2)}-${pad(of, 2)}`;
const last = (month) => day(month, new Date(Date.UTC(YEAR, month + 1, 0)).getUTCDate());
const id = (person) => residentId(`${1940 + (person % 70)}-0${1 + (person % 9)}-1${person % 10}`, Math.floor(person / 70) % 1000);
const number = (household) => `H${pad(household, 6)}`;

function writeRegister(month, folder) {
    const households = [], persons = [], facts = [];
    for (let h = 0; h < HOUSEHOLDS; h++) {
        const township_code = `6109221${pad(h % 12, 2)}`;
        households.push({ household_no: number(h), township_code, village_code: `${township_code}201`, area: h % 4 ? 'rural' : 'urban' });
        facts.push({ household_no: number(h), code: 'income.declared', from: '2010-01-01' });
    }
    for (let p = 0; p < opt.persons; p++) {
        if (month > 0 && one_in(200, p, 1, Math.floor(month / 6))) continue; // away for half a year
        const moved = month > 0 && one_in(300, p, 2, month) ? 7 : 0;
        persons.push({ household_no: number((p + moved) % HOUSEHOLDS), id_number: id(p), name: '王小明', kinship: pad(p % 8, 2), labour: ['full', 'weak', 'none', ''][chance(p, 3) % 4] });
    }
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'household.csv'), csv(['household_no', 'township_code', 'village_code', 'area', 'address'], households));
    writeFileSync(join(folder, 'person.csv'), csv(['household_no', 'id_number', 'name', 'kinship', 'labour'], persons));
    writeFileSync(join(folder, 'fact.csv'), csv(['household_no', 'id_number', 'code', 'value', 'from', 'to', 'ref', 'as_of'], facts));
}

function feedsOf(month) {
    const feeds = {}, year = Math.floor(month / 12) * 12;
    const put = (feed, row) => (feeds[feed] ??= []).push(row);
    for (let p = 0; p < opt.persons; p++) {
        const id_number = id(p);
        if (one_in(10, p, 4, month)) put('medical_insurance', { id_number, code: 'expense.medical_self_paid', value: `${chance(p, 5, month) % 20000}.00`, from: day(month, 1), to: last(month), ref: `b${month}` });
        if (one_in(20, p, 6)) put('disabled_federation', { id_number, code: 'relief.disability_living', value: `${60 + (chance(p, 7, Math.floor(month / 6)) % 3) * 10}`, from: '2019-01-01' });
        if (one_in(6, p, 8)) put('education', { id_number, code: 'student.stage', value: ['compulsory', 'senior', 'college'][chance(p, 9, year) % 3], from: day(year, 1) });
        for (let m = Math.max(0, month - 11); m <= month && one_in(2, p, 10); m++) put('hr_social_security', { id_number, code: 'income.wage', value: `${800 + (chance(p, 11, m) % 3000)}.00`, from: day(m, 1), to: last(m) });
        if (one_in(500, p, 12, month)) put('emergency', { id_number, code: 'event.accident', value: 'yes', from: day(month, 5) });
    }
    for (let h = 0; h < HOUSEHOLDS; h++) {
        put('housing', { household_no: number(h), code: 'housing.grade', value: one_in(40, h, 13, Math.floor(month / 3)) ? 'D' : 'A', from: '2019-01-01' });
        if (one_in(30, h, 14, Math.floor((month + h) / 4))) put('revitalisation', { household_no: number(h), code: 'monitor.sudden', value: 'yes', from: day(Math.max(0, Math.floor((month + h) / 4) * 4 - (h % 4)), 1) });
    }
    return feeds;
}

function writeFeeds(month, drop) {
    for (const [feed, rows] of Object.entries(feedsOf(month))) {
        for (let i = 0; i < SPOILED; i++) rows.push({ ...rows[0], household_no: '', id_number: '6.1E+17' });
        const bytes = Buffer.from(csv(['id_number', 'household_no', 'name', 'code', 'value', 'from', 'to', 'ref'], rows));
        dropBytes(drop, feed, `${feed}-${month}`, bytes, rows.length, { mode: ['medical_insurance', 'emergency'].includes(feed) ? 'delta' : 'full',
            period_from: day(month, 1), period_to: last(month), sent_at: `${last(month)}T18:00:00+08:00` });
    }
}

// --- the months -----------------------------------------------------------------------------------------------------------

function prepare() {
    sql('postgres', `create database ${DATABASE}`);
    const conf = join(DIR, 'years.conf');
    writeFileSync(conf, `[county]\ncode = 610922\nname = 示范县\n[database]\nconninfo = ${conninfo(DATABASE)}\n[policy]\nfile = ${POLICY}\n`);
    run(join(BUILD, 'ctl', 'shouwangctl'), ['-c', conf, 'migrate']);
}

/** Pages that anybody looked at in the database meanwhile: what a session read is known when it has ended. */
const pages = () => Number(sql('postgres', `select blks_hit + blks_read from pg_stat_database where datname = '${DATABASE}'`));
function measured(command, args) {
    const before = pages();
    const said = run(command, args);
    return { pages: pages() - before, said };
}

function main() {
    const folder = (name) => join(DIR, name);
    const take_in = program('take_in'), round_once = program('round_once');
    for (const name of ['drop', 'archive', 'register']) rmSync(folder(name), { recursive: true, force: true });
    mkdirSync(folder('archive'), { recursive: true });
    prepare();
    console.log('month import feeds round events rows_live rows_history MB');
    for (let month = 0; month < opt.months; month++) {
        writeRegister(month, folder('register'));
        writeFeeds(month, folder('drop'));
        const steps = [[take_in, [conninfo(DATABASE), folder('register')]], [take_in, [conninfo(DATABASE), folder('drop'), folder('archive')]],
            [round_once, [conninfo(DATABASE), POLICY, last(month)]]].map(([command, args]) => measured(command, args));
        sql(DATABASE, "update shouwang.delivery set state = 'delivered', sequence = outbox_no, first_sent_at = now(), finished_at = now() where finished_at is null");
        if (!SHOWN.has(month)) continue;
        const { report } = JSON.parse(steps[2].said);
        const size = sql(DATABASE, `select (select count(*) from shouwang.person_fact), (select count(*) from shouwang.person_fact_history), pg_database_size('${DATABASE}') >> 20`);
        console.log([month, ...steps.map((step) => step.pages), report.events, size].join(' '));
    }
    sql('postgres', `drop database ${DATABASE}`);
}

main();
