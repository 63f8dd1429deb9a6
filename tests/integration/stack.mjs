// A whole private Slipway for one test file: `slipway dev` in a temporary folder, on a free loopback port.
import { spawn, execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { mkdtemp, rm, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
export const build = path.resolve(process.env.BUILD ?? 'build');

export function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

// Below the range from which the kernel takes ports for outgoing connections, so that none takes it meanwhile; and of
// the part that is this file's among those that tests/run has at work.
const SLOT = Math.floor(Number(process.env.SLIPWAY_TEST_SLOT ?? Math.random() * 10)) % 10;
export async function freePort() {
  const port = 10000 + Math.floor((SLOT + Math.random()) * 2000);
  return (await isFree(port)) ? port : freePort();
}

// The command line, to its end: { code, stdout, stderr }; again, for a few times, where Redis was too slow for it.
export async function slipway(...words) {
  for (let tries = 1; ; tries += 1) {
    const done = await run(path.join(build, 'slipway'), words).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    );
    if (tries === 5 || !/^slipway: Redis cannot be reached: Resource temp/m.test(done.stderr)) return done;
  }
}

// Waits until the condition gives something true, and gives that; the bound is for a test that would hang.
export async function until(condition, what, boundMs = 120000) {
  const giveUp = Date.now() + boundMs;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > giveUp) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const asTold = (seconds) => new Promise((resolve) => { setTimeout(resolve, (Number(seconds) || 1) * 1000); });

// What the api says when Redis has not answered it within 900 ms, which a busy machine may keep it from: a client asks
// again, as told, and so does a test that is about something else. The bound is for what stays so. Where a request has
// taken effect, and it was only not known, the answer is the one that it would have had: `hasMade` tells, given the ids
// of such requests, whether one of them has made what the same again only shows.
const SLOW_REDIS = ['store_unavailable', 'outcome_unknown'];
export async function askedAgain(ask, hasMade = () => false, boundMs = 60000) {
  const giveUp = Date.now() + boundMs;
  const unknown = [];
  for (;;) {
    const answer = await ask();
    if (!SLOW_REDIS.includes(answer.body?.class) || Date.now() > giveUp) {
      const isMade = answer.status === 200 && unknown.length > 0 && (await hasMade(unknown));
      return isMade ? { ...answer, status: 202 } : answer;
    }
    if (answer.body.class === 'outcome_unknown') unknown.push(answer.headers.get('x-request-id'));
    await asTold(answer.headers.get('retry-after'));
  }
}

// The end of the key of what a request makes that names itself there; undefined where it makes nothing of the kind.
export function madeBy(body) {
  const { mode, appId, workflowId, actionId } = body ?? {};
  const step = { start: '_deployment', retry: '_deployment', plan: 'plan', trigger: actionId }[mode];
  return step && `:${appId}:${workflowId}:${step}`;
}

// The executors of a worker; its keeper and its minters are children as well, by other names.
export async function executorsOf(pid) {
  return (await childrenOf(pid)).filter(({ name }) => !OTHERS.test(name));
}

// Whether a worker that begins has so many of them. Until the others have their names, they pass for executors.
export async function hasExecutors(pid, count) {
  const children = await childrenOf(pid);
  const others = new Set(children.map(({ name }) => name).filter((name) => OTHERS.test(name)));
  return others.size === 2 && children.filter(({ name }) => !OTHERS.test(name)).length === count;
}

const OTHERS = /^slipway-(keeper|minter)$/;

// The direct children of a process, by name.
export async function childrenOf(pid) {
  const found = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const match = /^\d+ \((.*)\) (\S) (\d+)/.exec(stat);
    if (match && Number(match[3]) === pid && match[2] !== 'Z') found.push({ pid: Number(entry), name: match[1] });
  }
  return found;
}

export class Stack {
  static async start(options = {}) {
    const stack = new Stack();
    stack.folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'slipway-stack-')));
    stack.port = await freePort();
    stack.url = `http://127.0.0.1:${stack.port}`;
    const flags = ['dev', '--dir', stack.folder, '--port', String(stack.port), ...(options.flags ?? [])];
    stack.process = spawn(path.join(options.programs ?? build, 'slipway'), flags, {
      env: { ...process.env, SLIPWAY_GITHUB_WRITE_SPACING_MS: '0', ...options.env }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    stack.output = '';
    for (const stream of [stack.process.stdout, stack.process.stderr]) {
      stream.on('data', (bytes) => { stack.output += bytes; });
    }
    stack.ended = new Promise((resolve) => {
      stack.process.once('exit', (code, signal) => resolve({ code, signal }));
    });
    let exited = false;
    stack.ended.then(() => { exited = true; });
    await until(() => {
      if (exited) throw new Error(`slipway dev ended:\n${stack.output}`);
      return stack.output.includes(`ready ${stack.url}\n`);
    }, 'slipway dev is ready', 60000);
    return stack;
  }

  // Ends it and leaves its folder, for another to go on with.
  async leave(signal = 'SIGTERM') {
    this.process.kill(signal);
    return this.ended;
  }

  async stop() {
    const end = await this.leave();
    await rm(this.folder, { recursive: true, force: true });
    return end;
  }

  // The process of a daemon that slipway dev started.
  async daemon(name) {
    const child = (await childrenOf(this.process.pid)).find((candidate) => candidate.name.startsWith(name));
    return child?.pid;
  }

  async redis(...words) {
    const { stdout } = await run('redis-cli', ['-s', path.join(this.folder, 'redis.sock'), '--raw', ...words]);
    return stdout.replace(/\n$/, '');
  }

  // As an operator does who has looked at it: what a test has put there is believed by workers.
  async sign() {
    const { stdout, stderr } = await slipway('verify', '--sign', '--redis-url', `unix://${this.folder}/redis.sock`,
      '--secrets-keys-file', path.join(this.folder, 'conf', 'secrets.keys'));
    return stdout + stderr;
  }

  async hash(app, workflow, action) {
    const lines = (await this.redis('HGETALL', `slipway:{0}:app:default:${app}:${workflow}:${action}`)).split('\n');
    const fields = {};
    for (let i = 0; i + 1 < lines.length; i += 2) fields[lines[i]] = lines[i + 1];
    return fields;
  }

  post(body, headers = {}) {
    return this.ask('/api/deploy', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
  }

  get(pathAndQuery, headers = {}) {
    return this.ask(pathAndQuery, { headers });
  }

  // Where nginx refuses it for being one too many of this address, it waits as told, as each client of ours does: tests
  // that wait for a condition poll faster than nginx lets anybody. What the api refuses for a budget is the test's.
  async ask(pathAndQuery, options) {
    for (;;) {
      const answer = await askedAgain(() => this.askOnce(pathAndQuery, options), (ids) => this.hasMade(ids, options));
      if (answer.body?.class !== 'too_many_requests') return answer;
      await asTold(answer.headers.get('retry-after'));
    }
  }

  async hasMade(ids, { body }) {
    const made = typeof body === 'string' && madeBy(JSON.parse(body));
    return made ? ids.includes(await this.redis('HGET', `slipway:{0}:app:default${made}`, 'request')) : false;
  }

  // Whatever the answer is.
  async askOnce(pathAndQuery, options) {
    const response = await fetch(`${this.url}${pathAndQuery}`, options);
    return { status: response.status, headers: response.headers, body: await readJson(response) };
  }

  trigger(appId, workflowId, actionId, rest = {}) {
    return this.post({ mode: 'trigger', appId, workflowId, actionId, ...rest });
  }

  async status(appId, workflowId, actionId) {
    return (await this.get(`/api/deploy?appId=${appId}&workflowId=${workflowId}&actionId=${actionId}`)).body;
  }

  untilStatus(appId, workflowId, actionId, wanted, boundMs) {
    return until(async () => {
      const status = await this.status(appId, workflowId, actionId);
      return (typeof wanted === 'function' ? wanted(status) : status.status === wanted) && status;
    }, `${appId} ${workflowId} ${actionId} is ${wanted}`, boundMs);
  }
}

async function readJson(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
