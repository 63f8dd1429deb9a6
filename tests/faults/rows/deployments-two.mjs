// Several clients at once want different things of the same deployments, in any order: start, with the same and with
// other inputs, replace, retry, cancel, a result by hand. Whatever they do, one start at the end gets all done.
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../integration/stack.mjs';
import { Cluster } from '../cluster.mjs';
import { check, isSlow } from '../checker.mjs';
import { Deployer, STEPS, answerLate, checkDeployments, inputsOf } from '../deployments.mjs';

export const name = 'clients start, replace, retry, cancel and skip the same deployments at once';
export const scales = { full: { apps: 150, wishes: 20 }, part: { apps: 16, wishes: 10 } };

const ANSWERS = [200, 202, 404, 409];

function wishOf(app, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const step = pick(STEPS);
  const words = random() < 0.5 ? {} : { [step]: pick(['other', 'refused']) };
  const inputs = inputsOf(app, words);
  return pick([
    ['start', { inputs }],
    ['start', { inputs }],
    ['start', { inputs, replace: true }],
    ['start', { inputs, replace: true, startId: `s-${Math.floor(random() * 3)}` }],
    ['retry', { inputs: inputsOf(app) }],
    ['retry', random() < 0.5 ? {} : { inputs: { [step]: { name: `other-${app}-${step}` } } }],
    ['cancel', {}],
    ['cancel', { actionId: step }],
    ['skip', { actionId: step, output: { id: 'by hand' } }],
    ['trigger', { actionId: step, inputs, hold: true }],
  ]);
}

export async function run({ apps, wishes }, random) {
  const cluster = await Cluster.start();
  const deployer = new Deployer(cluster);
  answerLate(cluster.provider, 60, random);
  for (let i = 0; i < 2; i += 1) await cluster.startWorker({ executors: 6 });
  const counts = {};
  const violations = [];
  const client = async (app) => {
    for (let i = 0; i < wishes; i += 1) {
      const [mode, rest] = wishOf(app, random);
      const { status, answer, took } = await deployer.send(mode, app, rest);
      counts[status] = (counts[status] ?? 0) + 1;
      const isKnown = ANSWERS.includes(status) || isSlow({ status, took, detail: answer.detail });
      if (!isKnown) violations.push(`D1: ${mode} of ${app}: ${status} ${JSON.stringify(answer)}`);
      await sleep(random() * 40);
    }
  };
  const both = async (i) => {
    const app = `two-${i}`;
    await Promise.all([client(app), client(app)]);
    const { status } = await deployer.start(app, {}, { replace: true, force: true });
    if (status === 200) {
      // It was one that is live, with these inputs, of which a step may have been cancelled already.
      await until(async () => (await deployer.deployment(app)).status !== 'running', `${app} has ended`);
      await deployer.start(app, {}, { replace: true, force: true });
    }
    await deployer.ended(app);
  };
  await Promise.all(Array.from({ length: apps }, (_, i) => both(i)));
  violations.push(...(await checkDeployments(cluster, deployer)));
  violations.push(...(await check(cluster, deployer)));
  await cluster.stop();
  const sent = apps * wishes * 2;
  return { violations, figure: `${sent} wishes of two clients of ${apps} apps each: ${JSON.stringify(counts)}` };
}
