// The main job, end to end, on the stand-ins for GitHub and Vercel: `slipway run site`, again, and without its state.
//
// covers: src/cli/main.c src/cli/command.c src/cli/command_run.c src/cli/command_dev.c src/cli/dev_files.c
// covers: src/cli/dev_process.c src/cli/endpoint.c src/cli/show.c src/cli/status_line.c
// covers: src/cli/command_status.c src/cli/command_check.c src/cli/command_settings.c src/api/fastcgi.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { Stack, build, childrenOf, freePort, until } from './stack.mjs';
import { triggerAndPollAction, runWorkflow } from '../../client/slipway.js';

const run = promisify(execFile);
const sample = 'conf/dev/sample.json';

let stack;
before(async () => { stack = await Stack.start(); });
after(() => stack.stop());

async function slipway(...words) {
  try {
    const { stdout, stderr } = await run(path.join(build, 'slipway'), [...words, '--url', stack.url]);
    return { code: 0, stdout, stderr };
  } catch (error) {
    return { code: error.code, stdout: error.stdout, stderr: error.stderr };
  }
}

function runSite(app, ...rest) {
  return slipway('run', 'site', '--app', app, '--input', sample, '--set', `checkUrl=${stack.url}/healthz`, ...rest);
}

async function outputs(app) {
  const { body } = await stack.get(`/api/deploy?appId=${app}&workflowId=site`);
  return Object.fromEntries(body.actions.map((action) => [action.actionId, action.output]));
}

test('it is the emulator that was pinned, and it listens on loopback only', async () => {
  const facts = JSON.parse(await readFile(path.join(build, 'emulator/node_modules/emulate/package.json'), 'utf8'));
  assert.equal(facts.version, '0.11.2');
  const { stdout } = await run('ss', ['-ltnHp']);
  const emulator = await stack.daemon('node');
  const lines = stdout.split('\n').filter((line) => line.includes(`pid=${emulator},`));
  assert.ok(lines.length >= 2);
  for (const line of lines) assert.match(line, /127\.0\.0\.1:\d+/);
});

test('slipway run provisions a site', async () => {
  const result = await runSite('first');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.match(result.stdout, /^repo +done/m);
  assert.match(result.stdout, /^domain +skipped.*no domain was given/m);
  assert.match(result.stdout, /^protection +skipped.*no input was given/m);
  const made = await outputs('first');
  assert.equal(made.repo.fullName, 'acme/sample-site');
  assert.equal(made.repo.created, true);
  assert.equal(made.project.created, true);
  assert.match(made.deployment.url, /^https:\/\//);
  assert.equal(made.deployment.sha, made.repo.headCommit);
  assert.deepEqual(made.env.keys, ['SITE_NAME', 'API_BASE']);
  assert.equal(made.check.status, 200);
  const ledger = await stack.redis('HKEYS', 'slipway:{0}:app:default:first:ledger');
  assert.match(ledger, /^github:repository:acme\/sample-site$/m);
  assert.match(ledger, /^vercel:project:sample-site$/m);
});

test('again: each step looks, and nothing is changed', async () => {
  const before_ = await outputs('first');
  const result = await runSite('first', '--json');
  assert.equal(result.code, 0, result.stderr);
  const lines = result.stdout.trim().split('\n').map((line) => JSON.parse(line));
  const ended = lines.filter((line) => line.actionId !== undefined && line.status === 'done');
  assert.equal(ended.length, 11);
  assert.deepEqual([lines.at(-1).actionId, lines.at(-1).status], [undefined, 'done']);
  const { deploymentId } = lines.at(-1);
  assert.ok(ended.every((line) => line.deploymentId === deploymentId));
  const after_ = await outputs('first');
  for (const step of ['repo', 'project', 'deployment']) assert.equal(after_[step].id, before_[step].id, step);
  assert.equal(after_.repo.headCommit, before_.repo.headCommit);
  assert.equal(after_.env.changed, 0);
});

test('in words: a step that keeps its result is said to be reused, and since when it is done', async () => {
  const hello = () => slipway('run', 'hello', '--app', 'words', '--input', 'conf/dev/hello.json');
  assert.equal((await hello()).code, 0);
  const greet = 'slipway:{0}:app:default:words:hello:greet';
  await stack.redis('HSET', greet, 'finished_at', String(Date.now() - 3.5 * 86400e3));
  const result = await hello();
  assert.equal(result.code, 0, result.stderr);
  assert.match(result.stdout, /^greet +done .* reused, finished 3 days ago {2}hello/m);
  assert.match(result.stdout, /^repeat +done .* reused, finished (\d+ (second|minute)s? ago|just now) {2}again/m);
  // How it stands, and not what this request has done.
  assert.doesNotMatch((await slipway('status', 'words', 'hello')).stdout, /reused/);
});

test('again by force, and again without its state: adopts what stands there', async () => {
  const before_ = await outputs('first');
  const forced = await runSite('first', '--force');
  assert.equal(forced.code, 0, forced.stdout + forced.stderr);
  await stack.redis('FLUSHALL');
  const result = await runSite('first');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  const after_ = await outputs('first');
  assert.equal(after_.repo.id, before_.repo.id);
  assert.equal(after_.repo.created, false);
  assert.equal(after_.project.id, before_.project.id);
  assert.equal(after_.deployment.id, before_.deployment.id);
  assert.equal(after_.env.changed, 0);
});

test('a changed variable is written and leads to a new deployment', async () => {
  const before_ = await outputs('first');
  const other = path.join(stack.folder, 'other.json');
  const input = JSON.parse(await readFile(sample, 'utf8'));
  await writeFile(other, JSON.stringify({ ...input, config: { siteName: 'Another name' } }));
  const result = await slipway('run', 'site', '--app', 'first', '--input', other);
  assert.equal(result.code, 0, result.stdout + result.stderr);
  const after_ = await outputs('first');
  assert.equal(after_.env.changed, 1);
  assert.notEqual(after_.deployment.id, before_.deployment.id);
});

test('a name that is taken by somebody else is refused, and nothing that needs it is begun', async () => {
  const inputs = {
    repo: { owner: 'acme', name: 'taken-name', fork: 'upstream/app-template' }, project: { name: 'taken-name' },
  };
  await stack.post({ mode: 'configure', appId: 'foreign', inputs });
  const result = await slipway('run', 'site', '--app', 'foreign');
  assert.equal(result.code, 1);
  assert.match(result.stdout, /conflict_foreign/);
  assert.match(result.stdout, /^ +.*\(input to change: (adopt|name)\)$/m);
  const { body } = await stack.get('/api/deploy?appId=foreign&workflowId=site');
  const statuses = body.actions.map((action) => `${action.actionId} ${action.status}`);
  assert.ok(statuses.length > 5);
  assert.deepEqual(statuses.filter((status) => status.endsWith(' error')), ['repo error']);
  const waiting = body.actions.filter((action) => action.actionId !== 'repo');
  assert.ok(waiting.every((action) => action.reason === 'need_failed' && action.startedAt === null));
});

test('a domain is put on the project and verified', async () => {
  await stack.post({ mode: 'configure', appId: 'first', inputs: { domain: { name: 'www.example.org' } } });
  const result = await runSite('first');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.equal((await outputs('first')).domain.verified, true);
});

test('a deployment that is cancelled says what stays at the providers', async () => {
  const words = ['--app', 'first', '--input', sample, '--set', `checkUrl=${stack.url}/nothing`, '--detach'];
  const started = await slipway('run', 'site', ...words);
  assert.equal(started.code, 0, started.stderr);
  await stack.untilStatus('first', 'site', 'check', ({ phase }) => phase === 'waiting');
  const cancelled = await slipway('cancel', 'first', 'site', '--deployment', started.stdout.trim());
  assert.equal(cancelled.code, 0, cancelled.stderr);
  assert.match(cancelled.stdout, /^ {2}not done: check$/m);
  assert.match(cancelled.stdout, /^ {2}stays: github repository acme\/sample-site {2}http/m);
  assert.match(cancelled.stdout, /^ {2}stays: vercel project sample-site/m);
});

test('the JavaScript client drives it', async () => {
  const options = { baseUrl: stack.url, pollMs: 50, inputs: { greet: { text: 'from the client' } } };
  const status = await triggerAndPollAction('hello', 'client-app', 'greet', options);
  assert.equal(status.output.text, 'from the client');
  const all = await runWorkflow('hello', 'client-app', options);
  assert.equal(all.repeat.output.text, 'again: from the client');
  const failing = triggerAndPollAction('site', 'client-app', 'repo', { baseUrl: stack.url, pollMs: 50,
    inputs: { repo: { owner: 'acme', name: 'taken-name', fork: 'upstream/app-template' } } });
  await assert.rejects(failing, (error) => error.name === 'ActionError'
    && error.status.error.class === 'conflict_foreign');
});

test('the page is served with what it needs', async () => {
  const response = await fetch(`${stack.url}/`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-security-policy'), /default-src 'self'/);
  // All that it names, and what that imports.
  const found = new Map();
  const look = async (address, text) => {
    const names = [...text.matchAll(/(?:src|href)="(\.\/[^"#?]+)"|from '(\.\/[^']+)'|import '(\.\/[^']+)'/g)];
    for (const name of names.map((match) => new URL(match[1] ?? match[2] ?? match[3], address).href)) {
      if (found.has(name)) continue;
      const answer = await fetch(name);
      found.set(name, answer.status);
      await look(name, await answer.text());
    }
  };
  await look(`${stack.url}/`, await response.text());
  for (const name of ['page.css', 'page.js', 'slipway.js']) assert.ok(found.has(`${stack.url}/${name}`), name);
  assert.deepEqual([...found].filter(([, status]) => status !== 200), []);
});

test('the same binary answers as plain CGI, behind fcgiwrap', async () => {
  const socket = path.join(stack.folder, 'cgi.sock');
  const wrapper = spawn('fcgiwrap', ['-s', `unix:${socket}`], { stdio: 'ignore' });
  try {
    await until(() => stat(socket).catch(() => false), 'fcgiwrap listens');
    const port = await freePort();
    const conf = path.join(stack.folder, 'cgi.conf');
    await writeFile(conf, `daemon off; pid ${stack.folder}/cgi.pid; ${process.getuid() === 0 ? 'user root;' : ''}
      events {} http { access_log off; client_body_temp_path ${stack.folder}/cgi-body;
      fastcgi_temp_path ${stack.folder}/cgi-fastcgi; proxy_temp_path ${stack.folder}/cgi-proxy;
      scgi_temp_path ${stack.folder}/cgi-scgi; uwsgi_temp_path ${stack.folder}/cgi-uwsgi;
      server { listen 127.0.0.1:${port}; location / { fastcgi_pass unix:${socket};
      fastcgi_param SCRIPT_FILENAME ${path.join(build, 'slipway-api')}; fastcgi_param GATEWAY_INTERFACE CGI/1.1;
      fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
      fastcgi_param DOCUMENT_URI $document_uri; fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param SLIPWAY_REDIS_URL unix://${stack.folder}/redis.sock; } } }`);
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    const nginx = spawn('nginx', ['-e', `${stack.folder}/cgi.log`, '-c', conf], { stdio: 'ignore', env });
    try {
      const url = `http://127.0.0.1:${port}`;
      await until(() => fetch(`${url}/healthz`).then((answer) => answer.ok, () => false), 'the CGI answers');
      const token = await run(path.join(build, 'slipway'), ['token', 'create', '--role', 'deploy', '--expires', '1h',
        '--redis-url', `unix://${stack.folder}/redis.sock`]);
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token.stdout.trim()}` };
      const answer = await fetch(`${url}/api/deploy`, { method: 'POST', headers,
        body: JSON.stringify({ mode: 'poll', appId: 'client-app', workflowId: 'hello', actionId: 'greet' }) });
      assert.equal(answer.status, 200);
      assert.equal((await answer.json()).output.text, 'from the client');
      const bad = await fetch(`${url}/api/deploy`, { method: 'POST', body: '{', headers });
      assert.equal(bad.status, 400);
    } finally {
      nginx.kill('SIGTERM');
      await new Promise((resolve) => { nginx.once('exit', resolve); });
    }
  } finally {
    wrapper.kill('SIGTERM');
  }
});

test('slipway dev stops all that it started', async () => {
  const other = await Stack.start({ flags: ['--no-emulator'] });
  const daemons = await childrenOf(other.process.pid);
  // Handlers, executors and nginx's workers as well.
  const theirs = (await Promise.all(daemons.map(({ pid }) => childrenOf(pid)))).flat();
  assert.ok(daemons.length >= 4 && theirs.length >= 4);
  const end = await other.stop();
  assert.equal(end.code, 0);
  for (const { pid, name } of [...daemons, ...theirs]) {
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, name);
  }
});

test('a port that is taken is said, with what to do', async () => {
  const result = await run(path.join(build, 'slipway'), ['dev', '--port', String(stack.port)]).catch((error) => error);
  assert.equal(result.code, 64);
  assert.match(result.stderr, /port \d+ is in use[\s\S]*--port/);
});

test('an endpoint that is not there: exit 69; a command that is not there: exit 64', async () => {
  const port = await freePort();
  const gone = await run(path.join(build, 'slipway'), ['status', 'a', 'hello', '--url', `http://127.0.0.1:${port}`])
    .catch((error) => error);
  assert.equal(gone.code, 69);
  const unknown = await run(path.join(build, 'slipway'), ['frobnicate']).catch((error) => error);
  assert.equal(unknown.code, 64);
  const usage = await run(path.join(build, 'slipway'), ['run', 'site']).catch((error) => error);
  assert.equal(usage.code, 64);
});
