// slipway new: what it lays down builds with the project's warnings and passes untouched, as it does with the
// edits that the guide makes; and nothing that stands there is harmed.
//
// covers: src/cli/command_new.c src/cli/scaffold.c src/cli/template.c
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from '../integration/stack.mjs';

const SOURCES = ['Makefile', '.ci', 'conf', 'include', 'src', 'tests', 'workflows'];
const BUILT = ['flags', 'gen', 'obj', 'packages', 'test-packages'];
const HEADER = 'workflows/actions.h';
let folder;
let tree;

// Times are kept, so that make builds only what is new.
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-new-'));
  tree = path.join(folder, 'tree');
  await mkdir(path.join(tree, 'build'), { recursive: true });
  execFileSync('cp', ['-a', ...SOURCES, tree]);
  const built = BUILT.map((name) => path.join(build, name)).filter((name) => existsSync(name));
  execFileSync('cp', ['-a', ...built, path.join(tree, 'build')]);
});
after(() => rm(folder, { recursive: true, force: true }));

function slipway(cwd, ...words) {
  return spawnSync(path.join(build, 'slipway'), ['new', ...words], { cwd, encoding: 'utf8' });
}

function make(...words) {
  const made = spawnSync('make', ['-j2', 'BUILD=build', ...words], { cwd: tree, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stdout + made.stderr);
}

function makeAndRun(things, checks, tests = 'workflows', ...flags) {
  const programs = things.map((thing) => `build/tests/${tests}/test_${thing}`);
  make(...flags, ...programs);
  for (const program of programs) {
    const ran = spawnSync(path.join(tree, program), { encoding: 'utf8' });
    assert.equal(ran.status, 0, ran.stdout + ran.stderr);
    assert.match(ran.stdout, checks);
  }
}

const source = (name) => readFile(path.join(tree, name), 'utf8');

// Everything below the two folders that it writes to, with the header: to see that nothing has changed.
async function snapshot() {
  const names = await Promise.all(
    ['workflows/actions', 'tests/workflows', 'workflows'].map((name) => readdir(path.join(tree, name))),
  );
  return JSON.stringify([names, await source(HEADER)]);
}

async function refused(words, pattern, cwd = tree) {
  const earlier = await snapshot();
  const result = slipway(cwd, ...words);
  assert.equal(result.status, 64, `${words}: ${result.stdout}${result.stderr}`);
  assert.match(result.stderr, pattern);
  assert.equal(result.stdout, '');
  assert.equal(await snapshot(), earlier);
}

test('what it lays down for each provider builds and passes untouched', async () => {
  const actions = [
    ['action', 'github.sample', 'sample'],
    ['action', 'vercel.edge-config.item', 'edge_config_item'],
    ['action', 'http.answers', 'answers'],
    ['action', 'vercel.hook', 'hook', '--listed'],
    ['removal', 'github.sample', 'sample_removal'],
    ['removal', 'vercel.edge-config.item', 'edge_config_item_removal'],
  ];
  for (const [what, name, thing, ...flags] of actions) {
    const result = slipway(tree, what, name, ...flags);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stdout, new RegExp(`^  make build/tests/workflows/test_${thing} && build/tests/`, 'm'));
    assert.equal(/^\t\.undo = &\w+_removal,$/m.test(result.stdout), what === 'removal');
  }
  makeAndRun(
    actions.map((words) => words[2]),
    /^100%: Checks: [4-9], Failures: 0, Errors: 0$/m,
  );
});

test('it fills in the names, and declares the action at its place', async () => {
  const action = await source('workflows/actions/vercel_edge_config_item.c');
  assert.match(action, /^const struct action_definition vercel_edge_config_item = \{$/m);
  assert.match(action, /^\t\.id = "vercel\.edge-config\.item",$/m);
  // Only GitHub has apps, of whose tokens `slipway check` wants a table.
  assert.doesNotMatch(action, /permissions/);
  for (const name of ['github_sample', 'github_sample_removal']) {
    assert.match(await source(`workflows/actions/${name}.c`), /^\t\.permissions = permissions,$/m);
  }
  const itsTest = await source('tests/workflows/test_edge_config_item.c');
  assert.match(itsTest, /^ \* covers: workflows\/actions\/vercel_edge_config_item\.c$/m);
  const removal = await source('workflows/actions/vercel_edge_config_item_removal.c');
  assert.match(removal, /^\t\.id = "vercel\.edge-config\.item-removal",$/m);
  assert.match(removal, /\.type = "edge_config_item",\n\t\t\.remove = remove_edge_config_item \};/);
  assert.match(action, /^\t\t\.type = "edge_config_item",$/m);
  const made = ['github_sample', 'github_sample_removal', 'http_answers', 'vercel_edge_config_item'];
  made.push('vercel_edge_config_item_removal');
  for (const name of made) {
    assert.doesNotMatch(await source(`workflows/actions/${name}.c`), /@[A-Z]+@/);
  }
  const declared = [...(await source(HEADER)).matchAll(/^extern const struct action_definition (\w+);$/gm)];
  const names = declared.map((match) => match[1]);
  for (const name of made) {
    const place = names.indexOf(name);
    assert.ok(place >= 0 && names.slice(0, place).every((before) => before < name), `${name} in ${names}`);
    assert.ok(names[place + 1] > name, `${name} in ${names}`);
  }
  assert.match(await source(HEADER), /;\n\n#endif\n$/);
});

// What a definition of the laid-down files is known by: blank lines stand between them and nowhere else.
const NAMED = '(struct \\w+ \\{|static const struct (?:call_row|string_pair) \\w+|START_TEST\\(\\w+'
  + '|#define (?:INPUT|KEY)';
const SUBJECT = new RegExp(`^${NAMED}|(?:static|const)[^=;]*?\\b\\w+\\()`, 'm');
const subjectOf = (definition) => SUBJECT.exec(definition)?.[1];

test('with the edits of the guide it builds and passes as well', async () => {
  assert.equal(slipway(tree, 'action', 'github.label').status, 0);
  const undo = slipway(tree, 'removal', 'github.label').stdout.match(/^\t\.undo = .*\n/m)[0];
  const guide = (await readFile('docs/writing-actions.md', 'utf8')).split('\n## 9.')[0];
  const edits = [...guide.matchAll(/^```c\n(.*?)\n```$/gms)].map((match) => match[1]);
  const files = ['label', 'label_removal'].flatMap((thing) => [
    `workflows/actions/github_${thing}.c`,
    `tests/workflows/test_${thing}.c`,
  ]);
  const made = new Set();
  for (const file of files) {
    const definitions = (await source(file)).split('\n\n').map((definition) => {
      const edit = edits.find((text) => subjectOf(text) && subjectOf(text) === subjectOf(definition));
      if (edit) made.add(edit);
      return edit ?? definition;
    });
    await writeFile(path.join(tree, file), definitions.join('\n\n'));
  }
  // What is laid down has no .validate: that is added.
  const added = edits.filter((edit) => !made.has(edit));
  assert.deepEqual(added.map(subjectOf), ['static void validate('], 'every other edit has its place');
  const whole = await source(files[0]);
  await writeFile(path.join(tree, files[0]), whole
    .replace('static enum action_result run(', (line) => `${added[0]}\n\n${line}`)
    .replace('\t.run = run,\n', (line) => `\t.validate = validate,\n${line}${undo}`));
  assert.ok(edits.length >= 6);
  makeAndRun(['label', 'label_removal'], /^100%: Checks: [57], Failures: 0, Errors: 0$/m);
});

// All that another provider takes: its file, and one line. Nothing else is changed, or told of it.
test('a provider that it lays down builds and passes untouched, and so does an action for it', async () => {
  const header = 'include/slipway/provider.h';
  const before = (await source(header)).split('\n');
  const result = slipway(tree, 'provider', 'planted');
  assert.equal(result.status, 0, result.stderr);
  assert.match(result.stdout, /^include\/slipway\/provider\.h: one line$/m);
  assert.doesNotMatch(await source('src/provider/planted.c'), /@[A-Z]+@/);
  const lines = (await source(header)).split('\n');
  const added = lines.findIndex((line, index) => line !== before[index]);
  assert.deepEqual(lines.splice(added, 1), ['\tPROVIDER(planted) \\']);
  assert.deepEqual(lines, before);
  assert.ok(before[added] > '\tPROVIDER(planted)', 'in the order of the names');

  // What is built need not know of it: the line declares what only the list names.
  execFileSync('touch', ['src/provider/providers.c'], { cwd: tree });
  const old = ['-o', header];
  makeAndRun(['planted', 'provider'], /^100%: Checks: \d+, Failures: 0, Errors: 0$/m, 'provider', ...old);
  make(...old, 'build/slipway');
  const own = (...words) => spawnSync('build/slipway', words, { cwd: tree, encoding: 'utf8' });
  assert.match(own('settings').stdout, /`SLIPWAY_PLANTED_TOKEN` \| `--planted-token-file`/);
  assert.match(own('new', 'action', 'other.thing').stderr, /is known: github, planted, vercel, or http/);
  assert.equal(own('new', 'action', 'planted.thing').status, 0);
  makeAndRun(['thing'], /^100%: Checks: 7, Failures: 0, Errors: 0$/m, 'workflows', ...old);
});

test('what is greatest comes last', async () => {
  assert.equal(slipway(tree, 'action', 'vercel.zone').status, 0);
  assert.match(await source(HEADER), /vercel_zone;\n\n#endif\n$/);
});

test('a second time is refused, and what was edited stays', async () => {
  const file = path.join(tree, 'workflows/actions/github_sample.c');
  await writeFile(file, '/* edited */\n');
  const message = /github_sample\.c stands there already; nothing was changed\n.*another name/;
  await refused(['action', 'github.sample'], message);
  await refused(['removal', 'github.sample'], /github_sample_removal\.c stands there already/);
  assert.equal(await readFile(file, 'utf8'), '/* edited */\n');
});

test('a test of the same name, or a declaration alone, is refused as well', async () => {
  await refused(['action', 'vercel.sample'], /test_sample\.c stands there already/);
  await rm(path.join(tree, 'workflows/actions/vercel_zone.c'));
  await rm(path.join(tree, 'tests/workflows/test_zone.c'));
  await refused(['action', 'vercel.zone'], /actions\.h declares vercel_zone already/);
});

test('where one file cannot be written, none is', async () => {
  const bare = path.join(folder, 'bare');
  await mkdir(path.join(bare, 'workflows/actions'), { recursive: true });
  await mkdir(path.join(bare, 'include/slipway'), { recursive: true });
  await writeFile(path.join(bare, 'include/slipway/action.h'), '');
  await writeFile(path.join(bare, HEADER), 'extern const struct action_definition note;\n');
  const result = slipway(bare, 'action', 'github.label');
  assert.equal(result.status, 64);
  assert.match(result.stderr, /cannot write .*test_label\.c.*: No such file or directory/);
  assert.deepEqual(await readdir(path.join(bare, 'workflows/actions')), []);
  assert.deepEqual(await readdir(path.join(bare, 'workflows')), ['actions', 'actions.h']);
  assert.equal(await readFile(path.join(bare, HEADER), 'utf8'), 'extern const struct action_definition note;\n');
});

test('a header without any action, or none at all, is refused', async () => {
  const bare = path.join(folder, 'bare');
  await writeFile(path.join(bare, HEADER), '');
  assert.match(slipway(bare, 'action', 'github.label').stderr, /actions\.h declares no action to put another beside/);
  await rm(path.join(bare, HEADER));
  assert.match(slipway(bare, 'action', 'github.label').stderr, /cannot read .*actions\.h: No such file/);
  assert.deepEqual(await readdir(path.join(bare, 'workflows/actions')), []);
});

test('names that are none are refused', async () => {
  const bad = ['github', 'github.', '.label', 'github..label', 'GitHub.label', 'github.la/bel', 'github.a_b'];
  bad.push(`github.${'x'.repeat(60)}`);
  for (const name of bad) await refused(['action', name], /is no name for an action/);
  await refused(['action', 'gitlab.label'], /begins with no provider that is known: github, vercel, or http/);
});

test('a provider of a bad name, or one that is there, is refused', async () => {
  for (const name of ['GitLab', '4chan', 'git-lab', 'git.lab', 'x'.repeat(21), 'http']) {
    await refused(['provider', name], /is no name for a provider: lower case and digits/);
  }
  await refused(['provider', 'github'], /src\/provider\/github\.c stands there already/);
  await refused(['provider', 'gitlab', '--listed'], /--listed is for an action/);
});

test('anything else than an action or a removal is refused', async () => {
  await refused(['workflow', 'site.two'], /'workflow' is nothing that can be laid down; 'action' and 'removal' are/);
  await refused(['action', 'http.answers', '--listed'], /only checks: it makes nothing that could be listed/);
  await refused(['removal', 'github.sample', '--listed'], /--listed is for an action/);
  await refused(['removal', 'http.answers'], /'http.answers' only checks: it makes nothing that could be removed/);
  await refused([], /WHAT is missing/);
  await refused(['action'], /NAME is missing/);
  await refused(['action', 'github.one', 'github.two'], /unexpected argument 'github.two'/);
});

test('outside a source tree it is refused; --dir names one', async () => {
  await refused(['action', 'github.far'], /the current folder is not Slipway's source tree/, folder);
  await refused(['action', 'github.far', '--dir', folder], /slipway-new-\w+ is not Slipway's source tree.*\n.*--dir/);
  assert.equal(slipway(folder, 'action', 'github.far', '--dir', tree).status, 0);
  assert.ok(existsSync(path.join(tree, 'workflows/actions/github_far.c')));
});
