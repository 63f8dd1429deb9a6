// A Slipway as it is run, to be attacked: Redis with the users as shipped, slipway-api, a worker, and a stand-in for
// GitHub that knows what it was asked for.
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { build, until } from '../integration/stack.mjs';
import { Peer } from '../integration/peer.mjs';
import { Api } from './api.mjs';
import { TESTER } from './redis.mjs';

export const keyOf = (app, what, tenant = 'default') => `slipway:{0}:app:${tenant}:${app}:${what}`;

// Deletes as well, and holds back what it has made for as long as a test wants.
class Provider extends Peer {
  hidden = new Set();

  answer(call, response) {
    const [, , owner, name, rest] = call.path.split('?')[0].split('/');
    const full = `${owner}/${name}`;
    if (call.method === 'GET' && rest === undefined && this.hidden.has(full)) {
      this.send(response, 404, { message: 'Not Found' });
    } else if (call.method === 'DELETE' && this.repositories.delete(full)) {
      response.writeHead(204).end();
    } else {
      super.answer(call, response);
    }
  }

  // Calls since the mark that change something, or that name this.
  since(mark, name) {
    return this.calls.slice(mark).filter((call) => (name === undefined ? call.method !== 'GET' :
      `${call.path} ${call.body}`.includes(name))).map((call) => `${call.method} ${call.path}`);
  }
}

export class Fortress {
  static async start() {
    const fortress = new Fortress();
    fortress.peer = await Provider.start();
    fortress.api = await Api.start({ publicKey: true });
    fortress.redis = fortress.api.redis;
    fortress.startWorker();
    fortress.token = fortress.api.token('deploy').text;
    await until(() => fortress.cli(TESTER, 'HLEN', 'slipway:workers') === '1', 'the worker reports');
    return fortress;
  }

  startWorker() {
    const token = path.join(this.api.folder, 'github-token');
    writeFileSync(token, 'ghs_0123456789.a-token\n', { mode: 0o600 });
    this.worker = spawn(path.join(build, 'slipway-worker'), ['--config', '/dev/null', '--executors', '2',
      '--allow-loopback', 'yes', '--github-url', this.peer.url, '--github-token-file', token,
      '--lease-seconds', '3', '--run-limits', 'app=2', '--github-write-spacing-ms', '0',
      '--vercel-url', this.peer.url, '--vercel-token-file', token,
      ...this.redis.flags('slipway-worker')],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH } });
    this.log = '';
    this.worker.stderr.on('data', (bytes) => { this.log += bytes; });
    this.ended = new Promise((resolve) => { this.worker.once('exit', resolve); });
  }

  async stop() {
    this.worker.kill('SIGTERM');
    await this.ended;
    await this.api.stop();
    await this.peer.stop();
  }

  cli(user, ...words) {
    return this.redis.cli(user, ...words);
  }

  // As whoever has the login of the web tier; what Redis says.
  attack(...words) {
    return this.cli('slipway-api', ...words);
  }

  // The same in the words of Redis' protocol; gives all that comes until the connection ends.
  attackRaw(bytes) {
    return new Promise((resolve) => {
      const connection = connect(this.redis.socket);
      let said = '';
      connection.on('data', (chunk) => { said += chunk; });
      connection.on('error', () => {});
      connection.on('close', () => resolve(said));
      connection.write(`AUTH slipway-api ${this.redis.users.password('slipway-api')}\r\n${bytes}`);
    });
  }

  // The same without waiting for what it says.
  attacks(...words) {
    return spawn('redis-cli', ['-s', this.redis.socket, '--user', 'slipway-api', '--no-auth-warning', ...words],
      { stdio: 'ignore', env: { ...process.env, REDISCLI_AUTH: this.redis.users.password('slipway-api') } });
  }

  // As the operator.
  slipway(...words) {
    const done = spawnSync(path.join(build, 'slipway'), [...words, ...this.redis.flags(words[0] === 'audit' ?
      'slipway-admin' : 'slipway-verify'), ...(words[0] === 'verify' ? ['--secrets-keys-file', this.redis.users.keys] :
      [])], { encoding: 'utf8' });
    return { code: done.status, text: done.stdout + done.stderr };
  }

  // As a caller with a deploy token.
  post(body, token = this.token) {
    return this.api.post(token, body);
  }

  async trigger(appId, workflowId, actionId, input, rest = {}, token = this.token) {
    const inputs = input === undefined ? {} : { inputs: input };
    const answer = await this.post({ mode: 'trigger', appId, workflowId, actionId, ...inputs, ...rest }, token);
    return answer.json ?? answer.body;
  }

  async status(appId, workflowId, actionId, token = this.token) {
    const answer = await this.api.get(token,
      `/api/deploy?appId=${appId}&workflowId=${workflowId}&actionId=${actionId}`);
    return answer.json ?? answer.body;
  }

  until(appId, workflowId, actionId, wanted = (status) => ['done', 'error'].includes(status.status)) {
    return until(async () => {
      const status = await this.status(appId, workflowId, actionId);
      return wanted(status) && status;
    }, `${appId} ${workflowId} ${actionId}`);
  }

  // A repository that the app makes.
  async makeRepository(app, name = app) {
    await this.trigger(app, 'site', 'repo', { repo: { owner: 'acme', name, fork: 'upstream/template' } });
    return this.until(app, 'site', 'repo');
  }

  made = new Map();

  // The same, once for each app.
  async once(app) {
    if (!this.made.has(app)) this.made.set(app, this.makeRepository(app));
    const status = await this.made.get(app);
    if (status.status !== 'done') throw new Error(JSON.stringify(status));
  }

  // The teardown step by step, up to the first that fails.
  async remove(app) {
    let status;
    for (const step of ['domains', 'projects', 'repositories']) {
      await this.trigger(app, 'teardown', step, { teardown: { confirm: app } }, { force: true });
      status = await this.until(app, 'teardown', step);
      if (status.status === 'error') break;
    }
    return status;
  }

  // A run that has made its repository and waits for it to be seen; its key.
  async waiting(app) {
    this.peer.hidden.add(`acme/${app}`);
    await this.trigger(app, 'site', 'repo', { repo: { owner: 'acme', name: app, fork: 'upstream/template' } });
    await this.until(app, 'site', 'repo', (status) => status.phase === 'waiting');
    return keyOf(app, 'site:repo');
  }

  // Changes what is stored of such a run: while the worker stands still, whose own write would replace that.
  async whileWaiting(app, change) {
    const isWaiting = (status) => status.phase === 'waiting';
    for (;;) {
      await this.until(app, 'site', 'repo', isWaiting);
      this.worker.kill('SIGSTOP');
      if (isWaiting(await this.status(app, 'site', 'repo'))) break;
      this.worker.kill('SIGCONT');
    }
    change();
    this.worker.kill('SIGCONT');
  }

  greet(app, text, rest) {
    return this.trigger(app, 'hello', 'greet', { greet: { text } }, rest);
  }
}
