// SPDX-License-Identifier: PostgreSQL
// What the peers of the delivery benchmark share.

/** "host=/run/x user=postgres dbname=d" as node-postgres takes it. */
export function libpqToUri(conninfo) {
    const { host, user, dbname } = Object.fromEntries(conninfo.split(' ').map((pair) => pair.split('=')));
    return `postgres://${user}@/${dbname}?host=${encodeURIComponent(host)}`;
}

/** A webhook's headers; the peers do not sign. */
export const headers = (id) => ({
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
    'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
});
