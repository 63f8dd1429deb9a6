// The clock of one process after another jumps by an hour and by a day: nothing comes early, nothing is stuck.
import { writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';

export const name = 'clock jumps by an hour and a day';
export const scales = { full: { jumps: 20 }, part: { jumps: 2 } };
const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';
const JUMPS = ['+1h', '-1h', '+1d', '-1d'];
const WAIT_SECONDS = 2;

// The wall clock alone: the monotonic one cannot jump, and the times of files do not. Where they did, the worker would
// take its credentials for others, and replace the executors for which it takes runs.
function faked(file) {
  return {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_RESET: '1',
    NO_FAKE_STAT: '1',
  };
}

export async function run({ jumps }) {
  if (!existsSync(LIBRARY))
    return { violations: [`${LIBRARY} is not there: install the package faketime`], figure: '' };
  const clocks = { worker: '/dev/null', api: '/dev/null' };
  const files = {};
  const cluster = await Cluster.start({
    leaseSeconds: 30, // a machine that stands still for seconds renews in time; what jumps, jumps by an hour
    before: async (folder) => {
      for (const who of Object.keys(clocks)) {
        files[who] = path.join(folder, `clock-${who}`);
        await writeFile(files[who], '+0\n');
      }
      return { apiEnvironment: faked(files.api) };
    },
  });
  const client = new Client(cluster);
  await cluster.startWorker({ executors: 4, environment: faked(files.worker) });
  await cluster.startWorker({ executors: 4 });
  // Each object waits for a while: its first call meets a limit.
  const told = new Map();
  cluster.provider.intercept = (call, response) => {
    if (told.has(call.name)) return false;
    told.set(call.name, Date.now());
    cluster.provider.send(response, 429, { message: 'rate limit' }, { 'retry-after': String(WAIT_SECONDS) });
    return true;
  };
  const violations = [];
  for (let i = 0; i < jumps; i += 1) {
    const who = i % 2 === 0 ? 'worker' : 'api';
    const load = client.objects(`clock-${i}`, 4, { concurrency: 4, boundMs: 90000 });
    await writeFile(files[who], `${JUMPS[i % JUMPS.length]}\n`);
    await load;
    await writeFile(files[who], '+0\n');
  }
  for (const [object, at] of told) {
    const next = cluster.provider.calls.filter((call) => call.name === object && call.at > at).at(0);
    if (next && next.at - at < WAIT_SECONDS * 1000 - 50)
      violations.push(`${object} was called ${next.at - at} ms after it was told to wait ${WAIT_SECONDS} s`);
  }
  const crashed = [...client.runs.values()].filter((one) => one.crashes > 0).length;
  if (crashed > 0) violations.push(`${crashed} runs lost their worker by a jump`);
  // A worker that took its lease for lost would stop, and hand its run back: nobody stops one here.
  for (const app of await cluster.apps()) {
    const back = (await cluster.events(app)).filter((event) => event.detail === 'handed back').length;
    if (back > 0) violations.push(`${app}: ${back} runs were handed back by a jump`);
  }
  violations.push(...(await check(cluster, client)));
  await cluster.stop();
  return { violations, figure: `${jumps} jumps, ${client.runs.size} actions` };
}
