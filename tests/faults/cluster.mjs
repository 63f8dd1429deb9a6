// A private Slipway taken apart: its own redis-server, the api behind a listener that outlives it, nginx, a provider,
// and any number of workers, so that each can be hit by itself. All of it lies in one temporary folder. Redis has
// conf/redis as shipped, and each program logs in as its own user of users.acl.
import { spawn, execFile } from 'node:child_process';
import { mkdtemp, mkdir, rm, readFile, stat, symlink, writeFile, readdir } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { TESTER, shippedUsers } from '../harness/redis.mjs';
import { build, childrenOf, executorsOf, freePort, hasExecutors, until } from '../integration/stack.mjs';
import { Provider } from './provider.mjs';
import { Redis } from './resp.mjs';

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
export const TOKEN = 'ghs_0123456789.token-that-must-not-leak';

function pairs(list) {
  const fields = {};
  for (let i = 0; i + 1 < list.length; i += 2) fields[list[i]] = list[i + 1];
  return fields;
}

// Those that were started with something of the folder, also where their parent is gone.
async function processesOf(folder) {
  const found = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const about = ['cmdline', 'environ'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1').catch(() => ''));
    if ((await Promise.all(about)).some((text) => text.includes(folder))) found.push(Number(pid));
  }
  return found;
}

// A process of ours: what it says is kept, its end is a promise.
class Daemon {
  constructor(name, program, words, options) {
    this.name = name;
    this.output = ''; // all of it
    this.printed = ''; // on its standard output
    this.process = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.process.stdout.on('data', (bytes) => {
      this.output += bytes;
      this.printed += bytes;
    });
    this.process.stderr.on('data', (bytes) => {
      this.output += bytes;
    });
    this.gone = false;
    this.ended = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => {
        this.gone = true;
        resolve({ code, signal });
      });
    });
  }

  get pid() {
    return this.process.pid;
  }

  kill(signal = 'SIGKILL') {
    return this.process.kill(signal);
  }

  async stop(boundMs = 8000) {
    if (this.gone) return;
    this.kill('SIGCONT');
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), boundMs);
    await this.ended;
    clearTimeout(timer);
  }
}

export class Cluster {
  static running = new Set();

  // What a row that failed has left.
  static async stopAll() {
    for (const cluster of Cluster.running) await cluster.stop();
  }

  static async start(options = {}) {
    const cluster = new Cluster();
    Cluster.running.add(cluster);
    cluster.options = { leaseSeconds: 2, graceSeconds: 25, redis: [], apiProcesses: 2, ...options };
    cluster.folder = await mkdtemp(path.join(tmpdir(), 'slipway-faults-'));
    if (options.before) Object.assign(cluster.options, await options.before(cluster.folder));
    for (const name of ['redis', 'log', 'points', 'points/seen']) {
      await mkdir(path.join(cluster.folder, name), { recursive: true });
    }
    await writeFile(path.join(cluster.folder, 'token'), `${TOKEN}\n`, { mode: 0o600 });
    cluster.socket = path.join(cluster.folder, 'redis.sock');
    // Behind a link where the address is to be turned to another server.
    const address = path.join(cluster.folder, 'current.sock');
    if (options.linked) await symlink(cluster.socket, address);
    cluster.redisAddress = options.linked ? address : cluster.socket;
    cluster.users = shippedUsers(cluster.folder);
    cluster.connection = cluster.connect(cluster.socket);
    cluster.workers = [];
    cluster.apis = []; // beside the one behind nginx
    cluster.past = []; // daemons that are gone; their output is looked through at the end
    cluster.hits = []; // { at, worker, what }: what was done to whom
    cluster.provider = await Provider.start();
    await cluster.startRedis();
    await cluster.loadFunctions();
    await cluster.startWeb();
    return cluster;
  }

  // ---- Redis ----

  // As a user who may do to Redis what rows do.
  connect(socket) {
    return new Redis(socket, [TESTER, this.users.password(TESTER)]);
  }

  // Flags with which a program logs in as a shipped user.
  login(user) {
    return this.users.flags(user, this.redisAddress);
  }

  async startRedis(extra = []) {
    const lines = [
      'port 0',
      `unixsocket ${this.socket}`,
      `dir ${path.join(this.options.redisFolder ?? path.join(this.folder, 'redis'))}`,
      'save ""',
      'daemonize no',
      ...this.users.lines,
      `logfile ${path.join(this.folder, 'log/redis.log')}`,
      ...this.options.redis,
      ...extra,
    ];
    await writeFile(path.join(this.folder, 'redis.conf'), `${lines.join('\n')}\n`);
    this.server = new Daemon(
      'redis',
      this.options.redisProgram ?? 'redis-server',
      [path.join(this.folder, 'redis.conf')],
      { env: { ...process.env, ...this.options.redisEnvironment } },
    );
    const { server } = this;
    await until(
      () =>
        server.gone ||
        this.redis('PING').then(
          (text) => text === 'PONG',
          () => false,
        ),
      'Redis answers',
    );
    if (server.gone) throw new Error('redis-server has ended');
  }

  // As an operator does before the first worker is there: slipway-api may not.
  async loadFunctions() {
    await run(path.join(build, 'slipway'), ['functions', 'load', ...this.login('slipway-verify')]);
  }

  async killRedis() {
    this.server.kill('SIGKILL');
    await this.server.ended;
  }

  redis(...words) {
    return this.connection.command(...words);
  }

  async hash(app, workflow, action) {
    return pairs(await this.redis('HGETALL', `slipway:{0}:app:default:${app}:${workflow}:${action}`));
  }

  // What people can read about an app, oldest first: { at, workflow, action, run, event, detail }.
  async events(app) {
    const lines = await this.redis('LRANGE', `slipway:{0}:app:default:${app}:events`, '0', '-1');
    let what;
    return lines.reverse().map((line) => {
      const [, at, event, said, detail] = /^(\d+)-\d+ (\S+) (\S+) ?(.*)$/s.exec(line);
      what = said === '^' ? what : said;
      const [workflow, action, run] = what.split('.');
      return { at: Number(at), workflow, action, run, event, detail };
    });
  }

  apps() {
    return this.redis('ZRANGE', 'slipway:{0}:apps:default', '0', '-1');
  }

  // ---- the web tier ----

  async startWeb() {
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    this.api = new Daemon(
      'api',
      path.join(root, 'tests/faults/listener'),
      [
        path.join(this.folder, 'api.sock'),
        path.join(build, 'slipway-api'),
        ...this.login('slipway-api'),
        '--processes',
        String(this.options.apiProcesses),
        '--development',
        'yes',
      ],
      { env: this.environment(this.options.apiEnvironment) },
    );
    await until(() => /\d+\n/.test(this.api.printed), 'the api has started');
    await this.startNginx();
    await until(
      () =>
        fetch(`${this.url}/healthz`).then(
          (answer) => answer.status === 200,
          () => false,
        ),
      'the api answers',
    );
  }

  // As shipped, but for the limit of one client's rate: the client of these tests is many.
  async startNginx() {
    const shipped = path.join(root, 'conf/nginx');
    const conf = path.join(this.folder, 'nginx');
    await mkdir(conf, { recursive: true });
    for (const name of await readdir(shipped)) {
      const text = await readFile(path.join(shipped, name), 'utf8');
      await writeFile(path.join(conf, name), text.replace('rate=50r/s', 'rate=100000r/s'));
    }
    const template = await readFile(path.join(root, 'conf/dev/nginx.conf.in'), 'utf8');
    const values = { DIR: this.folder, PORT: String(this.port), CLIENT: path.join(root, 'client'), CONF: conf };
    await writeFile(
      path.join(this.folder, 'nginx.conf'),
      template.replace(/@(\w+)@/g, (_, name) => values[name]),
    );
    this.nginx = new Daemon(
      'nginx',
      'nginx',
      [
        '-e',
        path.join(this.folder, 'log/nginx-error.log'),
        '-p',
        this.folder,
        '-c',
        path.join(this.folder, 'nginx.conf'),
      ],
      { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` } },
    );
  }

  // The supervisor of the api that runs now.
  apiPid() {
    return Number(this.api.printed.trim().split('\n').at(-1));
  }

  async apiProcesses() {
    return childrenOf(this.apiPid());
  }

  // ---- workers ----

  environment(more) {
    const points = path.join(this.folder, 'points');
    return { ...process.env, SLIPWAY_FAILPOINTS_DIR: points, SLIPWAY_GITHUB_WRITE_SPACING_MS: '0', ...more };
  }

  // The programs of the other build, see builds.c.
  program(name, variant) {
    return path.join(build, variant ? 'variant' : '', name);
  }

  // An api beside the one behind nginx, at a socket of its own; gives that.
  async startApi({ variant = false } = {}) {
    const socket = path.join(this.folder, `api-${this.apis.length}.sock`);
    const api = new Daemon(
      `api${this.apis.length}`,
      this.program('slipway-api', variant),
      [...this.login('slipway-api'), '--listen', socket, '--processes', '2', '--development', 'yes'],
      { env: this.environment() },
    );
    this.apis.push(api);
    await until(() => stat(socket).then(() => true, () => api.gone), 'the api listens');
    return socket;
  }

  async startWorker({ executors = 4, environment = {}, flags = [], variant = false } = {}) {
    const number = this.workers.length + this.past.length + 1;
    const worker = new Daemon(
      `w${number}`,
      this.program('slipway-worker', variant),
      [
        ...this.login('slipway-worker'),
        '--executors',
        String(executors),
        '--allow-loopback',
        'yes',
        '--github-url',
        `${this.provider.url}/w${number}`,
        '--github-token-file',
        path.join(this.folder, 'token'),
        '--lease-seconds',
        String(this.options.leaseSeconds),
        '--grace-seconds',
        String(this.options.graceSeconds),
        ...flags,
      ],
      { env: this.environment(environment) },
    );
    worker.id = `${hostname()}-${worker.pid}`; // as it stands in Redis
    worker.variant = variant;
    worker.executors = () => executorsOf(worker.pid);
    this.workers.push(worker);
    await until(
      async () => worker.gone || (await hasExecutors(worker.pid, executors)),
      'the executors are there',
    );
    return worker;
  }

  hit(worker, what) {
    this.hits.push({ at: Date.now(), worker: worker.id, what });
  }

  // SIGKILL for the supervisor takes its executors with it.
  async killWorker(worker) {
    this.hit(worker, 'killed');
    worker.kill('SIGKILL');
    await worker.ended;
    this.forget(worker);
  }

  async killExecutor(worker) {
    const executors = await worker.executors();
    if (executors.length === 0) return;
    this.hit(worker, 'executor killed');
    process.kill(executors[Math.floor(Math.random() * executors.length)].pid, 'SIGKILL');
  }

  // Stops all processes of a worker at once, as a machine that sleeps does.
  async freezeWorker(worker) {
    this.hit(worker, 'frozen');
    worker.kill('SIGSTOP');
    const executors = await worker.executors();
    for (const executor of executors) process.kill(executor.pid, 'SIGSTOP');
    worker.frozen = executors.map((executor) => executor.pid);
  }

  thawWorker(worker) {
    for (const pid of worker.frozen) process.kill(pid, 'SIGCONT');
    worker.kill('SIGCONT');
  }

  forget(worker) {
    this.workers = this.workers.filter((other) => other !== worker);
    this.past.push(worker);
  }

  async stopWorker(worker) {
    await worker.stop(40000);
    this.forget(worker);
  }

  // ---- failpoints ----

  arm(point, action) {
    return writeFile(path.join(this.folder, 'points', point), action);
  }

  async armed(point) {
    return readFile(path.join(this.folder, 'points', point)).then(
      () => true,
      () => false,
    );
  }

  disarm(point) {
    return rm(path.join(this.folder, 'points', point), { force: true });
  }

  points() {
    return readdir(path.join(this.folder, 'points/seen'));
  }

  // ---- the end ----

  async verify(...words) {
    return run(path.join(build, 'slipway'), ['verify', '--json', ...this.login('slipway-verify'), ...words]).then(
      ({ stdout }) => JSON.parse(stdout),
      (error) => {
        if (error.code === 1) return JSON.parse(error.stdout);
        throw error;
      },
    );
  }

  async stop() {
    Cluster.running.delete(this);
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await Promise.all([this.api?.stop(), this.nginx?.stop(), ...this.apis.map((api) => api.stop())]);
    this.connection.close();
    await this.server?.stop();
    await this.provider?.stop();
    // What was killed with its parent ends a moment after it, and may have begun a file.
    await until(async () => (await processesOf(this.folder)).length === 0, 'all its processes are gone');
    await rm(this.folder, { recursive: true, force: true });
  }
}
