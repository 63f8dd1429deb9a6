// The rows of MACs: what those of a run cost, which can be switched off nowhere: so they are computed by themselves.
import { cases as ofQueue } from './rows_queue.mjs';
import { runToEnd } from './servers.mjs';

const COUNT = 100000;

// The CPU time of the worker is that of a run that does nothing: of any other they are a smaller share.
async function measure(settings) {
  const macs = await runToEnd('macs', COUNT);
  const { cpu_us } = await ofQueue.drain(settings);
  const ofRun = cpu_us['slipway-worker'];
  return { ...macs, of_run: ofRun, share: (100 * macs.value) / ofRun };
}

export const cases = { macs: measure };

const ROW = 'MACs of a run with a ledger row, a checkpoint and an output';
export const rows = [
  { name: `${ROW}: signed and checked`, ours: 'macs', unit: 'us of CPU' },
  { name: `${ROW}: of a worker's CPU time for a no-op run`, ours: 'macs', field: 'share', unit: '%' },
];
