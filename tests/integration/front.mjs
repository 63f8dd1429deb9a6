// Stands before npm's stand-ins for GitHub and Vercel, and has what they lack: a workflow of GitHub Actions that makes
// a commit, secrets, and a bad day on which calls are done and their answers lost. All else goes through as it is.
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as send } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Stack, build, freePort, isFree, until } from './stack.mjs';

const TOKEN = 'test_token_admin';
const emulator = path.join(build, 'emulator');

// Two ports in a row, as the emulator takes them.
async function freePorts() {
  const port = await freePort();
  return (await isFree(port + 1)) ? port : freePorts();
}

async function startEmulator() {
  const port = await freePorts();
  const words = ['--require', path.join(emulator, 'loopback.cjs'), path.join(emulator, 'node_modules/.bin/emulate')];
  const flags = ['--service', 'vercel,github', '--port', String(port), '--seed', path.join(emulator, 'seed.json')];
  const child = spawn('node', [...words, ...flags], { stdio: 'ignore' });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  const answers = (url) =>
    fetch(url).then(
      () => true,
      () => false,
    );
  const urls = { vercel: `http://127.0.0.1:${port}`, github: `http://127.0.0.1:${port + 1}` };
  await until(async () => (await answers(urls.vercel)) && answers(urls.github), 'the emulator answers');
  return {
    urls,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

class Front {
  static async start() {
    const front = new Front();
    front.emulator = await startEmulator();
    front.runs = new Map();
    front.calls = [];
    const { publicKey } = generateKeyPairSync('x25519');
    front.repositoryKey = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
    // Called with a call that was done, before its answer goes out; true: the answer is lost.
    front.loses = () => false;
    // Called with a call before it is made: { status, headers, body } is answered in its place.
    front.answers = () => undefined;
    front.servers = [];
    for (const provider of ['github', 'vercel']) front[`${provider}Url`] = await front.listen(provider);
    return front;
  }

  async listen(provider) {
    const server = createServer((request, response) => this.receive(provider, request, response));
    await new Promise((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    this.servers.push(server);
    return `http://127.0.0.1:${server.address().port}`;
  }

  async stop() {
    for (const server of this.servers) {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    }
    await this.emulator.stop();
  }

  // Settings with which a worker calls this instead of the real services.
  settings(tokenFile) {
    return {
      SLIPWAY_GITHUB_URL: this.githubUrl,
      SLIPWAY_GITHUB_TOKEN_FILE: tokenFile,
      SLIPWAY_VERCEL_URL: this.vercelUrl,
      SLIPWAY_VERCEL_TOKEN_FILE: tokenFile,
      SLIPWAY_VERCEL_TEAM: 'acme',
    };
  }

  // The calls that changed something at the provider, as "POST 201 /path".
  changes(pattern) {
    const done = this.calls.filter((call) => call.method !== 'GET' && call.status < 300);
    return done
      .map((call) => `${call.method} ${call.status} ${call.path.split('?')[0]}`)
      .filter((line) => pattern.test(line));
  }

  receive(provider, request, response) {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', async () => {
      const call = {
        provider,
        method: request.method,
        path: request.url,
        headers: request.headers,
        body: Buffer.concat(pieces),
      };
      const answer = this.answers(call) ?? (await this.actions(call)) ?? (await this.forward(call));
      call.status = answer.status;
      this.calls.push(call);
      if (this.loses(call)) {
        request.socket.destroy();
        return;
      }
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    });
  }

  forward({ provider, method, path: pathAndQuery, headers, body }) {
    return new Promise((resolve, reject) => {
      const url = new URL(pathAndQuery, this.emulator.urls[provider]);
      const options = { method, headers: { ...headers, host: url.host, connection: 'close' } };
      const outgoing = send(url, options, (incoming) => {
        const pieces = [];
        incoming.on('data', (piece) => pieces.push(piece));
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode,
            headers: incoming.headers,
            body: Buffer.concat(pieces),
          }),
        );
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  // ---- GitHub Actions: secrets are only taken; codemods.yml writes a file, and so makes a commit, while its run is
  // looked at ----

  async actions(call) {
    const [, repository, rest] = /^\/repos\/([^/]+\/[^/]+)\/actions\/([^?]*)/.exec(call.path) ?? [];
    if (call.provider !== 'github' || repository === undefined) return undefined;
    const json = (status, body) => ({
      status,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (rest === 'secrets/public-key') return json(200, { key_id: '1', key: this.repositoryKey });
    if (/^secrets\/\w+$/.test(rest)) return json(call.method === 'PUT' ? 201 : 404, {});
    const own = [...this.runs.values()].filter((run) => run.repository === repository);
    if (rest === 'workflows/codemods.yml/runs') return json(200, { total_count: own.length, workflow_runs: own });
    if (rest === 'workflows/codemods.yml/dispatches')
      return json(200, this.dispatch(repository, JSON.parse(call.body)));
    const run = this.runs.get(Number(/^runs\/(\d+)$/.exec(rest)?.[1]));
    if (run === undefined) return json(404, { message: 'Not Found' });
    await this.advance(run);
    return json(200, run);
  }

  dispatch(repository, { ref, inputs }) {
    const id = 7000 + this.runs.size;
    const run = {
      id,
      repository,
      ref,
      inputs,
      status: 'queued',
      conclusion: null,
      html_url: `https://github.example/runs/${id}`,
    };
    this.runs.set(id, run);
    return { workflow_run_id: id, run_url: run.html_url, html_url: run.html_url };
  }

  // queued, in progress, done with its commit: one look each.
  async advance(run) {
    if (run.status === 'queued') run.status = 'in_progress';
    else if (run.status === 'in_progress') {
      const content = Buffer.from(JSON.stringify(run.inputs)).toString('base64');
      const answer = await fetch(`${this.emulator.urls.github}/repos/${run.repository}/contents/codemods.json`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body: JSON.stringify({ message: 'Apply codemods', content, branch: run.ref }),
      });
      if (answer.status !== 201) throw new Error(`the commit of ${run.id} was answered with ${answer.status}`);
      run.commit = (await answer.json()).commit.sha;
      run.status = 'completed';
      run.conclusion = 'success';
    }
  }
}

// A private Slipway that calls a front: { front, stack, folder }, all of it ended by front.end().
export async function startBehindFront() {
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-front-'));
  const token = path.join(folder, 'token');
  await writeFile(token, `${TOKEN}\n`, { mode: 0o600 });
  const front = await Front.start();
  let stack;
  front.end = async () => {
    await stack?.stop();
    await front.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    stack = await Stack.start({ flags: ['--no-emulator'], env: front.settings(token) });
  } catch (error) {
    await front.end();
    throw error;
  }
  return { front, stack, folder };
}
