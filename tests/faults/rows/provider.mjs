// A provider that never answers, drips, cuts, floods, redirects in a ring or shows a bad certificate: each ends in its
// class and in time, and does not hold up the others.
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check, percentile, timed } from '../checker.mjs';

export const name = 'provider never answers, drips, cuts, floods, redirects in a ring, bad TLS';
export const scales = { full: { short: 200 }, part: { short: 30 } };
const LIMIT_SECONDS = 5; // of an attempt of the step `once`
const FLOOD = Buffer.alloc(1 << 20, ' ');

const kinds = {
  silent: { expected: 'timeout', answer: () => {} },
  drip: {
    expected: 'timeout',
    answer: (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 200);
      response.on('close', () => clearInterval(timer));
    },
  },
  cut: {
    expected: 'network',
    answer: (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{');
      setTimeout(() => response.destroy(), 50);
    },
  },
  flood: {
    expected: 'provider_unavailable',
    answer: async (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      for (let i = 0; i < 100 && !response.destroyed; i += 1) {
        if (!response.write(FLOOD))
          await Promise.race([
            new Promise((resolve) => {
              response.once('drain', resolve);
            }),
            new Promise((resolve) => {
              response.once('close', resolve);
            }),
          ]);
      }
      response.end();
    },
  },
  ring: {
    expected: 'internal',
    answer: (response, call) => {
      response.writeHead(302, { location: `/w${call.worker.slice(1)}${call.path}` });
      response.end();
    },
  },
};

const TRIES = 4;

// An attempt that the machine held up for as long as it may take says nothing of how it would have ended.
async function endsInItsClass(cluster, client, kind, expected) {
  let [run, took, app] = [undefined, 0, kind];
  for (let tries = 1; run === undefined || (run.error?.class === 'timeout' && expected !== 'timeout'); tries += 1) {
    if (tries > TRIES) break;
    app = `${kind}-${tries}`;
    const began = Date.now();
    run = await client.run(app, 'once', { once: { name: app } });
    took = Date.now() - began;
  }
  if (run.status !== 'error' || run.error.class !== expected)
    client.violation(
      'provider',
      `${app} ended as ${run.status} ${run.error?.class} instead of ${expected}: ${run.error?.message}`,
    );
  if (timed() && took > (LIMIT_SECONDS + 5) * 1000) client.violation('provider', `${app} took ${took} ms`);
}

async function badCertificate(cluster, client) {
  const folder = cluster.folder;
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=127.0.0.1',
      '-days',
      '1',
      '-keyout',
      path.join(folder, 'key.pem'),
      '-out',
      path.join(folder, 'certificate.pem'),
    ],
    { stdio: 'ignore' },
  );
  const server = createServer(
    { key: await readFile(path.join(folder, 'key.pem')), cert: await readFile(path.join(folder, 'certificate.pem')) },
    () => {
      client.violation('provider', 'a request was sent to a server with a bad certificate');
    },
  );
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  for (const worker of [...cluster.workers]) await cluster.stopWorker(worker);
  await cluster.startWorker({
    executors: 1,
    flags: ['--github-url', `https://127.0.0.1:${server.address().port}`, '--outage-seconds', '0'],
  });
  await endsInItsClass(cluster, client, 'tls', 'network');
  server.close();
}

// How long short actions take at the worst (p95) while others hang.
async function pace(hung, short) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  cluster.provider.delayMs = 50;
  await cluster.startWorker({ executors: 20 });
  cluster.provider.intercept = (call) => call.name?.startsWith('hung') ?? false;
  for (let i = 0; i < hung; i += 1) await client.trigger(`hung-${i}`, 'object', { object: { name: `hung-${i}` } });
  while (cluster.provider.calls.length < hung) await sleep(20);
  const runs = await client.objects(`short-${hung}`, short, { concurrency: 4 });
  const times = [];
  for (const run of runs) {
    const hash = await cluster.hash(run.app, 'faults', 'object');
    times.push(Number(hash.finished_at) - Number(hash.queued_at));
  }
  for (let i = 0; i < hung; i += 1)
    await client.post({ mode: 'cancel', appId: `hung-${i}`, workflowId: 'faults', actionId: 'object' });
  for (let i = 0; i < hung; i += 1) await client.follow(client.runs.get(`hung-${i}/object`));
  const violations = await check(cluster, client, { errorsAllowed: true });
  await cluster.stop();
  return {
    p95: percentile(
      times.sort((one, other) => one - other),
      0.95,
    ),
    violations,
  };
}

export async function run({ short }) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  await cluster.startWorker({ executors: 8, flags: ['--outage-seconds', '0'] });
  cluster.provider.intercept = (call, response) => {
    const kind = kinds[call.name?.split('-')[0]];
    if (kind === undefined) return false;
    kind.answer(response, call);
    return true;
  };
  await Promise.all(
    Object.entries(kinds).map(([kind, { expected }]) => endsInItsClass(cluster, client, kind, expected)),
  );
  await badCertificate(cluster, client);
  const violations = await check(cluster, client, { errorsAllowed: true });
  await cluster.stop();
  const [alone, beside] = [await pace(0, short), await pace(16, short)];
  violations.push(...alone.violations, ...beside.violations);
  if (short >= 100 && beside.p95 >= alone.p95 * 2)
    violations.push(`short actions took ${beside.p95} ms beside 16 hung ones, ${alone.p95} alone`);
  return {
    violations,
    figure:
      `${Object.keys(kinds).length + 1} kinds; p95 of short actions ${alone.p95} ms alone, ` +
      `${beside.p95} beside 16 that hang`,
  };
}
