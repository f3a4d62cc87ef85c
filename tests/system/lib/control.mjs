// SPDX-License-Identifier: PostgreSQL
// A client of the control socket (docs/control.md) that is not shouwangctl's.
import { createConnection } from 'node:net';
import { DEADLINE_MS } from './wait.mjs';

/** Sends one request; resolves to { progress: [...], ...final } once the final line has come. */
export function ask(path, verb, args) {
    return askLine(path, JSON.stringify(args === undefined ? { verb } : { verb, args }));
}

export function askLine(path, line) {
    return new Promise((resolve, reject) => {
        const progress = [];
        let text = '';
        const socket = createConnection(path, () => socket.write(line + '\n'));
        socket.setEncoding('utf8').setTimeout(DEADLINE_MS, () => socket.destroy(new Error(`no answer to ${line}`)));
        socket.on('error', reject);
        socket.on('close', () => reject(new Error(`closed without a final line: ${text}`)));
        socket.on('data', (chunk) => {
            const lines = (text += chunk).split('\n');
            text = lines.pop();
            for (const one of lines) {
                const answer = JSON.parse(one);
                if ('progress' in answer) progress.push(answer.progress);
                else {
                    resolve({ ...answer, progress });
                    socket.destroy();
                }
            }
        });
    });
}
