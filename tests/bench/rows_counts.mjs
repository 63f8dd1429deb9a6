// The rows of counts: the commands that Redis gets for a request or a run. They are exact on any machine.
import { enqueue, recordAndStop, untilDrained } from './queue.mjs';
import { APP, POLL_STEP, POLL_WORKFLOW, appName, monitor, send, trigger } from './record.mjs';
import { makePolledApp } from './rows_http.mjs';
import { Servers } from './servers.mjs';

const RUNS = 200;

// The second time: slipway-api knows the script by then.
async function countCommands(servers, first, second) {
  await send(servers, first);
  const { sent, inScripts } = await monitor(servers, () => send(servers, second));
  return { sent: sent.length, in_scripts: inScripts.length };
}

function ofRequest(prepare, first, second) {
  return () => Servers.with('everysec', async (servers) => {
    await servers.startSlipway();
    await prepare(servers);
    return countCommands(servers, first, second);
  });
}

// A worker that is idle sends some commands too, and so does whoever waits for the end; few beside those of all runs.
function ofRun() {
  return Servers.with('everysec', async (servers) => {
    await enqueue(servers, await recordAndStop(servers), RUNS);
    const { sent, inScripts } = await monitor(servers, async () => {
      servers.startWorker();
      await untilDrained(servers);
    });
    const own = sent.filter(([name]) => name !== 'ZCARD');
    return { sent: own.length / RUNS, in_scripts: inScripts.length / RUNS };
  });
}

export const cases = {
  'commands of a trigger': ofRequest(() => {}, trigger(APP), trigger(appName(1))),
  'commands of a poll of a step': ofRequest(makePolledApp, POLL_STEP, POLL_STEP),
  'commands of a poll of a workflow': ofRequest(makePolledApp, POLL_WORKFLOW, POLL_WORKFLOW),
  'commands of a run': ofRun,
};

export const rows = Object.keys(cases).flatMap((name) => [
  { name: `Redis ${name}: sent`, ours: name, field: 'sent' },
  { name: `Redis ${name}: within scripts`, ours: name, field: 'in_scripts' },
]);
