// SPDX-License-Identifier: PostgreSQL
// The service manager's end of sd_notify(3): a datagram socket that keeps every message. Node has no such sockets, perl has.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './wait.mjs';

const LISTEN = `use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die; bind($s, pack_sockaddr_un($ARGV[0])) or die;
while (defined recv($s, my $m, 65536, 0)) { print "$m\\n" }`;

export class ServiceManager {
    messages = '';

    static async start() {
        const manager = new ServiceManager();
        manager.directory = mkdtempSync(join(tmpdir(), 'swn.'));
        manager.path = join(manager.directory, 'notify');
        manager.process = spawn('perl', ['-e', LISTEN, manager.path], { stdio: ['ignore', 'pipe', 'inherit'] });
        manager.process.stdout.setEncoding('utf8').on('data', (chunk) => (manager.messages += chunk));
        await until(() => existsSync(manager.path), 'the notify socket');
        return manager;
    }

    /** How often a line (such as READY=1) came. */
    count(line) {
        return this.messages.split('\n').filter((one) => one === line).length;
    }

    async waitFor(line, times = 1) {
        await until(() => this.count(line) >= times, () => `${line} × ${times} in:\n${this.messages}`);
    }

    stop() {
        this.process.kill();
        rmSync(this.directory, { recursive: true, force: true });
    }
}
