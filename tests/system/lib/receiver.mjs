// SPDX-License-Identifier: PostgreSQL
// A township's receiver: verifies by the standardwebhooks package, reads events by the cloudevents package, and keeps
// a ledger of everything that came.
import { createServer } from 'node:http';
import { HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';
import { until } from './wait.mjs';

export class Receiver {
    /** Every request: { id, headers, body, event, verified, status }. */
    ledger = [];
    /** Decides the answer; a test replaces it: (request, entry) => status or { status, headers, body }. */
    answer = () => 204;

    static async start(secret, port = 0) {
        const receiver = new Receiver();
        receiver.webhook = new Webhook(secret);
        receiver.server = createServer((request, response) => receiver.#take(request, response));
        await new Promise((resolve) => receiver.server.listen(port, '127.0.0.1', resolve));
        receiver.port = receiver.server.address().port;
        receiver.url = `http://127.0.0.1:${receiver.port}/hook`;
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

    async waitFor(count, what = 'events', deadline_ms = 15000) {
        await until(() => this.events.length >= count, `${count} ${what} (have ${this.events.length})`, deadline_ms);
        return this.events;
    }

    #take(request, response) {
        const chunks = [];
        request.on('error', () => {});
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
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
            let answer = entry.problem ? 401 : this.answer(request, entry);
            if (typeof answer === 'number') answer = { status: answer };
            entry.status = answer.status;
            this.ledger.push(entry);
            response.writeHead(answer.status, answer.headers).end(answer.body);
        });
    }
}
