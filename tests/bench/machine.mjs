// What the machine says of processes and of itself: CPU time, memory, what the hypervisor took, and how long the same
// piece of work takes now.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import os from 'node:os';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

function readProc(name) {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    return ''; // it has just ended
  }
}

// The process and all below it.
export function treeOf(pid) {
  const children = readProc(`${pid}/task/${pid}/children`).trim();
  return [pid, ...(children === '' ? [] : children.split(' ').map(Number).flatMap(treeOf))];
}

function threadsOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

// To the nanosecond where the kernel counts so.
function cpuSecondsOfOne(pid) {
  const fields = readProc(`${pid}/stat`).split(') ').at(-1).split(' ');
  if (fields.length < 15) return 0;
  const [user, system, ofEnded, systemOfEnded] = fields.slice(11, 15).map((ticks) => Number(ticks) / TICKS_PER_SECOND);
  const nanoseconds = threadsOf(pid).map((thread) => Number(readProc(`${pid}/task/${thread}/schedstat`).split(' ')[0]));
  const precise = nanoseconds.reduce((sum, one) => sum + one, 0) / 1e9;
  return (precise || user + system) + ofEnded + systemOfEnded;
}

// Of a process and all below it, also those that have ended and were waited for.
export function cpuSecondsOf(pid) {
  return treeOf(pid).reduce((sum, one) => sum + cpuSecondsOfOne(one), 0);
}

export function residentKibOf(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readProc(`${pid}/status`))?.[1] ?? 0);
}

// The share of the time between two looks that other guests of the host had.
export class Steal {
  constructor() {
    this.before = Steal.look();
  }

  static look() {
    const fields = readProc('stat').split('\n')[0].trim().split(/\s+/).slice(1, 9).map(Number);
    return { all: fields.reduce((sum, field) => sum + field, 0), stolen: fields[7] };
  }

  share() {
    const now = Steal.look();
    return (now.stolen - this.before.stolen) / Math.max(1, now.all - this.before.all);
  }
}

// The same work each time, in ms: it takes longer where others have the processors.
export function calibrate() {
  const block = Buffer.alloc(1 << 20);
  const start = performance.now();
  for (let i = 0; i < 32; i += 1) createHash('sha256').update(block).digest();
  return performance.now() - start;
}

function firstLine(program, ...words) {
  try {
    return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n')[0];
  } catch {
    return 'unknown';
  }
}

export function describeMachine() {
  return {
    processors: os.cpus().length,
    model: os.cpus()[0]?.model,
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    load: os.loadavg()[0],
    redis: /v=(\S+)/.exec(firstLine('redis-server', '--version'))?.[1],
    node: process.version,
    commit: firstLine('git', 'describe', '--always', '--dirty'),
  };
}
