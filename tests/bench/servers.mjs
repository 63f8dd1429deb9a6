// A private folder with the servers of one measurement, each of which is stopped by its process id: Redis with
// conf/redis and its users, nginx with conf/nginx but without TLS and limit_req, slipway-api or the bare responder
// behind it, workers, and peers.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from '../faults/resp.mjs';
import { RedisServer, TESTER } from '../harness/redis.mjs';
import { build, freePort, until } from '../integration/stack.mjs';
import { cpuSecondsOf } from './machine.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const peers = fileURLToPath(new URL('peers', import.meta.url));
export const programs = path.join(build, 'bench');

// A process that is kept until it is stopped, with what it said.
class Server {
  constructor(name, program, words, environment = {}) {
    this.name = name;
    this.output = '';
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, ...environment };
    this.process = spawn(program, words, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (bytes) => { this.output += bytes; });
    }
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code) => {
        this.gone = true;
        resolve(code);
      });
      this.process.once('error', (error) => {
        this.output += error.message;
        this.gone = true;
        resolve(-1);
      });
    });
  }

  get pid() {
    return this.process.pid;
  }

  async ready(condition, boundMs = 60000) {
    await until(() => {
      this.expectAlive();
      return condition();
    }, `${this.name} is ready`, boundMs);
    return this;
  }

  expectAlive() {
    if (this.gone) throw new Error(`${this.name} has ended: ${this.output.slice(-2000)}`);
  }

  // The words on the line that begins with this one, once it was said.
  async says(word) {
    const line = new RegExp(`^${word}\\b(.*)$`, 'm');
    await this.ready(() => line.test(this.output), 600000);
    return line.exec(this.output)[1].trim();
  }

  // To the end of the program, which must be a good one.
  async result() {
    const code = await this.ended;
    if (code !== 0) throw new Error(`${this.name} ended with ${code}: ${this.output.slice(-2000)}`);
    return JSON.parse(this.output.split('\n').findLast((line) => line.startsWith('{')));
  }

  async stop(signal = 'SIGTERM') {
    if (this.gone) return;
    this.process.kill(signal);
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 5000);
    await this.ended;
    clearTimeout(timer);
  }
}

// A program of the benchmark that needs no servers; gives the JSON that it prints.
export function runToEnd(program, ...words) {
  return new Server(program, path.join(programs, program), words.map(String)).result();
}

export class Servers {
  static running = new Set();

  static async stopAll() {
    for (const servers of Servers.running) await servers.stop();
  }

  // Runs what is given with Redis started, and stops all that it started. appendfsync: everysec or always.
  static async with(appendfsync, measure) {
    const servers = new Servers();
    Servers.running.add(servers);
    try {
      await servers.startRedis(appendfsync);
      return await measure(servers);
    } finally {
      await servers.stop();
    }
  }

  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), 'slipway-bench-'));
    this.socket = path.join(this.folder, 'api.sock');
    this.started = [];
  }

  async startRedis(appendfsync) {
    // A rewrite in the midst of a measurement would be one of the disk; the peers' connections need places.
    const lines = [`appendfsync ${appendfsync}`, 'auto-aof-rewrite-percentage 0', 'maxmemory 6gb', 'maxclients 8000'];
    this.redis = (await new RedisServer(this.folder, { lines }).start()).loadFunctions();
    this.connection = this.connect();
  }

  connect() {
    return new Redis(this.redis.socket, [TESTER, this.redis.users.password(TESTER)]);
  }

  start(name, program, words, environment) {
    const server = new Server(name, program, words, environment);
    this.started.push(server);
    return server;
  }

  async stopServer(server) {
    await server.stop();
    this.started = this.started.filter((other) => other !== server);
  }

  async stop() {
    Servers.running.delete(this);
    for (const server of this.started.reverse()) await server.stop(server.atTheEnd);
    this.connection?.close();
    await this.redis?.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  // ---- the web tier ----

  async startNginx() {
    const conf = path.join(this.folder, 'nginx');
    mkdirSync(conf);
    for (const name of ['slipway-http', 'slipway-locations', 'slipway-problems']) {
      const text = readFileSync(path.join(root, 'conf/nginx', `${name}.conf`), 'utf8');
      writeFileSync(path.join(conf, `${name}.conf`), text.replace(/^limit_req .*$/m, ''));
    }
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const file = path.join(conf, 'nginx.conf');
    writeFileSync(file, this.nginxConf(conf));
    this.nginx = this.start('nginx', 'nginx', ['-e', path.join(conf, 'start.log'), '-p', conf, '-c', file]);
    return this.nginx;
  }

  nginxConf(conf) {
    const shipped = readFileSync(path.join(root, 'conf/nginx/slipway.conf'), 'utf8');
    const keepalive = /^\s*keepalive \d+;/m.exec(shipped)[0];
    const temporary = ['client_body', 'fastcgi', 'proxy', 'scgi', 'uwsgi'];
    return `user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid ${conf}/pid;
error_log ${conf}/error.log crit;
events { worker_connections 16384; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${conf}/${name};`).join('\n  ')}
  keepalive_requests 100000000;
  include ${conf}/slipway-http.conf;
  upstream slipway_api { server unix:${this.socket}; ${keepalive} }
  server {
    listen 127.0.0.1:${this.port} backlog=4096;
    set $slipway_client ${root}/client;
    include ${conf}/slipway-locations.conf;
    include ${conf}/slipway-problems.conf;
  }
}
`;
  }

  answers(address = '/healthz') {
    return fetch(`${this.url}${address}`).then((response) => response.ok, () => false);
  }

  startApi(more = []) {
    const flags = ['--listen', this.socket, '--development', 'yes', '--log-level', 'warning', ...more];
    rmSync(this.socket, { force: true });
    this.api = this.start('slipway-api', path.join(programs, 'slipway-api'),
      [...this.redis.flags('slipway-api'), ...flags]);
    return this.api;
  }

  // nginx and slipway-api, which asks for no token, but looks at one that it gets.
  async startSlipway(flags = []) {
    await this.startNginx();
    await this.startApi(flags).ready(() => existsSync(this.socket) && this.answers());
    return [this.nginx, this.api];
  }

  // The bare responder in the place of slipway-api; recorded: see record.mjs.
  async startBare(recorded) {
    const files = { login: this.login(), commands: recorded.commands, response: recorded.response };
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(this.folder, name), text);
    const file = (name) => path.join(this.folder, name);
    rmSync(this.socket, { force: true });
    const words = [this.socket, this.redis.socket, file('login'), file('commands'), String(recorded.count),
      recorded.run ?? '-', file('response')];
    this.bare = this.start('bare', path.join(programs, 'responder'), words);
    await this.bare.ready(() => existsSync(this.socket));
    return [this.nginx, this.bare];
  }

  // As the user that slipway-api is.
  login() {
    const words = ['AUTH', 'slipway-api', this.redis.users.password('slipway-api')];
    return `*3\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
  }

  // The line of a request's head with a new token of that tenant.
  makeToken(tenant) {
    const words = ['token', 'create', '--role', 'deploy', '--tenant', tenant, '--expires', '1h'];
    const made = spawnSync(path.join(build, 'slipway'), [...words, ...this.redis.flags('slipway-admin')],
      { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stdout + made.stderr);
    return `Authorization: Bearer ${made.stdout.trim()}`;
  }

  // ---- workers and peers ----

  startWorker(flags = [], name = 'slipway-worker') {
    const worker = this.start(name, path.join(programs, 'slipway-worker'),
      [...this.redis.flags('slipway-worker'), '--log-level', 'warning', ...flags]);
    // It would wait for its actions, and what they did is of no interest any more.
    worker.atTheEnd = 'SIGKILL';
    return worker;
  }

  startPeer(file, ...words) {
    const environment = {
      NODE_ENV: 'production',
      PEERS: path.join(programs, 'package.json'),
      REDIS_SOCKET: this.redis.socket,
      REDIS_USER: TESTER,
      REDIS_PASSWORD: this.redis.users.password(TESTER),
    };
    return this.start(file, 'node', [path.join(peers, file), ...words.map(String)], environment);
  }

  async startNodeHttp() {
    this.port = await freePort();
    const peer = this.startPeer('http.mjs', this.port);
    await peer.says('ready');
    return [peer];
  }

  // ---- measuring ----

  // Calls back, and gives beside what that gives the CPU seconds of each server and of Redis. A server that has
  // ended meanwhile was not measured.
  async watch(servers, call) {
    const watched = [...servers, { name: 'redis', pid: this.redis.process.pid }];
    const before = watched.map(({ pid }) => cpuSecondsOf(pid));
    const result = await call();
    for (const server of servers) server.expectAlive();
    const cpu = Object.fromEntries(watched.map(({ name, pid }, i) => [name, cpuSecondsOf(pid) - before[i]]));
    return { ...result, cpu };
  }

  // See load.c; ask: { method, path, body, header }.
  load(connections, seconds, { method, path: address, body = '', header = '' }, { held = false, everyMs = 0 } = {}) {
    const words = [this.port, connections, seconds, Servers.nextRequest, method, address, body];
    const flags = [...(held ? ['--held'] : []), '--every', String(everyMs), '--header', header];
    return this.start('load', path.join(programs, 'load'), [...flags, ...words.map(String)]);
  }

  static nextRequest = 1;

  // The load to its end; what each request cost is in microseconds.
  async measureLoad(servers, connections, seconds, ask) {
    const result = await this.watch(servers, () => this.load(connections, seconds, ask).result());
    Servers.nextRequest = result.next;
    const each = Object.entries(result.cpu).map(([name, cpu]) => [name, (cpu * 1e6) / Math.max(1, result.responses)]);
    return { ...result, value: result.per_second, cpu_us: Object.fromEntries(each) };
  }
}
