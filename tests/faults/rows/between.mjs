// A run is told to end between what it has written down and the call that it was for, with a cancel and with the end of
// its worker: the call is not sent, what was written down is taken back, and whoever comes next does not wait for it.
import { readFile } from 'node:fs/promises';
import { until } from '../../integration/stack.mjs';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';

export const name = 'cancel and SIGTERM between the ledger and its call';
export const scales = { full: { rounds: 20 }, part: { rounds: 1 } };
const GRACE_SECONDS = 10;
const TRIES = 5;

let number = 0;

async function isStopped(pid) {
  return /^\d+ \(.*\) T /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
}

// The executor, and its supervisor with it, stand still right before the next call that changes something.
async function stopsAtCall(cluster, worker, begin) {
  const [executor] = await worker.executors();
  await cluster.arm('provider.before.POST', 'stop');
  await begin();
  await until(() => isStopped(executor.pid), 'a call is about to be sent');
  return executor.pid;
}

// Its supervisor goes on, and forbids calls; then the executor does.
async function goOn(worker, executor, tell, told) {
  const said = worker.output.length;
  await tell();
  worker.kill('SIGCONT');
  await until(() => told.test(worker.output.slice(said)), `${worker.name} says ${told}`);
  process.kill(executor, 'SIGCONT');
}

const posts = (cluster, app) => cluster.provider.calls.filter((call) => call.method === 'POST' && call.name === app);

// Whether a later run, or attempt, waited for what was never asked for.
async function waited(cluster, app) {
  return (await cluster.events(app)).filter(({ detail }) => /become visible|may have been lost/.test(detail));
}

const rowsOf = (cluster, app) => cluster.redis('HLEN', `slipway:{0}:app:default:${app}:ledger`);

// False: the executor was killed before it went on, on a machine that stood still.
async function cancelBetween(cluster, client, violations) {
  const app = `cancelled-${(number += 1)}`;
  const worker = await cluster.startWorker({ executors: 1 });
  const inputs = { repo: { owner: 'acme', name: app, fork: 'upstream/template' } };
  const trigger = () => client.trigger(app, 'repo', inputs, { workflow: 'site' });
  let run;
  const executor = await stopsAtCall(cluster, worker, async () => {
    run = await trigger();
  });
  if ((await rowsOf(cluster, app)) !== 1) violations.push(`${app}: the ledger does not say what is about to be made`);
  const cancel = () => client.post({ mode: 'cancel', appId: app, workflowId: 'site', actionId: 'repo' });
  await goOn(worker, executor, cancel, /event="run is cancelled"/);
  await client.follow(run);
  const isLate = /event="executor killed"/.test(worker.output);
  if (!isLate) {
    if (run.error?.class !== 'cancelled') violations.push(`${app} ended as ${JSON.stringify(run.error)}`);
    if (posts(cluster, app).length > 0) violations.push(`${app}: the call was sent after the cancel`);
    if ((await rowsOf(cluster, app)) > 0) violations.push(`${app}: the row was not taken back`);
    const again = await trigger();
    await client.follow(again);
    if (posts(cluster, app).length !== 1) violations.push(`${app}: ${posts(cluster, app).length} calls in the end`);
    for (const { detail } of await waited(cluster, app)) violations.push(`${app} waited for ${detail}`);
  }
  client.runs.delete(`${app}/repo`);
  await cluster.stopWorker(worker);
  return !isLate;
}

// What GitHub Actions says of a run that is dispatched, and has succeeded.
function actions(call) {
  if (call.path.endsWith('/dispatches')) return { workflow_run_id: 7 };
  if (call.path.includes('/actions/runs/7')) return { id: 7, status: 'completed', conclusion: 'success' };
  return call.path.includes('/actions/') ? { total_count: 0, workflow_runs: [] } : undefined;
}

async function prepareRepository(cluster, client, app) {
  const { provider } = cluster;
  const made = provider.repository('acme', app, 'upstream/template');
  provider.repositories.set(made.full_name, made);
  provider.intercept = (call, response) => {
    const answer = actions(call);
    if (answer) provider.send(response, 200, answer);
    return answer !== undefined;
  };
  const output = { id: made.id, fullName: made.full_name, owner: 'acme', name: app, defaultBranch: 'main' };
  const name = { appId: app, workflowId: 'fork-and-deploy', actionId: 'repo' };
  const { status, answer } = await client.post({ mode: 'skip', ...name, output });
  if (status !== 200) throw new Error(`skip was answered ${status} ${JSON.stringify(answer)}`);
}

// The same with what the checkpoint says to have asked for, and the end of the worker, in whose last moments no call is
// begun.
async function endBetween(cluster, client, violations) {
  const app = `ended-${(number += 1)}`;
  await prepareRepository(cluster, client, app);
  const worker = await cluster.startWorker({ executors: 1 });
  let run;
  const executor = await stopsAtCall(cluster, worker, async () => {
    run = await client.trigger(app, 'codemods', { codemods: { workflow: 'ci.yml' } }, { workflow: 'fork-and-deploy' });
  });
  await goOn(worker, executor, () => worker.kill('SIGTERM'), /event="no further calls to providers"/);
  await worker.ended;
  const isLate = /event="executor ended".*signal/.test(worker.output);
  cluster.forget(worker);
  if (!isLate && posts(cluster, app).length > 0) violations.push(`${app}: the call was sent in the last moments`);
  const next = await cluster.startWorker({ executors: 1 });
  if (isLate) {
    await client.post({ mode: 'cancel', appId: app, workflowId: 'fork-and-deploy', actionId: 'codemods' });
    client.runs.delete(`${app}/codemods`);
  } else {
    await client.follow(run);
    if (posts(cluster, app).length !== 1) violations.push(`${app}: ${posts(cluster, app).length} calls in the end`);
    for (const { detail } of await waited(cluster, app)) violations.push(`${app} waited for ${detail}`);
  }
  await cluster.stopWorker(next);
  cluster.provider.intercept = () => false;
  return !isLate;
}

async function tryUntilInTime(attempt) {
  for (let i = 0; i < TRIES; i += 1) if (await attempt()) return;
  throw new Error('each executor was killed before it went on');
}

export async function run({ rounds }) {
  const cluster = await Cluster.start({ leaseSeconds: 30, graceSeconds: GRACE_SECONDS });
  const client = new Client(cluster);
  const violations = [];
  for (let i = 0; i < rounds; i += 1) {
    await tryUntilInTime(() => cancelBetween(cluster, client, violations));
    await tryUntilInTime(() => endBetween(cluster, client, violations));
  }
  await cluster.startWorker();
  violations.push(...(await check(cluster, client)));
  await cluster.stop();
  return { violations, figure: `${rounds} of each, nothing made and nobody waited` };
}
