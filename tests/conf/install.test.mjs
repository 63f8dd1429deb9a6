// What docs/operations.md says to install, done as it says, into a folder that stands for the root of a machine.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } = fs;
const project = fileURLToPath(new URL('../..', import.meta.url));
const folder = fs.mkdtempSync(path.join(tmpdir(), 'slipway-install-'));
const [machine, source] = [path.join(folder, 'root'), path.join(folder, 'source')];
const at = (name) => path.join(machine, name);
const read = (name) => readFileSync(at(name), 'utf8');

// The shell blocks of the sections, those that install something, in their order.
function blocks() {
  const text = readFileSync(path.join(project, 'docs/operations.md'), 'utf8');
  return ['Programs', 'Redis', 'nginx', 'systemd'].flatMap((title) => {
    const section = text.split(`\n### ${title}\n`)[1].split(/\n##+ /)[0];
    const all = [...section.matchAll(/```sh\n([^]*?)```/g)].map((match) => match[1]);
    return all.filter((block) => /install|cp /.test(block));
  });
}

before(() => {
  cpSync(path.join(project, 'conf'), path.join(source, 'conf'), { recursive: true });
  cpSync(path.join(project, 'client'), path.join(source, 'client'), { recursive: true });
  mkdirSync(path.join(source, 'build'));
  for (const name of ['build/slipway-api', 'build/slipway-worker', 'build/slipway', 'github-token', 'vercel-token',
    'secrets.keys']) {
    writeFileSync(path.join(source, name), 'x\n');
  }
  // What a Debian has of it already.
  for (const name of ['usr/bin', 'usr/lib', 'usr/share', 'etc/systemd/system', 'etc/redis', 'etc/nginx/conf.d']) {
    mkdirSync(at(name), { recursive: true });
  }
  writeFileSync(at('etc/redis/redis.conf'), 'port 6379\n');
  // Programs that would reach for the machine itself; only its root may give a file to another user.
  const stubs = path.join(folder, 'stubs');
  mkdirSync(stubs);
  for (const name of ['systemctl', 'journalctl', 'nginx']) writeFileSync(path.join(stubs, name), '#!/bin/sh\n');
  writeFileSync(path.join(stubs, 'install'), `#!/bin/sh
if [ "$1" = -o ] && [ "$3" = -g ]; then shift 4; fi
exec /usr/bin/install "$@"\n`);
  for (const name of fs.readdirSync(stubs)) chmodSync(path.join(stubs, name), 0o755);
  for (const block of blocks()) {
    const script = block.replace(/(?<![\w.])\/(etc|usr|var)(?=\/|\b)/g, `${machine}/$1`);
    const done = spawnSync('sh', ['-euc', script],
      { cwd: source, encoding: 'utf8', env: { ...process.env, PATH: `${stubs}:${process.env.PATH}` } });
    assert.equal(done.status, 0, `${block}\n${done.stdout}${done.stderr}`);
    assert.equal(done.stderr, '', block);
  }
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

test('all units and the drop-in of Redis are where systemd looks', () => {
  for (const name of ['slipway-api.socket', 'slipway-api.service', 'slipway-worker.service',
    'redis-server.service.d/slipway.conf']) {
    assert.equal(read(`etc/systemd/system/${name}`), readFileSync(path.join(project, 'conf/systemd', name), 'utf8'));
  }
});

test('what the units execute, read and load is there, and secrets are for their owner alone', () => {
  const units = ['slipway-api.service', 'slipway-worker.service', 'redis-server.service.d/slipway.conf'];
  const text = units.map((name) => read(`etc/systemd/system/${name}`)).join('\n');
  const own = [...text.matchAll(/^Exec\w+=.*?(\/usr\/(?:bin\/slipway|lib\/slipway)\S*)/gm)].map((match) => match[1]);
  assert.deepEqual(own.sort(), ['/usr/bin/slipway-api', '/usr/bin/slipway-worker', '/usr/lib/slipway/repair-aof']);
  for (const name of own) assert.equal(statSync(at(name)).mode & 0o777, 0o755, name);
  for (const [, name] of text.matchAll(/^EnvironmentFile=(\/\S+)/gm)) assert.ok(existsSync(at(name)), name);
  const credentials = [...text.matchAll(/^LoadCredential=[\w-]+:(\S+)/gm)].map((match) => match[1]);
  assert.equal(credentials.length, 5);
  for (const name of credentials) assert.equal(statSync(at(name)).mode & 0o777, 0o600, name);
  assert.doesNotMatch(text, /REDIS_URL/);
});

test('the users of Redis have the passwords that the services are given, and redis.conf includes it all', () => {
  for (const user of ['api', 'worker']) {
    const hash = createHash('sha256').update(read(`etc/slipway/${user}.password`)).digest('hex');
    assert.match(read('etc/redis/users.acl'), new RegExp(`^user slipway-${user} .* #${hash}$`, 'm'));
  }
  assert.equal(statSync(at('etc/redis/users.acl')).mode & 0o777, 0o600);
  assert.match(read('etc/redis/redis.conf'), /^include \S*\/etc\/redis\/slipway.conf$/m);
  assert.ok(existsSync(at('etc/redis/slipway.conf')));
});

test('the page and the server of nginx are there', () => {
  assert.ok(existsSync(at('usr/share/slipway/client/index.html')));
  const server = readFileSync(path.join(project, 'conf/nginx/slipway.conf'), 'utf8');
  assert.equal(read('etc/nginx/conf.d/slipway.conf'), server);
});

test('units limit what they take of the machine, and do not restart on settings that cannot be used', () => {
  for (const name of ['api', 'worker']) {
    const unit = read(`etc/systemd/system/slipway-${name}.service`);
    for (const line of [/^MemoryMax=\d+G$/m, /^TasksMax=\d+$/m, /^RestartPreventExitStatus=78$/m]) {
      assert.match(unit, line);
    }
  }
});
