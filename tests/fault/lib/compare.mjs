// SPDX-License-Identifier: PostgreSQL
// What a county has come to, in a form that two runs can be compared by: the whole database, the archive, the receivers'
// ledgers. Numbers given in passing (UUIDs, times, identities with gaps) are replaced by what they stand for.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Columns that say how often or how late, which a kill may change, or that are numbered by rank() below. */
const LEFT_OUT = {
    delivery: ['event_id', 'outbox_no', 'attempts', 'sequence', 'last_error', 'last_status'],
    outbox: ['event_id', 'outbox_no'],
    endpoint: ['last_error', 'last_failure_at', 'last_success_at', 'last_sequence', 'paused_until'], // the sequence is looked at by itself
    audit: ['audit_id'],
    round: ['stages'],
    lease: ['*'], // who leads, and until when
    migration: ['*'],
};
const BATCH_COLUMNS = new Set(['batch_id', 'ended_by', 'first_batch', 'same_as', 'batch']);
const ROUND_COLUMNS = new Set(['round_id', 'since_round', 'raised_round', 'changed_round', 'round']);

const AGAIN_ROUND = 'once more';
/** A round that a killed daemon left running, and what it left undone, is no part of the county's history. */
const IN_VAIN = "state = 'failed'";

async function rows(run, sql) {
    return JSON.parse(await run.sql(`select coalesce(json_agg(r), '[]') from (${sql}) r`));
}

/**
 * Batches and rounds are named by their place in the order of the work, a feed's batches by that among its own: feeds take turns, and those
 * that are left after a kill begin anew. Where the order is free (run.anyOrder) a batch goes by its file, a round by its date, and a second
 * round of one date is left out: faults() looks whether it changed anything.
 */
async function names(run) {
    const batches = await rows(run, 'select batch_id, file_name, source from batch order by batch_id');
    const rounds = await rows(run, `select round_id, as_of from round where not ${IN_VAIN} order by round_id`);
    const warnings = await rows(run, 'select warning_id, household_id, raised_round from warning order by household_id, raised_round');
    const events = await rows(run, 'select event_id, household_id, township_code, type, outbox_no from outbox order by outbox_no');
    const policies = run.anyOrder ? await rows(run, 'select policy_hash from policy_version') : [];
    const map = { batch: new Map(), round: new Map(), uuid: new Map(), policies: new Set(policies.map((p) => p.policy_hash)) };
    const seen = new Map();
    const next = (key) => seen.set(key, (seen.get(key) ?? 0) + 1).get(key);
    // A register that is read by views is read again by the next round: how often is no matter.
    for (const b of batches) map.batch.set(b.batch_id, b.file_name === 'views' ? 'views' : run.anyOrder && b.source > 0 ? `${b.source}/${b.file_name}` : `batch ${next(b.source)} of source ${b.source}`);
    const dates = rounds.map((r) => r.as_of);
    rounds.forEach((r, i) => map.round.set(r.round_id, !run.anyOrder ? `round ${i + 1}` : dates.indexOf(r.as_of) === i ? `round of ${r.as_of}` : AGAIN_ROUND));
    for (const w of warnings) map.uuid.set(w.warning_id, `warning ${next(`warning ${w.household_id}`)} of ${w.household_id}`);
    for (const e of events) map.uuid.set(e.event_id, `event ${next(`${e.household_id} ${e.township_code} ${e.type}`)} of ${e.household_id} to ${e.township_code}: ${e.type}`);
    return map;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/;

/** A value wherever it stands, in rows and in the documents that they hold. */
function plain(value, key, map) {
    if (Array.isArray(value)) return value.map((one) => plain(one, key, map));
    if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v, k, map)]));
    if (BATCH_COLUMNS.has(key) && map.batch.has(Number(value))) return map.batch.get(Number(value));
    if (ROUND_COLUMNS.has(key) && map.round.has(Number(value))) return map.round.get(Number(value));
    if (typeof value !== 'string') return value;
    if (TIME.test(value)) return 'a time';
    if (map.policies.has(value)) return 'the policy';
    return value.replace(UUID, (id) => map.uuid.get(id) ?? 'an id').replace(/^register-(\d{4}-\d\d-\d\d)-\d+$/, 'register-$1');
}

/** An operator whose answer was lost gives the same order again, and attempts on their way may hold an endpoint once more: the
 *  audit then tells of two, truly. */
const AGAIN = new Set(['daemon.reload', 'daemon.log_level', 'endpoint.hold', 'register.imported']);

async function database(run, map) {
    const tables = await rows(run, `select c.relname as name from pg_class c where c.relnamespace = 'shouwang'::regnamespace
        and c.relkind in ('r', 'p') and not c.relispartition order by 1`);
    const where = { round: `where not ${IN_VAIN}`, outbox: "where type not like '%.test'", delivery: 'where household_id <> 0' };
    const queries = tables.filter(({ name }) => !LEFT_OUT[name]?.includes('*')).map(({ name }) => `select '${name}' as name, coalesce(json_agg(t), '[]') as rows from ${name} t ${where[name] ?? ''}`);
    const all = JSON.parse(await run.sql(`select json_object_agg(name, rows) from (${queries.join(' union all ')}) every`.replaceAll("'[]')", "'[]'::json)")));
    const out = {};
    for (const [name, content] of Object.entries(all)) {
        const lines = content.map((row) => {
            for (const column of LEFT_OUT[name] ?? []) delete row[column];
            if (typeof row.event === 'string') row.event = JSON.parse(row.event);
            if (name === 'batch' && row.file_name === 'views') row.detail = 'of one reading or another';
            if (name === 'audit' && /^(feed|register)\./.test(row.action)) row.actor = 'whoever looked first'; // an operator's scan, or the daemon's own
            return JSON.stringify(plain(row, '', map));
        });
        const again = (row) => (name === 'audit' && AGAIN.has(row.action)) || (name === 'batch' && row.file_name === 'views');
        const kept = lines.filter((line, i) => (!again(content[i]) || lines.indexOf(line) === i) && !run.without?.(name, content[i]) && map.round.get(content[i].round_id) !== AGAIN_ROUND);
        out[name] = kept.sort();
    }
    return out;
}

function files(run) {
    const found = [];
    const walk = (folder) => {
        if (!existsSync(folder)) return;
        for (const name of readdirSync(folder)) {
            const path = join(folder, name);
            if (statSync(path).isDirectory()) walk(path);
            else found.push(`${relative(run.instance.directory, path)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`);
        }
    };
    for (const folder of ['drop', 'archive']) walk(join(run.instance.directory, folder));
    return found.sort();
}

/** The rules of docs/townships.md that hold whatever dies: what breaks them, one line each. */
async function ledgerFaults(run) {
    const faults = [];
    const events = await rows(run, 'select o.*, d.state, d.sequence from outbox o join delivery d using (household_id, event_id)');
    const by = new Map(events.map((e) => [e.event_id, e]));
    for (const [code, receiver] of Object.entries(run.receivers)) {
        const bodies = new Map();
        const newest = new Map();
        for (const entry of receiver.ledger) {
            const event = by.get(entry.id);
            if (!entry.verified) faults.push(`${code}: ${entry.id} does not verify: ${entry.problem}`);
            if (!event || String(event.township_code) !== code) faults.push(`${code} was sent ${entry.id}, which is no event of its`);
            if (!event || !entry.event) continue;
            if ((bodies.get(entry.id) ?? entry.body) !== entry.body) faults.push(`${code}: the body of ${entry.id} changed between attempts`);
            bodies.set(entry.id, entry.body);
            if (entry.event.sequence !== String(event.sequence).padStart(20, '0')) faults.push(`${code}: ${entry.id} was sent as number ${entry.event.sequence}, and has ${event.sequence}`);
            const told = { ...JSON.parse(entry.body) };
            delete told.sequence;
            if (JSON.stringify(told) !== JSON.stringify(JSON.parse(event.event))) faults.push(`${code}: ${entry.id} was sent other than it was written`);
            if (event.household_id === 0) continue;
            if (event.outbox_no < (newest.get(event.household_id) ?? 0)) faults.push(`${code}: ${entry.id} of household ${event.household_id} came after a newer one`);
            newest.set(event.household_id, Math.max(event.outbox_no, newest.get(event.household_id) ?? 0));
        }
        const takings = receiver.ledger.filter((entry) => entry.status >= 200 && entry.status < 300).map((entry) => entry.id);
        const taken = new Set(takings);
        // Whoever dies may not have heard the answer; whoever only stood still has.
        if (run.options?.freeze) for (const id of taken) if (takings.filter((other) => other === id).length > 1) faults.push(`${code} took ${id} more than once`);
        for (const event of events) {
            if (String(event.township_code) !== code || run.before.has(event.event_id)) continue;
            if (event.state === 'delivered' && !taken.has(event.event_id)) faults.push(`${code} never took ${event.event_id}, which is marked delivered`);
            if (event.state !== 'delivered' && taken.has(event.event_id)) faults.push(`${code} took ${event.event_id}, which is marked ${event.state}`);
        }
    }
    return faults;
}

async function sequenceFaults(run) {
    const wrong = await rows(run, `select e.township_code, e.last_sequence, count(d.sequence), count(distinct d.sequence), max(d.sequence) from endpoint e
        left join delivery d using (township_code) group by 1, 2
        having count(d.sequence) <> e.last_sequence or count(distinct d.sequence) <> e.last_sequence or coalesce(max(d.sequence), 0) <> e.last_sequence`);
    return wrong.map((w) => `the sequence of ${w.township_code} has gaps or doubles: ${JSON.stringify(w)}`);
}

/** Events that were told before the run began: its receivers know nothing of them. */
export async function noteBefore(run) {
    run.before = new Set((await rows(run, "select event_id from delivery where state = 'delivered'")).map((row) => row.event_id));
}

export async function seen(run) {
    const map = await names(run);
    return { tables: await database(run, map), files: files(run) };
}

/** A second round of the same date finds nothing new. */
async function againFaults(run) {
    const changed = await rows(run, `select round_id, as_of from round r where state = 'committed' and exists (select from round b where b.as_of = r.as_of
        and b.state = 'committed' and b.round_id < r.round_id) and exists (select from warning_history h where h.round_id = r.round_id union all select from outbox o where o.round_id = r.round_id)`);
    return changed.map((r) => `round ${r.round_id}, another one of ${r.as_of}, changed something`);
}

/** What is wrong in itself, without any other run. */
export async function faults(run) {
    return [...(await sequenceFaults(run)), ...(await ledgerFaults(run)), ...(run.anyOrder ? await againFaults(run) : [])];
}

/** One line per difference. */
export function differences(reference, other) {
    const found = [];
    const compare = (where, a, b) => {
        const left = [...a];
        for (const line of b) {
            const at = left.indexOf(line);
            if (at >= 0) left.splice(at, 1);
            else found.push(`${where}: only after the kill: ${line}`);
        }
        for (const line of left) found.push(`${where}: missing after the kill: ${line}`);
    };
    for (const table of new Set([...Object.keys(reference.tables), ...Object.keys(other.tables)])) compare(table, reference.tables[table] ?? [], other.tables[table] ?? []);
    compare('files', reference.files, other.files);
    return found;
}
