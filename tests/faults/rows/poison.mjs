// Actions that crash, eat memory or never return, among many that do their work: each costs itself and nothing else.
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';

export const name = 'poison';
export const scales = { full: { actions: 1000, poison: 20 }, part: { actions: 40, poison: 4 } };
const PACE = 0.8;

const kinds = [
  ['segfault', 'worker_lost'],
  ['memory', 'worker_lost'],
  ['loop', 'timeout'],
  ['leave', 'worker_lost'],
];

async function load(actions, poison) {
  const cluster = await Cluster.start();
  const client = new Client(cluster);
  cluster.provider.delayMs = 300; // as a provider's answer takes its time
  for (let i = 0; i < 2; i += 1) await cluster.startWorker({ executors: 8 });
  const began = Date.now();
  const objects = client.objects('good', actions, { concurrency: 32 }).then(() => Date.now() - began);
  const bad = Array.from({ length: poison }, async (_, i) => {
    const [how, expected] = kinds[i % kinds.length];
    const run = await client.run(`bad-${i}`, 'misbehave', { misbehave: { how } });
    if (run.error?.class !== expected)
      client.violation('poison', `${how} ended as ${run.status} ${run.error?.class}`);
    return run;
  });
  // Descriptors that are left open harm no later action of the executor.
  if (poison > 0) {
    const left = await client.run('leaky', 'misbehave', { misbehave: { how: 'descriptors' } });
    if (left.status !== 'done')
      client.violation('poison', `descriptors ended as ${left.status} ${left.error?.class}`);
  }
  const took = await objects;
  await Promise.all(bad);
  for (const run of client.runs.values()) {
    if (run.action === 'object' && run.status !== 'done')
      client.violation('poison', `${run.app} ended as ${run.status}`);
  }
  const violations = await check(cluster, client, { errorsAllowed: true });
  await cluster.stop();
  return { took, violations, errors: [...client.runs.values()].filter((run) => run.status === 'error').length };
}

export async function run({ actions, poison }) {
  // The pace is measured where there is enough of it.
  const measured = actions >= 1000;
  const alone = measured ? await load(actions, 0) : { took: 0, violations: [] };
  const among = await load(actions, poison);
  const violations = [...alone.violations, ...among.violations];
  const pace = alone.took / among.took;
  if (among.errors !== poison) violations.push(`${among.errors} errors instead of ${poison}`);
  if (measured && pace < PACE) violations.push(`the others went at ${pace.toFixed(2)} of their pace`);
  return {
    violations,
    figure:
      `${poison} among ${actions}, ${among.errors} errors, ` +
      (measured ? `the rest at ${Math.round(pace * 100)} % of its pace` : `the rest in ${among.took} ms`),
  };
}
