// Prints the last run of `make bench` as a table, from the lines that it wrote: `make bench-table`. Ratios are those
// of measurements of the same round; a figure is the median of all rounds, with the lowest and the highest.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from './queue.mjs';
import { rows } from './rows.mjs';

// Of the time that the same work takes, on a machine that does nothing else.
const MOST_SPREAD = 1.4;
export const rowsFile = path.resolve(process.env.ROWS || path.join(process.env.BUILD ?? 'build', 'bench/rows.jsonl'));

export function chooseRows() {
  const only = new RegExp(process.env.ONLY ?? '');
  return rows.filter(({ name, against }) => only.test(against === undefined ? name : `${name} against ${against}`));
}

function readLastRun() {
  const lines = readFileSync(rowsFile, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  const begin = lines.findLastIndex(({ run }) => run);
  return { head: lines[begin], lines: lines.slice(begin + 1) };
}

function show(value) {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

function showRange(values) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? show(median(values)) : `${show(median(values))} (${show(least)}-${show(most)})`;
}

// Microseconds of each server, such as "nginx 34 + slipway-api 40 + redis 90 = 164".
function showCpu(lines) {
  const parts = lines.map(({ cpu_us }) => cpu_us).filter(Boolean);
  if (parts.length === 0) return '';
  const medians = Object.keys(parts[0]).map((name) => [name, median(parts.map((part) => part[name]))]);
  const sum = medians.reduce((all, [, value]) => all + value, 0);
  const words = medians.map(([name, value]) => `${name} ${show(value)}`).join(' + ');
  return medians.length > 1 ? `${words} = ${show(sum)}` : words;
}

// What a reader must know before he believes a figure.
function showWarnings(name, lines) {
  const most = (field) => Math.max(0, ...lines.map((line) => line[field] ?? 0));
  const words = ['starved', 'bad', 'cut'].filter((field) => most(field) > 0).map((field) => `${field} ${most(field)}`);
  return words.length === 0 ? [] : [`${name}: ${words.join(', ')}`];
}

function makeRow(row, lines) {
  const field = row.field ?? 'value';
  const of = (name) => lines.filter((line) => line.case === name && typeof line[field] === 'number');
  const [ours, peers] = [of(row.ours), of(row.peer)];
  if (ours.length === 0) return [];
  const ratios = ours.map((line) => [line, peers.find(({ round }) => round === line.round)])
    .filter(([, peer]) => peer !== undefined && peer[field] > 0).map(([line, peer]) => line[field] / peer[field]);
  return [[
    row.name,
    row.against ?? '',
    `${showRange(ours.map((line) => line[field]))} ${row.unit ?? ''}`.trim(),
    peers.length === 0 ? '' : `${showRange(peers.map((line) => line[field]))} ${row.unit}`,
    ratios.length === 0 ? '' : showRange(ratios),
    row.goal ?? '',
    showCpu(ours),
    showCpu(peers),
    [...showWarnings('ours', ours), ...showWarnings('peer', peers)].join('; '),
  ]];
}

function printNoise({ head, lines }) {
  const { machine, settings } = head;
  const calibrations = lines.map(({ calibration_ms }) => calibration_ms);
  const steals = lines.map(({ steal }) => 100 * steal);
  console.log(`${head.at}, commit ${machine.commit}: ${machine.processors} processors (${machine.model}), ` +
    `${machine.memory_gib} GiB, Linux ${machine.kernel}, Redis ${machine.redis}, node ${machine.node}`);
  console.log(`${settings.rounds} rounds, ${settings.seconds} s of load, ${settings.jobs} jobs, ` +
    `${settings.queued} queued runs for the reaper`);
  console.log(`Noise: load of the machine before: ${show(machine.load)}; the same work took ` +
    `${showRange(calibrations)} ms; steal ${showRange(steals)} %`);
  if (Math.max(...calibrations) > MOST_SPREAD * Math.min(...calibrations)) {
    console.log('The machine was busy with something else: believe no figure, and measure again when it is quiet.');
  }
}

// Rows of what was measured in which there is no figure: they would be missing in the table, and nobody would see it.
function rowsWithoutFigure({ lines }) {
  const hasRun = ({ ours }) => lines.some((line) => line.case === ours && !line.failed);
  return chooseRows().filter((row) => hasRun(row) && makeRow(row, lines).length === 0);
}

export function printTable() {
  const run = readLastRun();
  const head = ['what', 'against', 'Slipway', 'peer', 'ratio', 'goal', 'CPU us each', 'CPU us each, peer', 'not clean'];
  console.log([head, head.map(() => '---'), ...chooseRows().flatMap((row) => makeRow(row, run.lines))]
    .map((cells) => `| ${cells.join(' | ')} |`).join('\n'));
  console.log();
  printNoise(run);
  for (const { case: name, round, failed } of run.lines.filter((line) => line.failed)) {
    console.log(`Not measured: ${name}, round ${round}: ${failed.split('\n')[0]}`);
  }
  for (const { name } of rowsWithoutFigure(run)) console.log(`Not measured: ${name}: it gave no figure`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) printTable();
