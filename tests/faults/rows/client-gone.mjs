// The client goes away at each byte of its request, and after it; nginx is reloaded under load.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../client.mjs';
import { Cluster } from '../cluster.mjs';
import { check, failedOf } from '../checker.mjs';

export const name = 'client goes away at each byte; nginx reload';
export const scales = { full: { step: 1, reloads: 20 }, part: { step: 9, reloads: 3 } };

// Sends the first bytes of a request and is gone.
function sendPart(port, text, length) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(text.slice(0, length), () => {
        socket.destroy();
      });
    });
    socket.on('close', resolve);
    socket.on('error', resolve);
  });
}

function requestOf(app) {
  const body = JSON.stringify({
    mode: 'trigger',
    appId: app,
    workflowId: 'faults',
    actionId: 'object',
    inputs: { object: { name: app } },
  });
  const head = ['POST /api/deploy HTTP/1.1', 'Host: localhost', 'Content-Type: application/json'];
  return `${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

export async function run({ step, reloads }) {
  const cluster = await Cluster.start({ leaseSeconds: 30 });
  const client = new Client(cluster);
  await cluster.startWorker({ executors: 6 });
  let points = 0;
  const whole = requestOf('gone-0000').length;
  for (let length = 0; length <= whole; length += step) {
    const app = `gone-${String(length).padStart(4, '0')}`;
    await sendPart(cluster.port, requestOf(app), length);
    points += 1;
    // The same client comes back: whether it was heard or not, there is one run and one object.
    if (length % 10 === 0 || length === whole) await client.object(app);
  }
  const before = client.answers.length;
  let going = true;
  const load = (async () => {
    for (let i = 0; going; i += 1) await client.objects(`reload-${i}`, 24);
  })();
  for (let i = 0; i < reloads; i += 1) {
    cluster.nginx.kill('SIGHUP');
    await sleep(150);
  }
  going = false;
  await load;
  const violations = await check(cluster, client);
  const failed = failedOf(client.answers.slice(before));
  if (failed.length > 0)
    violations.push(`${failed.length} requests failed by a reload: ${JSON.stringify(failed[0])}`);
  await cluster.stop();
  return {
    violations,
    figure:
      `${points} requests cut off, ${reloads} reloads among ${client.answers.length - before} requests, ` +
      `${client.renewed} connections renewed, ${failed.length} failed`,
  };
}
