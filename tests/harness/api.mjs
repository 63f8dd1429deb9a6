// slipway-api as in production, without a web server and a worker: with its own Redis, the shipped users, and tokens.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as fastcgi from '../integration/fastcgi.mjs';
import { askedAgain, build, madeBy, until } from '../integration/stack.mjs';
import { RedisServer, TESTER } from './redis.mjs';

export class Api {
  static async start({ flags = [], env = {}, publicKey = false } = {}) {
    const api = new Api();
    api.folder = mkdtempSync(path.join(tmpdir(), 'slipway-api-'));
    api.socket = path.join(api.folder, 'api.sock');
    api.redis = new RedisServer(api.folder);
    await api.redis.start();
    api.redis.loadFunctions();
    // That of the keys which its workers have.
    if (publicKey) flags.push('--secrets-public-key', api.redis.users.publicKey);
    api.log = '';
    api.process = spawn(path.join(build, 'slipway-api'), ['--listen', api.socket, '--processes', '1',
      '--config', '/dev/null', ...api.redis.flags('slipway-api'), ...flags],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, ...env } });
    api.process.stderr.on('data', (bytes) => { api.log += bytes; });
    api.ended = new Promise((resolve) => { api.process.once('exit', resolve); });
    await until(() => fastcgi.request(api.socket, 'GET', '/healthz').catch(() => false), 'slipway-api listens');
    return api;
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.ended;
    await this.redis.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  // slipway token, as the operator.
  command(...words) {
    return spawnSync(path.join(build, 'slipway'), ['token', ...words, ...this.redis.flags('slipway-admin')],
      { encoding: 'utf8' });
  }

  // The text of a new token, and its id.
  token(role, { prefix, tenant, expires = '1h', label } = {}) {
    const words = [['--app-prefix', prefix], ['--tenant', tenant], ['--label', label]];
    const made = this.command('create', '--role', role, '--expires', expires,
      ...words.filter(([, value]) => value !== undefined && value !== '').flat());
    if (made.status !== 0) throw new Error(made.stderr);
    const text = made.stdout.trim();
    return { text, id: text.split('_')[1] };
  }

  request(token, method, uri, json, headers) {
    return askedAgain(() => this.requestOnce(token, method, uri, json, headers), (ids) => this.hasMade(ids, json));
  }

  // Of whichever tenant.
  hasMade(ids, json) {
    const made = madeBy(json);
    const keys = made ? this.redis.cli(TESTER, 'KEYS', `slipway:{0}:app:*${made}`).split('\n').filter(Boolean) : [];
    return keys.some((key) => ids.includes(this.redis.cli(TESTER, 'HGET', key, 'request')));
  }

  // Whatever the answer is.
  requestOnce(token, method, uri, json = undefined, headers = {}) {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return fastcgi.request(this.socket, method, uri, { ...authorization, ...headers }, json);
  }

  post(token, json) {
    return this.request(token, 'POST', '/api/deploy', json);
  }

  get(token, uri, headers = {}) {
    return this.request(token, 'GET', uri, undefined, headers);
  }
}
