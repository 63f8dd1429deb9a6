// The README's commands are run, its action is the one in the sources, and its links lead somewhere.
//
// covers: src/cli/command_workflows.c workflows/actions/note.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Stack, build } from './stack.mjs';

const run = promisify(execFile);
const readme = await readFile('README.md', 'utf8');
const fence = '`'.repeat(3);
const blocks = (language) => [...readme.matchAll(new RegExp(`^${fence}${language}\n(.*?)^${fence}`, 'gms'))]
  .map((match) => match[1]);

let stack;
before(async () => { stack = await Stack.start({ flags: ['--no-emulator'] }); });
after(() => stack.stop());

test('its shell commands work', async () => {
  const lines = blocks('sh').join('').split('\n').filter((line) => line && !line.startsWith('make '));
  assert.ok(lines.length >= 10);
  for (const line of lines) {
    const command = line.replaceAll('http://127.0.0.1:8080', stack.url)
      .replaceAll(/^build\/slipway/g, `${build}/slipway`)
      .replaceAll(/(\$PWD\/)?build\/dev-run/g, stack.folder);
    const env = { ...process.env, SLIPWAY_URL: stack.url };
    const { stdout } = await run('sh', ['-c', command], { env });
    assert.ok(stdout.trim().length > 0, `${line} prints nothing`);
    assert.doesNotMatch(stdout, /"class":|^ERR|WRONGTYPE/, line);
  }
});

test("the operations page's looks into Redis work, and none of them writes", async () => {
  const page = (await readFile('docs/operations.md', 'utf8')).split('\n## Looking\n')[1];
  const lines = page.split('```sh\n')[1].split('```')[0].split('\n').filter((line) => line.startsWith('redis-cli '));
  assert.ok(lines.length >= 16);
  await stack.untilStatus('demo', 'hello', 'greet', 'done');
  const looked = [];
  for (const line of lines) {
    const { stdout } = await run('sh', ['-c', line.replace('redis-cli', `redis-cli -s ${stack.folder}/redis.sock`)]);
    assert.doesNotMatch(stdout, /^(ERR|WRONGTYPE|NOGROUP)/m, line);
    looked.push(line.split(' ')[1]);
  }
  assert.deepEqual(looked.filter((word) => /^(X?(ADD|DEL)|H?SET|Z(ADD|REM)|EXPIRE|EVAL)/.test(word)), []);
});

test('its JavaScript works', async () => {
  const [code] = blocks('js');
  const script = code.replaceAll('http://127.0.0.1:8080', stack.url) + 'console.log(status.status);\n';
  const { stdout } = await run('node', ['--input-type=module', '-e', script]);
  assert.equal(stdout.trim(), 'done');
});

test('its action is the one in the sources', async () => {
  assert.equal(blocks('c')[0], await readFile('workflows/actions/note.c', 'utf8'));
});

test('the make targets that it names are there', async () => {
  const makefile = await readFile('Makefile', 'utf8');
  const targets = [...readme.matchAll(/make ([a-z]+)/g)];
  assert.ok(targets.length > 0);
  for (const [, target] of targets) {
    assert.match(makefile, new RegExp(`^${target}:`, 'm'), target);
  }
});

test('its links lead somewhere', async () => {
  const links = [...readme.matchAll(/\]\(([^)]+)\)/g)];
  assert.ok(links.length > 0);
  for (const [, link] of links) await access(link.split('#')[0]);
});
