// A private redis-server with conf/redis exactly as shipped: slipway.conf is included, and the users are those of
// users.acl, each with a password given to it as slipway.conf says. No shipped line is changed; one user is added.
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const shipped = fileURLToPath(new URL('../../conf/redis', import.meta.url));
// For what a test does to Redis and no shipped user may: FLUSHALL, CONFIG SET, REPLICAOF and the like.
export const TESTER = 'tester';

function makeUsers(folder, passwordFile) {
  let text = readFileSync(path.join(shipped, 'users.acl'), 'utf8');
  mkdirSync(folder, { mode: 0o700 });
  for (const name of [...text.matchAll(/^user (slipway-\S+) /gm)].map((match) => match[1]).concat(TESTER)) {
    const password = randomBytes(32).toString('base64').replace(/[=+/]/g, '');
    const hash = createHash('sha256').update(password).digest('hex');
    writeFileSync(passwordFile(name), `${password}\n`, { mode: 0o600 });
    if (name === TESTER) text += `user ${TESTER} on ~* &* +@all #${hash}\n`;
    else text = text.replace(new RegExp(`^user ${name} .*$`, 'm'), `$& #${hash}`);
  }
  writeFileSync(path.join(folder, 'users.acl'), text, { mode: 0o600 });
}

// The keys of all workers of a test, and the public one of slipway-api.
function makeKeys(file) {
  const program = path.join(process.env.BUILD ?? 'build', 'slipway');
  const done = spawnSync(program, ['key', file], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stdout + done.stderr);
  return done.stdout.trim().replace(/^SLIPWAY_SECRETS_PUBLIC_KEY=/, '');
}

// Writes the users into the folder, and says how redis.conf names them and how each logs in.
export function shippedUsers(folder) {
  const own = path.join(folder, 'users');
  const passwordFile = (user) => path.join(own, `${user}.password`);
  makeUsers(own, passwordFile);
  const keys = path.join(own, 'secrets.keys');
  const publicKey = makeKeys(keys);
  return {
    keys,
    publicKey,
    lines: [`include "${path.join(shipped, 'slipway.conf')}"`, `aclfile "${path.join(own, 'users.acl')}"`],
    acl: path.join(own, 'users.acl'),
    passwordFile,
    password: (user) => readFileSync(passwordFile(user), 'utf8').trim(),
    // With which a program logs in at a socket; a worker needs keys as well.
    flags: (user, socket) => ['--redis-url', `unix://${user}@${socket}`, '--redis-password-file', passwordFile(user),
      ...(user === 'slipway-worker' ? ['--secrets-keys-file', keys] : [])],
  };
}

export class RedisServer {
  constructor(folder, { lines = [] } = {}) {
    this.folder = folder;
    this.socket = path.join(folder, 'redis.sock');
    this.users = shippedUsers(folder);
    this.lines = lines;
    mkdirSync(path.join(folder, 'redis'));
  }

  // Returns when it answers; throws where it has ended instead, with what it said.
  async start() {
    const own = ['port 0', `unixsocket "${this.socket}"`, `dir "${path.join(this.folder, 'redis')}"`, 'save ""'];
    const file = path.join(this.folder, 'redis.conf');
    writeFileSync(file, [...own, ...this.users.lines, ...this.lines, ''].join('\n'));
    this.output = '';
    this.process = spawn('redis-server', [file], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (bytes) => { this.output += bytes; });
    }
    this.gone = false;
    this.ended = new Promise((resolve) => {
      this.process.once('close', (code, signal) => {
        this.gone = true;
        resolve({ code, signal });
      });
    });
    while (this.cli('slipway-ops', 'PING') !== 'PONG') {
      if (this.gone) throw new Error(`redis-server has ended:\n${this.output}`);
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    return this;
  }

  // Asked again until it ends: Redis forgets a SIGTERM that comes while it writes its first append-only file, as a new
  // replica does.
  async stop(signal = 'SIGTERM') {
    while (this.process !== undefined && !this.gone) {
      this.process.kill(signal);
      await Promise.race([this.ended, new Promise((resolve) => { setTimeout(resolve, 200).unref(); })]);
    }
  }

  cli(user, ...words) {
    return this.ask(user, words);
  }

  // The same where the last word may be longer than any of a command line, such as the library of all scripts.
  cliWith(last, user, ...words) {
    return this.ask(user, ['-x', ...words], last);
  }

  ask(user, words, input) {
    const done = spawnSync('redis-cli', ['-s', this.socket, '--user', user, '--no-auth-warning', '--raw', ...words],
      { encoding: 'utf8', env: { ...process.env, REDISCLI_AUTH: this.users.password(user) }, input });
    return (done.stdout + done.stderr).trim();
  }

  flags(user) {
    return this.users.flags(user, this.socket);
  }

  // What slipway-api calls and may not load: as the operator does, or the first worker.
  loadFunctions() {
    const program = path.join(process.env.BUILD ?? 'build', 'slipway');
    const done = spawnSync(program, ['functions', 'load', ...this.flags('slipway-verify')], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(done.stdout + done.stderr);
    return this;
  }
}
