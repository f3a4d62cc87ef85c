// SPDX-License-Identifier: PostgreSQL
// What a shell, a terminal and an administrator of the database do to the tools: closed descriptors, full disks, a server of another
// encoding, settings that somebody gave to the account.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { Register, residentId } from './lib/county.mjs';
import { Cluster, Instance, program } from './lib/instance.mjs';

const ID = (n) => residentId('1980-01-01', n);
let cluster, instance;
before(async () => {
    cluster = Cluster.start();
    instance = new Instance(cluster, { settings: { rounds: { limit: 'none' } } });
    const register = new Register();
    for (let i = 0; i < 150; i++) register.single(`H${i}`, ID(i), '1000.00');
    instance.import(register);
    await instance.start();
    instance.round('2021-06-30');
});
after(async () => {
    await instance?.close();
    cluster?.stop();
});

/** shouwangctl as a shell starts it, with its descriptors as `redirect` says. */
const shell = (redirect, ...args) =>
    spawnSync('sh', ['-c', `exec "$@" ${redirect}`, 'sh', program('shouwangctl'), '-c', instance.conf, ...args], { encoding: 'utf8', timeout: 60000 });

test('a closed standard output is no success, and nothing that was to be printed goes into a connection that took its place', () => {
    for (const args of [['warnings'], ['warnings', '--csv'], ['round', '--dry-run', '--as-of', '2021-07-31', '--json'], ['--version'], ['--help']]) {
        const { status, stderr } = shell('<&- >&-', ...args);
        assert.match(stderr, /cannot write the (output|document|report)/, args.join(' '));
        assert.equal(status, 74, args.join(' '));
    }
    assert.doesNotMatch(instance.cluster.serverLog().toString(), /invalid frontend message/);
    assert.doesNotMatch(instance.output, /event=control\.refused/);
});

test('with a closed standard error the exit status still tells', () => {
    assert.equal(shell('2>&-', 'warnings', '--level', 'blue').status, 64);
    const { status, stdout } = shell('<&- 2>&-', 'warnings', '--json');
    assert.equal(status, 0);
    assert.equal(JSON.parse(stdout).households.length, 150);
    // a file that is written must not get what is said: it would have been the first to be opened
    const policy = join(instance.directory, 'loose.policy');
    const text = readFileSync(instance.settings.policy.file, 'utf8');
    writeFileSync(policy, text.replace('政策 ', '政策  '));
    assert.equal(shell('<&- >&- 2>&-', 'policy', 'fmt', '--write', policy).status, 0);
    assert.equal(readFileSync(policy, 'utf8'), text);
});

test('/dev/full: 74, whatever was to be said', () => {
    for (const args of [['--version'], ['status'], ['warnings', '--json'], ['queue', '--limit', '0'], ['explain', '--all', 'H1']]) {
        const { status, stderr } = shell('>/dev/full', ...args);
        assert.match(stderr, /cannot write the (output|document|report)/, args.join(' '));
        assert.equal(status, 74, args.join(' '));
    }
});

test('shouwangd with closed descriptors says nothing into its connections, and --version into a full disk is no success', () => {
    const daemon = (redirect, ...args) => spawnSync('sh', ['-c', `exec "$@" ${redirect}`, 'sh', program('shouwangd'), ...args], { encoding: 'utf8', timeout: 60000 });
    for (const args of [['--version'], ['--help'], ['--print-config']]) for (const redirect of ['>/dev/full', '>&-']) assert.equal(daemon(redirect, ...args).status, 74, args.join(' '));
});

test('a database of an encoding that cannot hold every name is refused before anything is made in it', () => {
    for (const [encoding, name] of [['EUC_CN', 'gb2312'], ['LATIN1', 'latin1'], ['SQL_ASCII', 'ascii']]) {
        cluster.sql(`create database ${name} encoding '${encoding}' locale 'C' template template0`);
        const conf = join(instance.directory, `${name}.conf`);
        writeFileSync(conf, readFileSync(instance.conf, 'utf8').replace(/^conninfo = .*/m, `conninfo = ${cluster.conninfo} dbname=${name}`));
        const { status, stderr } = spawnSync(program('shouwangctl'), ['-c', conf, 'migrate'], { encoding: 'utf8' });
        assert.match(stderr, new RegExp(`the database's encoding is ${encoding}, expected UTF8`));
        assert.equal(status, 78);
        assert.equal(cluster.sql("select count(*) from pg_namespace where nspname = 'shouwang'", name), '0');
        cluster.sql(`drop database ${name}`);
    }
});

test('a reader that goes away stops no migration in the middle', () => {
    cluster.sql('create database piped template template0');
    const conf = join(instance.directory, 'piped.conf');
    writeFileSync(conf, readFileSync(instance.conf, 'utf8').replace(/^conninfo = .*/m, `conninfo = ${cluster.conninfo} dbname=piped`));
    const { stdout, stderr } = spawnSync('bash', ['-c', '"$0" -c "$1" migrate | true; echo "${PIPESTATUS[0]}"; exec "$0" -c "$1" migrate', program('shouwangctl'), conf], { encoding: 'utf8' });
    assert.match(stderr, /cannot write the output/);
    assert.match(stdout, /^74\nnothing to do: the schema is at \d+\n$/);
    cluster.sql('drop database piped');
});

test('policy fmt --write: the file stays who may read it, and a link stays a link', { skip: process.getuid() !== 0 && 'only root gives files away' }, () => {
    const loose = readFileSync(instance.settings.policy.file, 'utf8').replace('政策 ', '政策  ');
    const [policy, link] = ['group.policy', 'link.policy'].map((name) => join(instance.directory, name));
    writeFileSync(policy, loose);
    chmodSync(policy, 0o640);
    chownSync(policy, 0, 65534);
    symlinkSync('group.policy', link);
    assert.equal(shell('', 'policy', 'fmt', '--write', link).status, 0);
    assert.ok(lstatSync(link).isSymbolicLink());
    const { mode, gid } = statSync(policy);
    assert.deepEqual([mode & 0o7777, gid], [0o640, 65534]);
    assert.equal(shell('', 'policy', 'fmt', '--check', policy).status, 0);
    // One who may write the folder, and could not give the file back to its group, does not take it away.
    writeFileSync(policy, loose);
    chmodSync(policy, 0o644);
    chmodSync(instance.directory, 0o777);
    chownSync(policy, 0, 0);
    const { status, stderr } = spawnSync(program('shouwangctl'), ['policy', 'fmt', '--write', policy], { uid: 65534, gid: 65534, cwd: '/', encoding: 'utf8' });
    assert.match(stderr, /group\.policy: cannot write it anew with the same owner and group: /);
    assert.equal(status, 78);
    assert.equal(readFileSync(policy, 'utf8'), loose);
});

test('a reason is one line that a terminal shows as it is; words that are not UTF-8 say so', async () => {
    for (const args of [['round', 'accept', '1'], ['feed', 'trust', 'register', '1']])
        for (const [reason, said] of [
            ['a\nround 99', /--reason has a control character; one line is expected/],
            ['a\u009b2J', /--reason has a control character/],
            ['a\u202eb', /--reason has a control character/],
            ['x'.repeat(1001), /--reason is longer than 1000 bytes, or not UTF-8/],
            [' ', /--reason is empty/],
        ]) {
            const { status, stderr } = instance.ctl(...args, '--reason', reason);
            assert.match(stderr, said, args.join(' '));
            assert.equal(status, 64);
        }
    // Another tool than ours is held to it as well, and what a daemon before this one took is shown as text.
    const socket = createConnection(instance.socket);
    socket.end(JSON.stringify({ verb: 'round accept', args: { id: 1, reason: 'a\nb' } }) + '\n');
    assert.match(await text(socket), /"exit":64,"error":"round accept: argument reason must be a text of one line"/);
    instance.sql("update round set accepted_by = 'li', accepted_reason = E'a\\nround 99\\x1b[2J'");
    assert.match(instance.ctl('rounds').stdout, /^ +1 .*; accepted by li: a\\u000around 99\\u001b\[2J\n$/);
    for (const args of ["round accept 1 --reason '\\377'", "feed trust register 1 --reason '\\377'", "feed trust '\\377' 1 --reason x", "feed show '\\377'", "explain '\\377'"]) {
        const line = args.replace("'\\377'", '"$(printf "\\377")"');
        const { status, stderr } = spawnSync('sh', ['-c', `exec "$0" -c "$1" ${line}`, program('shouwangctl'), instance.conf], { encoding: 'utf8' });
        assert.match(stderr, /not UTF-8/, args);
        assert.equal(status, 64, args);
    }
});

test('a crash of the tool leaves no image of its memory', async () => {
    const path = join(instance.directory, 'mute.sock');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const conf = join(instance.directory, 'mute.conf');
    writeFileSync(conf, readFileSync(instance.conf, 'utf8').replace('socket = ctl.sock', 'socket = mute.sock'));
    const asked = once(server, 'connection');
    const tool = spawn('sh', ['-c', 'ulimit -S -c "$(ulimit -H -c)"; exec "$0" -c "$1" status', program('shouwangctl'), conf], { stdio: 'ignore' });
    const [peer] = await asked;
    try {
        assert.match(readFileSync(`/proc/${tool.pid}/limits`, 'utf8'), /^Max core file size +0 /m);
    } finally {
        const closed = once(tool, 'close');
        tool.kill();
        await closed;
        peer.destroy();
        server.close();
    }
});

// The dry run of a policy that goes wrong everywhere, in a county of a million persons: just when it is needed.
test('an answer that lists every household of a large county is read', async () => {
    const path = join(instance.directory, 'large.sock');
    const changes = Array.from({ length: 330000 }, (_, i) => ({ household_no: `H${String(i).padStart(8, '0')}`, township_code: '610922103', from: 'none', to: 'red', change: 'raised' }));
    const server = createServer((peer) => peer.on('error', () => {}).once('data', () => peer.end(`${JSON.stringify({ ok: true, result: { round: null, held: false, changes } })}\n`))).listen(path);
    await once(server, 'listening');
    const conf = join(instance.directory, 'large.conf');
    writeFileSync(conf, readFileSync(instance.conf, 'utf8').replace('socket = ctl.sock', 'socket = large.sock'));
    try {
        const tool = spawn(program('shouwangctl'), ['-c', conf, 'round', '--dry-run', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
        const [stdout, stderr, [status]] = await Promise.all([text(tool.stdout), text(tool.stderr), once(tool, 'close')]);
        assert.equal(status, 0, stderr);
        assert.equal(JSON.parse(stdout).changes.length, 330000);
    } finally {
        server.close();
    }
});

// What an administrator may have given an account or a database for other programs' sake, and what somebody who may write into
// `public` puts in our way.
const SET = {
    synchronous_commit: 'off', search_path: 'public, shouwang', standard_conforming_strings: 'off', datestyle: 'German, DMY', intervalstyle: 'sql_standard', timezone: 'America/New_York', bytea_output: 'escape',
    extra_float_digits: '-15', lc_numeric: 'C', client_encoding: 'LATIN1', statement_timeout: '1', lock_timeout: '1', idle_in_transaction_session_timeout: '1', default_transaction_isolation: 'serializable',
    default_transaction_deferrable: 'on', transform_null_equals: 'on', array_nulls: 'off', quote_all_identifiers: 'on', 'plpgsql.variable_conflict': 'use_column', enable_hashjoin: 'off', enable_seqscan: 'off',
    enable_sort: 'off', work_mem: '64kB', jit: 'on', client_min_messages: 'debug5', xmloption: 'document', row_security: 'off',
};
const HOSTILE = `
    create function public.now() returns timestamptz language sql as $$ select 1 / 0, timestamptz '2000-01-01' $$;
    create function public.fence(bigint) returns boolean language sql as $$ select 1 / 0 = 1 $$;
    create function public.fence(integer) returns boolean language sql as $$ select 1 / 0 = 1 $$;
    create function public.unnest(bigint[]) returns setof bigint language sql as $$ select 1::bigint / 0 $$;
    create function public.count(bigint) returns bigint language sql as $$ select 1::bigint / 0 $$;
    create function public.eq(text, text) returns boolean language sql as $$ select 1 / 0 = 1 $$;
    create operator public.= (leftarg = text, rightarg = text, function = public.eq);
    create table public.household (household_id bigint);
    create table public.migration (number integer);
    create table public.lease (name text);
    create domain public.bigint as text;`.replace('select 1 / 0, timestamptz', 'select timestamptz');

test('what an administrator set for the account, and what others put into public, changes nothing; what was committed is on disk', async () => {
    const other = new Instance(cluster, { settings: { rounds: { limit: 'none' } } });
    cluster.sql('create role set_otherwise login superuser');
    try {
        for (const [name, value] of Object.entries(SET)) cluster.sql(`alter role set_otherwise set ${name} = ${name === 'search_path' ? value : `'${value}'`}`);
        // whatever is written is written by a session that waits for the disk
        other.sql(`${HOSTILE}
            create table public.unsafe (setting text);
            create function public.look() returns trigger language plpgsql as $$ begin
                if current_setting('synchronous_commit') = 'off' then insert into public.unsafe values (tg_table_name); end if; return null; end $$;
            create trigger look after insert or update on shouwang.round for each statement execute function public.look();
            create trigger look after insert or update on shouwang.batch for each statement execute function public.look();
            create trigger look after insert or update on shouwang.audit for each statement execute function public.look();
            create trigger look after insert or update on shouwang.lease for each statement execute function public.look()`);
        other.conninfo = other.settings.database.conninfo = other.conninfo.replace(/user=\S+/, 'user=set_otherwise');
        other.configure();
        assert.equal(other.ctl('migrate').status, 0);
        const register = new Register();
        for (let i = 0; i < 150; i++) register.single(`H${i}`, ID(i), '1000.00');
        assert.equal(other.import(register).households.added, 150);
        await other.start();
        assert.equal(other.round('2021-06-30').levels.red, 150);
        const told = (county, ...args) => {
            const { status, stdout, stderr } = county.ctl(...args);
            assert.equal(status, 0, stderr);
            return stdout.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|register-[0-9-]+|\d{4}-\d\d-\d\dT[\d:.]+\+08:00|"ms":\d+/g, '…');
        };
        for (const args of [['warnings', '--json'], ['warnings', '--csv'], ['feeds', '--json'], ['explain', '--all', '--named', 'H7'], ['explain', '--round', '1', 'H7'], ['queue', '--json'], ['leads', '--json'], ['migrate']])
            assert.equal(told(other, ...args), told(instance, ...args), args.join(' '));
        assert.equal(other.sql('select count(*) from public.unsafe'), '0');
    } finally {
        await other.close();
        cluster.sql('drop role set_otherwise');
    }
});

test('more options in conninfo than can be passed on are refused, not cut', () => {
    const conf = join(instance.directory, 'long.conf');
    writeFileSync(conf, readFileSync(instance.conf, 'utf8').replace(/^conninfo = (.*)/m, `conninfo = $1 options='${'-c work_mem=64MB '.repeat(300)}'`));
    const { status, stderr } = spawnSync(program('shouwangctl'), ['-c', conf, 'warnings'], { encoding: 'utf8' });
    assert.match(stderr, /database: the options in conninfo have \d+ bytes, expected at most \d+/);
    assert.equal(status, 78);
});
