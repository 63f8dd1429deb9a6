// `make bench`: measures Slipway beside its peers, in rounds, in each of which every case has its turn, so that all of
// them see the same quiet and busy minutes of the machine. Writes a line of JSON for each measurement to
// build/bench/rows.jsonl, and prints the table. It judges nothing: a goal that is missed is no failure.
//
//   ROUNDS=3    rounds                      SECONDS=2     of load in each HTTP measurement
//   ONLY=regex  rows by their names         JOBS=10000    to drain
//   QUEUED=50000 runs for the reaper        ROWS=file     for the lines
import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { Steal, calibrate, describeMachine } from './machine.mjs';
import { cases } from './rows.mjs';
import { Servers } from './servers.mjs';
import { chooseRows, printTable, rowsFile } from './table.mjs';

const number = (name, value) => Number(process.env[name] || value);
const settings = {
  rounds: number('ROUNDS', 3),
  seconds: number('SECONDS', 2),
  jobs: number('JOBS', 10000),
  samples: number('SAMPLES', 300),
  queued: number('QUEUED', 50000),
};

function write(line) {
  appendFileSync(rowsFile, `${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`);
}

async function measure(name, round) {
  const calibration_ms = calibrate();
  const start = performance.now();
  const steal = new Steal();
  const result = await cases[name](settings).catch((error) => ({ failed: String(error.stack ?? error) }));
  const shown = result.failed ?? Object.entries(result).filter(([, value]) => typeof value === 'number')
    .map(([key, value]) => `${key}=${Number(value.toPrecision(4))}`).join(' ');
  console.error(`${round}/${settings.rounds} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s): ${shown}`);
  write({ round, case: name, calibration_ms, steal: steal.share(), ...result });
}

async function main() {
  const names = new Set(chooseRows().flatMap(({ ours, peer }) => (peer === undefined ? [ours] : [ours, peer])));
  if (names.size === 0) throw new Error(`no row has a name like ONLY=${process.env.ONLY}; see tests/bench/rows_*.mjs`);
  mkdirSync(path.dirname(rowsFile), { recursive: true });
  write({ run: true, settings, machine: describeMachine() });
  for (let round = 1; round <= settings.rounds; round += 1) {
    // Every other round the other way round: who comes later is neither better nor worse off.
    const order = round % 2 === 1 ? [...names] : [...names].reverse();
    for (const name of order) await measure(name, round);
  }
  printTable();
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => Servers.stopAll().finally(() => process.exit(130)));
}
await main().catch(async (error) => {
  console.error(error.message);
  await Servers.stopAll();
  process.exitCode = 1;
});
