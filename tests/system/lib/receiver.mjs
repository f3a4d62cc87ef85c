// SPDX-License-Identifier: PostgreSQL
// A township's receiver: verifies by the standardwebhooks package, reads events by the cloudevents package, and keeps
// a ledger of everything that came.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { until } from './wait.mjs';

export class Receiver {
    /** Every request: { id, headers, body, event, verified, status }. */
    ledger = [];
    /** Decides the answer, at once or by a promise; a test replaces it: (request, entry) => status or { status, headers, body }. */
    answer = () => 204;

    /** tls: { key, cert } makes it https. */
    static async start(secret, { port = 0, tls = null } = {}) {
        const receiver = new Receiver();
        receiver.webhook = new Webhook(secret);
        const take = (request, response) => receiver.#take(request, response);
        receiver.server = tls ? createTlsServer(tls, take) : createServer(take);
        await new Promise((resolve) => receiver.server.listen(port, '127.0.0.1', resolve));
        receiver.port = receiver.server.address().port;
        receiver.url = `${tls ? 'https' : 'http'}://127.0.0.1:${receiver.port}/hook`;
        return receiver;
    }

    async stop() {
        this.server.closeAllConnections();
        await new Promise((resolve) => this.server.close(resolve));
    }

    /** Events taken (answered 2xx), in the order of arrival. */
    get events() {
        return this.ledger.filter((entry) => entry.status >= 200 && entry.status < 300).map((entry) => entry.event);
    }

    async waitFor(count, what = 'events') {
        await until(() => this.events.length >= count, () => `${count} ${what} (have ${this.events.length})`);
        return this.events;
    }

    #take(request, response) {
        const chunks = [];
        request.on('error', () => {});
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', async () => {
            const body = Buffer.concat(chunks).toString('utf8');
            const entry = { id: request.headers['webhook-id'], headers: request.headers, body, at: Date.now() };
            try {
                this.webhook.verify(body, request.headers);
                entry.verified = true;
                entry.event = HTTP.toEvent({ headers: request.headers, body }, true);
                entry.event.validate();
            } catch (problem) {
                entry.problem = problem;
                entry.verified ??= false;
            }
            const decided = entry.problem ? 401 : this.answer(request, entry);
            this.ledger.push(entry);
            let answer = decided instanceof Promise ? await decided : decided;
            if (typeof answer === 'number') answer = { status: answer };
            entry.status = answer.status;
            response.writeHead(answer.status, answer.headers).end(answer.body);
        });
    }
}
