// SPDX-License-Identifier: PostgreSQL
// Two daemons on one database, drop directory and archive, and what may befall them: they are killed, frozen and cut off, their sessions
// are ended, PostgreSQL is restarted or killed, its disk refuses, files of the configuration are spoilt. A watch in the database notes
// in which transactions each of the two wrote, and when the leadership changed hands.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './control.mjs';
import { Instance, newSecret, ROOT } from './instance.mjs';
import { PgProxy } from './pg_proxy.mjs';
import { Psql } from './psql.mjs';
import { pause } from './random.mjs';
import { Receiver } from './receiver.mjs';
import { until } from './wait.mjs';

export const TOWNSHIPS = ['610922103', '610922104', '610922105'];
export const LEASE_MS = 2000;
/** How far times differ from each other, of LEASE_MS; and how long a moment is waited for. */
const [SPREAD, MOMENT_MS] = process.env.SHOUWANG_LONG === undefined ? [0.2, 800] : [1, 1500];
/** After the end of a fault one leads within this time. */
const LEADER_MS = 30000;
const ROLES = ['first', 'second'];
const POLICY = join(ROOT, 'conf', 'policies', 'shaanxi-county.policy');

/**
 * Each daemon has a role of its own, by which the database knows who writes. A transaction that writes is noted with the time of its
 * commit, and every change of the leadership: one who wrote when another led was not fenced. And the disk of a table
 * is full while the table is named in chaos.refusing.
 */
const WATCH = `create schema chaos;
    create table chaos.written (xid xid8 primary key, who name, what name, at timestamptz);
    create table chaos.reign (token bigint, who name, holder text, at timestamptz);
    create table chaos.refusing (name name);
    create function chaos.note() returns trigger language plpgsql as $$ begin
        if session_user in ('first', 'second') then
            insert into chaos.written values (pg_current_xact_id(), session_user, tg_table_name, null) on conflict do nothing;
        end if;
        return null;
    end $$;
    create function chaos.note_commit() returns trigger language plpgsql as $$ begin
        update chaos.written set at = clock_timestamp() where xid = new.xid;
        return null;
    end $$;
    create constraint trigger commits after insert on chaos.written deferrable initially deferred for each row execute function chaos.note_commit();
    create function chaos.note_reign() returns trigger language plpgsql as $$ begin
        insert into chaos.reign values (new.token, session_user, new.holder, clock_timestamp());
        return null;
    end $$;
    create trigger reigns after update on shouwang.lease for each row when (new.token <> old.token) execute function chaos.note_reign();
    create function chaos.refuse() returns trigger language plpgsql as $$ begin
        if exists (select from chaos.refusing where name = tg_table_name) then raise exception 'full' using errcode = '53100'; end if;
        return null;
    end $$;
    do $$ declare t name; begin
        for t in select relname from pg_class where relnamespace = 'shouwang'::regnamespace and relkind in ('r', 'p') and not relispartition
            and relname not in ('lease', 'audit', 'migration') loop
            execute format('create trigger noted after insert or update or delete on shouwang.%I for each statement execute function chaos.note()', t);
        end loop;
        foreach t in array array['batch', 'round', 'finding', 'outbox', 'delivery', 'endpoint'] loop
            execute format('create trigger refused before insert or update on shouwang.%I for each statement execute function chaos.refuse()', t);
        end loop;
    end $$`;

/**
 * What one wrote whose own leave overtook it (a statement under way when it ended well) was fenced when it began, and until it is
 * committed nobody else can lead (migration 0006): a leave ends no reign, the next taking does.
 */
const UNFENCED = `select w.who || ' wrote ' || w.what || ', and ' || coalesce(r.holder || ' (' || r.who || ')', 'nobody') || ' led'
    from chaos.written w left join lateral (select * from chaos.reign r where r.at <= w.at and r.holder <> '' order by r.at desc, r.token desc limit 1) r on true
    where r.who is distinct from w.who`;

/** One of the two, in its surroundings. */
class Daemon {
    frozen = false;
    killed = true; // it is meant not to run
    log = '';

    constructor(pair, role, instance, proxy) {
        Object.assign(this, { pair, role, instance, proxy });
        instance.hear = async () => {}; // its pages are other tests' matter
    }

    get runs() {
        return this.instance.daemon !== null && this.instance.daemon !== undefined && !this.killed;
    }

    /** Starts it; a broken configuration is waited for, anything else that keeps it from starting is a fault. */
    async up() {
        for (;;) {
            const starting = this.instance.start();
            const exited = this.instance.exited;
            this.killed = false;
            try {
                await starting;
                exited.then((end) => this.#ended(end));
                return;
            } catch (problem) {
                const end = await exited;
                this.#ended(end, this.pair.policyIsBroken || end.code === 78 && this.pair.wasBroken);
                if (this.pair.problems.length > 0) throw problem;
                await pause(50);
            }
        }
    }

    #ended(end, excused = false) {
        this.log += this.instance.output;
        this.instance.daemon = null;
        if (!this.killed && !excused) this.pair.problems.push(`${this.role} ended by itself (${end.signal ?? end.code}):\n${this.instance.output.slice(-4000)}`);
        this.killed = true;
    }

    async down(signal = 'SIGKILL') {
        if (!this.runs) return;
        this.killed = true;
        const { exited, daemon } = this.instance;
        daemon.kill(signal);
        const late = new Promise((resolve) => setTimeout(resolve, 60000).unref()); // which keeps nobody waiting
        const end = await Promise.race([exited, late]);
        if (!end) this.pair.problems.push(`${this.role} did not end within a minute of ${signal}:\n${this.instance.output.slice(-4000)}`);
        else if (signal === 'SIGTERM' && end.code !== 0) this.pair.problems.push(`${this.role} ended by ${end.signal ?? end.code} when it was asked to:\n${this.instance.output.slice(-4000)}`);
    }

    /** null: no answer. */
    async ask(verb, args) {
        return this.runs ? ask(this.instance.socket, verb, args).catch(() => null) : null;
    }

    async leads() {
        if (!this.runs || this.frozen) return false;
        return this.instance.get('/readyz', { timeout: 2000 }).then(({ status }) => status === 200, () => false);
    }
}

export class Pair {
    problems = [];
    receivers = {};
    before = new Set();
    anyOrder = true;
    policyIsBroken = false;
    wasBroken = false;

    static async begin(cluster) {
        const pair = new Pair();
        pair.cluster = cluster;
        pair.secret = newSecret();
        for (const code of TOWNSHIPS) pair.receivers[code] = await Receiver.start(pair.secret);
        const proxies = [await PgProxy.start(cluster), await PgProxy.start(cluster)];
        const townships = Object.fromEntries(TOWNSHIPS.map((code) => [code, { url: pair.receivers[code].url, secret: pair.secret }]));
        const settings = {
            feeds: { scan_interval: '1s' },
            rounds: { limit: 'none' },
            lease: { duration: `${LEASE_MS}ms` },
            delivery: { retry_first: '50ms', retry_max: '300ms', timeout: '2s' },
        };
        const through = (i) => proxies[i].conninfo.replace('user=postgres', `user=${ROLES[i]}`);
        const first = new Instance(cluster, { detached: true, settings, townships, through: through(0) });
        pair.policy = join(first.directory, 'county.policy');
        pair.mendPolicy();
        first.settings.policy.file = pair.policy;
        first.configure();
        const second = new Instance(cluster, { detached: true, settings, townships, beside: first, through: through(1), policy: pair.policy });
        pair.daemons = [first, second].map((instance, i) => new Daemon(pair, ROLES[i], instance, proxies[i]));
        pair.instance = first;
        await pair.sql(WATCH);
        return pair;
    }

    /** Rows of the table that are no part of the county's story: orders that concern daemons. */
    without(table, row) {
        return table === 'policy_version' || (table === 'audit' && row.action.startsWith('daemon.'));
    }

    /** From the database; where it is away, once it is back. */
    async sql(text) {
        const end = Date.now() + 60000;
        for (;;) {
            const psql = (this.psql ??= new Psql(this.instance.conninfo));
            try {
                return await psql.ask(text);
            } catch (problem) {
                if (!/psql ended|server closed|terminat|shutting down|starting up|recovery/.test(problem.message) || Date.now() > end) throw problem;
                psql.child.kill();
                if (this.psql === psql) this.psql = null; // others ask at the same time, and one of them may have begun anew
                await pause(50);
            }
        }
    }

    async count(what) {
        return Number(await this.sql(`select count(*) from ${what}`));
    }

    /** Fails as soon as something went wrong that no waiting mends. */
    async until(condition, what, deadline_ms) {
        return until(async () => {
            if (this.problems.length > 0) throw new Error(this.problems.join('\n'));
            return condition();
        }, what, deadline_ms);
    }

    async oneLeads() {
        const begin = Date.now();
        await this.until(async () => (await Promise.all(this.daemons.map((one) => one.leads()))).filter(Boolean).length === 1,
            () => `one to lead:\n${this.daemons.map((one) => `${one.role} (${one.runs ? 'runs' : 'ended'}):\n${(one.instance.output ?? '').slice(-3000)}`).join('\n')}`, LEADER_MS);
        return Date.now() - begin;
    }

    /** The one that holds the lease, or, if that does not run, any. */
    async leader() {
        const holder = await this.sql("select holder from lease where name = 'leader'");
        return this.daemons.find(({ instance }) => holder.includes(instance.socket)) ?? this.daemons[0];
    }

    mendPolicy() {
        this.writePolicy(readFileSync(POLICY, 'utf8'));
    }

    writePolicy(text) {
        writeFileSync(`${this.policy}.new`, text);
        renameSync(`${this.policy}.new`, this.policy);
    }

    unfenced() {
        return this.sql(UNFENCED).then((text) => text.split('\n').filter(Boolean));
    }

    async close() {
        for (const { proxy, instance } of this.daemons) {
            proxy.thaw();
            if (instance.daemon) instance.daemon.kill('SIGCONT');
        }
        for (const one of this.daemons) await one.down();
        for (const receiver of Object.values(this.receivers)) await receiver.stop();
        await this.psql?.close();
        for (const { instance, proxy } of [...this.daemons].reverse()) {
            await instance.close();
            await proxy.stop();
        }
    }
}


// --- what may befall them ---------------------------------------------------------------------------------------------------------------

/** At the first message that is like this, if one comes in time (its line, or null); the rule is dropped again. */
async function at({ proxy }, applies, action, ms = MOMENT_MS) {
    let met = null;
    const happened = new Promise((resolve) => (met = resolve));
    proxy.match = (line, message, side) => {
        if (!applies(line, message, side)) return null;
        delete proxy.match;
        return { action, done: met };
    };
    const line = await Promise.race([happened, pause(ms)]);
    delete proxy.match;
    return line ?? null;
}

const COMMITS = /^commit|record_results|claim_deliveries|update lease/i;
const WORK = /job|round/;

/** Moments in which a leader has something to lose: it is writing rows, it commits, its results are on their way. */
const MOMENTS = [
    ({ application }, { type }, side) => side === 'client' && type === 'd' && WORK.test(application),
    ({ application, sql }, { type }, side) => side === 'client' && /[PQ]/.test(type) && WORK.test(application) && /^commit/i.test(sql),
    ({ application, sql }, { type }, side) => side === 'server' && type === 'C' && WORK.test(application) && /^commit/i.test(sql),
    ({ application, sql }, { type }, side) => side === 'client' && type === 'P' && /delivery/.test(application) && COMMITS.test(sql),
];

/** What befalls one of the two: (daemon, random, pair). */
const OF_DAEMONS = {
    async kill(one, random) {
        await one.down();
        await pause(random.upTo(1.3 * LEASE_MS));
        await one.up();
    },
    async end(one, random) {
        await one.down('SIGTERM');
        await pause(random.upTo(500));
        await one.up();
    },
    async freeze(one, random) {
        const { daemon } = one.instance;
        if (!one.runs) return;
        one.frozen = true;
        daemon.kill('SIGSTOP');
        await pause(random.chance(70) ? 1.2 * LEASE_MS + random.upTo(SPREAD * LEASE_MS) : random.upTo(LEASE_MS));
        daemon.kill('SIGCONT');
        one.frozen = false;
    },
    async cut(one) {
        one.proxy.cutAll();
    },
    async still(one, random) {
        one.proxy.freeze();
        await pause(random.chance(60) ? 1.2 * LEASE_MS + random.upTo(SPREAD * LEASE_MS) : random.upTo(LEASE_MS));
        if (random.chance(50)) one.proxy.cutAll();
        one.proxy.thaw();
    },
    async loseCommit(one, random) {
        const application = random.pick(['shouwangd', 'shouwangd delivery', 'shouwangd-lease', 'shouwangd-job', 'shouwangd round']);
        await at(one, (line, { type }, side) => side === 'client' && /[PQ]/.test(type) && line.application.startsWith(application) && COMMITS.test(line.sql), 'lose');
    },
    async cutCopy(one, random) {
        const from = random.pick(['client', 'server']);
        let left = random.upTo(4);
        await at(one, (_, { type }, side) => side === from && type === 'd' && left-- === 0, 'cut');
    },
    /** What it wrote last arrives when another leads long since, and nobody waits for the answer. */
    async lateCommit(one, random) {
        const line = await at(one, ({ application, sql }, { type }, side) => side === 'client' && /[PQ]/.test(type) && !/lease/.test(application) && COMMITS.test(sql), 'hold');
        await OF_DAEMONS.freeze(one, random);
        line?.release();
    },
    async endSession(one, random, pair) {
        const application = random.pick(['', 'shouwangd delivery', 'shouwangd-lease', 'shouwangd-status']);
        await pair.sql(`select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where usename = '${one.role}'
            and starts_with(application_name, '${application}') order by md5(pid || '${random.upTo(100)}') limit ${1 + random.upTo(2)}) s`);
    },
    async reload(one, random) {
        if (one.runs) one.instance.daemon.kill('SIGHUP');
        if (random.chance(50)) await one.ask('log level', { level: random.pick(['info', 'debug']) });
    },
};

/** What befalls both, or what they need. */
const OF_ALL = {
    restart: (pair) => pair.cluster.pgAside('restart'),
    async crash(pair, random) {
        await pair.cluster.pgAside('kill');
        await pause(random.upTo(500));
        await pair.cluster.pgAside('start');
    },
    async fullDisk(pair, random) {
        const table = random.pick(['batch', 'round', 'finding', 'outbox', 'delivery', 'endpoint']);
        await pair.sql(`insert into chaos.refusing values ('${table}')`);
        await pause(random.upTo(1500));
        await pair.sql('delete from chaos.refusing');
    },
    /** Nobody can start meanwhile, or reload; whoever runs goes on. */
    async brokenPolicy(pair, random) {
        pair.policyIsBroken = true;
        pair.wasBroken = true;
        pair.writePolicy('政策 半截');
        for (const one of random.shuffled(pair.daemons)) await OF_DAEMONS.reload(one, random);
        await pause(random.upTo(600));
        pair.mendPolicy();
        pair.policyIsBroken = false;
    },
    /** Another text, and another hash, that says the same. */
    async otherPolicy(pair, random) {
        pair.writePolicy(`${readFileSync(POLICY, 'utf8')}\n# 试行\n`);
        for (const one of random.shuffled(pair.daemons)) await OF_DAEMONS.reload(one, random);
        await pause(random.upTo(600));
        pair.mendPolicy();
        await OF_DAEMONS.reload(random.pick(pair.daemons), random);
    },
    async receiverFails(pair, random) {
        const receiver = pair.receivers[random.pick(TOWNSHIPS)];
        const how = random.pick([() => 500, () => ({ status: 503, headers: { 'retry-after': '1' } }), () => pause(2500).then(() => 204), (request) => (request.socket.destroy(), 204)]);
        receiver.answer = how;
        await pause(random.upTo(1500));
        receiver.answer = () => 204;
    },
};

/** What is nothing for one that has nothing to do; and what waits for a moment, most times. */
const FOR_LEADERS = new Set(['loseCommit', 'lateCommit', 'cutCopy']);
const IN_A_MOMENT = new Set(['kill', 'freeze', 'still', 'cut', 'endSession', 'restart', 'crash']);
const KINDS = { ...Object.fromEntries(Object.keys(OF_DAEMONS).map((name) => [name, 'daemon'])), ...Object.fromEntries(Object.keys(OF_ALL).map((name) => [name, 'all'])) };
/** The gravest come more often. */
const NAMES = [...Object.keys(KINDS), 'kill', 'kill', 'kill', 'freeze', 'freeze', 'lateCommit', 'lateCommit', 'loseCommit', 'loseCommit', 'cutCopy', 'still', 'restart', 'crash', 'fullDisk'];

/** So many faults, one or two at a time, most of them for the one that leads. */
export class Weather {
    begun = 0;
    told = [];
    slowest = 0;

    constructor(pair, random, count) {
        Object.assign(this, { pair, random, count });
        this.passed = this.#go();
        this.passed.catch((problem) => pair.problems.push(problem.stack));
    }

    async #strike(name, one) {
        this.begun++;
        const begin = Date.now();
        if (IN_A_MOMENT.has(name) && this.random.chance(60)) await at(one, this.random.pick(MOMENTS), null);
        if (KINDS[name] === 'all') await OF_ALL[name](this.pair, this.random);
        else await OF_DAEMONS[name](one, this.random, this.pair);
        this.told.push(`${name}${KINDS[name] === 'all' ? '' : ` ${one.role}`} ${Date.now() - begin} ms`);
    }

    async #go() {
        const { pair, random } = this;
        while (this.begun < this.count) {
            await pause(random.upTo(250));
            const leader = await pair.leader();
            const other = pair.daemons.find((one) => one !== leader);
            const name = random.pick(NAMES);
            const [one, two] = random.chance(70) || FOR_LEADERS.has(name) ? [leader, other] : [other, leader];
            const also = random.chance(30) ? random.pick(NAMES) : null;
            const both = [this.#strike(name, one)];
            if (also && (KINDS[also] === 'daemon' || KINDS[name] === 'daemon')) both.push(this.#strike(also, two));
            await Promise.all(both);
            if (random.chance(60)) this.slowest = Math.max(this.slowest, await pair.oneLeads());
        }
        this.slowest = Math.max(this.slowest, await pair.oneLeads());
    }

    /** Until this share of the faults has begun. */
    async reach(share) {
        await this.pair.until(() => this.begun >= Math.floor(share * this.count), 'the next fault');
    }
}
