// A master that turns read-only and back, and a replica that is promoted.
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from 'node:child_process';
import { freePort, until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';
import { TESTER } from '../../harness/redis.mjs';

export const name = 'READONLY, REPLICAOF and back; replica promoted';
export const scales = { full: { times: 20, promotions: 5 }, part: { times: 2, promotions: 1 } };

async function readOnlyForAWhile(cluster, random) {
  await cluster.redis('REPLICAOF', '127.0.0.1', '1');
  await sleep(200 + random() * 600);
  await cluster.redis('REPLICAOF', 'NO', 'ONE');
}

// The programs know one address: a link, which is turned to the replica as a service discovery does it.
async function promote(cluster, number) {
  const folder = path.join(cluster.folder, `replica-${number}`);
  const socket = path.join(cluster.folder, `replica-${number}.sock`);
  await mkdir(folder);
  const port = await freePort();
  const lines = [
    'port 0',
    `unixsocket ${socket}`,
    `dir ${folder}`,
    ...cluster.users.lines,
    `replicaof 127.0.0.1 ${cluster.masterPort}`,
    `masteruser ${TESTER}`,
    `masterauth ${cluster.users.password(TESTER)}`,
  ];
  await writeFile(path.join(folder, 'redis.conf'), `${lines.join('\n')}\n`);
  const replica = spawn('redis-server', [path.join(folder, 'redis.conf')], { stdio: 'ignore' });
  const connection = cluster.connect(socket);
  await until(
    () =>
      connection.command('ROLE').then(
        (role) => role[3] === 'connected',
        () => false,
      ),
    'the replica has caught up',
  );
  await cluster.killRedis();
  cluster.hits.push({ at: Date.now(), worker: '', what: 'failover' });
  await connection.command('REPLICAOF', 'NO', 'ONE');
  await connection.command('CONFIG', 'SET', 'port', String(port));
  cluster.masterPort = port;
  await symlink(socket, path.join(cluster.folder, 'next'));
  await rename(path.join(cluster.folder, 'next'), path.join(cluster.folder, 'current.sock'));
  cluster.connection.close();
  cluster.connection = connection;
  cluster.server = {
    kill: (signal) => replica.kill(signal),
    ended: new Promise((resolve) => {
      replica.once('exit', resolve);
    }),
    stop() {
      replica.kill('SIGTERM');
      return this.ended;
    },
  };
}

export async function run({ times, promotions }, random) {
  const masterPort = await freePort();
  const cluster = await Cluster.start({ redis: [`port ${masterPort}`], linked: true });
  cluster.masterPort = masterPort;
  const client = new Client(cluster);
  cluster.provider.delayMs = 30;
  await cluster.startWorker({ executors: 6 });
  const violations = [];
  let going = true;
  const load = (async () => {
    for (let i = 0; going; i += 1) await client.objects(`over-${i}`, 12, { mayGoBack: true });
  })();
  for (let i = 0; i < times; i += 1) {
    await sleep(100 + random() * 300);
    cluster.hits.push({ at: Date.now(), worker: '', what: 'read-only' });
    await readOnlyForAWhile(cluster, random);
    cluster.hits.push({ at: Date.now(), worker: '', what: 'writable' });
  }
  for (let i = 0; i < promotions; i += 1) {
    await promote(cluster, i);
    await sleep(500);
  }
  going = false;
  await load;
  if (cluster.workers.some((worker) => worker.gone)) violations.push('a worker has ended');
  violations.push(...(await check(cluster, client, { repeatsAllowed: true })));
  const lost = [...client.runs.values()].filter((one) => one.lost || one.wentBack).length;
  await cluster.stop();
  await rm(path.join(cluster.folder), { recursive: true, force: true });
  return {
    violations,
    figure:
      `${times} times read-only, ${promotions} promotions, ${client.runs.size} actions, ` +
      `${lost} lost by a replica that had them not`,
  };
}
