// Clients start deployments and are gone: in the middle of the request, or before the answer. The server drives to
// the end what it was given whole, and nothing of the rest.
import { connect } from 'node:net';
import { until } from '../../integration/stack.mjs';
import { Cluster } from '../cluster.mjs';
import { check } from '../checker.mjs';
import { Deployer, STEPS, answerLate, checkDeployments, clear, inputsOf } from '../deployments.mjs';

export const name = 'clients start deployments and die';
export const scales = { full: { clients: 300 }, part: { clients: 40 } };

function sendPart(port, text, length) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(text.slice(0, length), () => socket.destroy());
    });
    socket.on('close', resolve);
    socket.on('error', resolve);
  });
}

function requestOf(app, words) {
  const body = JSON.stringify({
    mode: 'start', appId: app, workflowId: 'chain', startId: `start-${app}`, inputs: inputsOf(app, words),
  });
  const head = ['POST /api/deploy HTTP/1.1', 'Host: localhost', 'Content-Type: application/json'];
  return `${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

export async function run({ clients }, random) {
  const cluster = await Cluster.start();
  const deployer = new Deployer(cluster);
  answerLate(cluster.provider, 10, random);
  await cluster.startWorker({ executors: 6 });
  const apps = [];
  for (let i = 0; i < clients; i += 1) {
    const words = random() < 0.3 ? { [STEPS[Math.floor(random() * 4)]]: 'refused' } : {};
    const app = `dies-${i}`;
    const request = requestOf(app, words);
    const whole = random() < 0.6;
    const length = whole ? request.length : Math.floor(random() * request.length);
    await sendPart(cluster.port, request, length);
    apps.push({ app, words, whole });
  }
  let started = 0;
  // For which Redis was too slow: nobody is there who would send it again.
  const refused = (app) => cluster.api.output.split('\n').some((line) =>
    line.includes(` app=${app} `) && /status=503 class=(store_unavailable|outcome_unknown) /.test(line));
  let lost = 0;
  for (const { app, words, whole } of apps) {
    // One that was sent whole may still be on its way.
    const there = async () => (await deployer.deployment(app)).deployment;
    const over = async () => (await there()) ?? (refused(app) && 'refused');
    const id = whole ? await until(over, `${app} was started`).catch(() => undefined) : await there();
    lost += id === 'refused' ? 1 : 0;
    if (id === 'refused') continue;
    if (id === undefined) continue;
    started += 1;
    deployer.accept(app, id, words);
    await deployer.ended(app);
  }
  const violations = await checkDeployments(cluster, deployer);
  const whole = apps.filter((one) => one.whole).length;
  if (started + lost < whole) violations.push('D1: one that was sent whole was not started');
  // The client comes back and sends the same again: it gets what it has begun.
  for (const [app, one] of [...deployer.accepted].slice(0, 20)) {
    const { status, answer } = await deployer.start(app, one.words, { startId: `start-${app}` });
    if (status !== 200 || answer.deploymentId !== one.id) violations.push(`D1: ${app}: sent again, it was ${status}`);
  }
  await clear(deployer);
  violations.push(...(await check(cluster, deployer)));
  await cluster.stop();
  return { violations, figure: `${clients} clients, ${started} deployments ended without any` };
}
