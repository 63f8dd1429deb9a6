// The fault suite: does the damage, row by row, and looks whether the engine kept its promises.
//
//   run.mjs [--scale part|full] [--seed N] [--with JSON] [ROW...]
//
// --with changes the scale's figures. A row is a file in rows/: { name, scales: { full, part },
// run(scale, random) -> { violations, figure } }. Prints a line each, and what was violated; exit status 1 where
// anything was. BUILD is a folder made with FAULTS=1.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster } from './cluster.mjs';
import { randomOf } from './random.mjs';

const { values, positionals } = parseArgs({
  options: {
    scale: { type: 'string', default: 'full' },
    seed: { type: 'string' },
    with: { type: 'string', default: '{}' },
  },
  allowPositionals: true,
});
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const folder = path.join(path.dirname(new URL(import.meta.url).pathname), 'rows');

process.env.FAULTS_TIMED ??= values.scale === 'full' ? '1' : '0';
let bad = 0;
let rows = 0;
console.log(`fault suite, ${values.scale} scale, seed ${seed}`);
for (const file of (await readdir(folder)).sort()) {
  const id = path.basename(file, '.mjs');
  if (positionals.length > 0 && !positionals.includes(id)) continue;
  const row = await import(path.join(folder, file));
  const scale = { ...row.scales[values.scale], ...JSON.parse(values.with) };
  rows += 1;
  const began = Date.now();
  const result = await row
    .run(scale, randomOf(seed))
    .catch((error) => ({ violations: [`the row failed: ${error.stack}`], figure: '' }))
    .finally(Cluster.stopAll);
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  console.log(
    `${result.violations.length === 0 ? 'ok    ' : 'FAILED'} ${id}: ${row.name}: ${result.figure} (${seconds} s)`,
  );
  for (const violation of result.violations.slice(0, 20)) console.log(`         ${violation}`);
  if (result.violations.length > 20) console.log(`         and ${result.violations.length - 20} more`);
  bad += result.violations.length > 0 ? 1 : 0;
}
console.log(`\n${rows} rows, ${bad} failed`);
process.exit(bad === 0 && rows > 0 ? 0 : 1);
