// Tests the fault suite itself: plants a fault in the product, one at a time, in a copy of the project, and looks
// whether the row that is named catches it.
//
//   mutants.mjs [NAME...]      prints a line a mutant; exit status 1 where one was not caught. Needs what
//                              `make FAULTS=1` has built
//   mutants.mjs --places       looks only whether each has its place in the product still
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const scripts = 'src/store/scripts';
const points = (what, actions) => JSON.stringify({ points: what, actions, times: 1, clusters: 1 });

// { name, file, from, to, row, scale: JSON for --with }
const mutants = [
  {
    name: 'no fence on renew',
    file: `${scripts}/renew.lua`,
    from: "if was[1] ~= 'running' or was[2] ~= token then",
    to: 'if false then',
    row: 'failpoints',
    scale: points('before.renew', ['stop']),
  },
  {
    name: 'no fence on the write that finishes',
    file: `${scripts}/finish.lua`,
    from: 'if not is_held(was.status, was.lease, arg.token) then',
    to: 'if false then',
    row: 'failpoints',
    scale: points('before.finish', ['stop']),
  },
  {
    name: 'no fence on progress',
    file: `${scripts}/progress.lua`,
    from: 'if not is_held_by(arg.token) then',
    to: 'if false then',
    row: 'failpoints',
    scale: points('before.progress', ['stop']),
  },
  {
    name: 'a write without looking whether the run exists',
    file: `${scripts}/lease.lua`,
    from: "return status == 'running' and lease == token",
    to: 'return not lease or lease == token',
    row: 'failpoints',
    scale: points('before.finish', ['stop']),
  },
  {
    name: 'expired leases are not taken over',
    file: `${scripts}/reap.lua`,
    from: 'if lease_until > now then',
    to: 'if true then',
    row: 'kills',
  },
  {
    name: 'crashes are not counted',
    file: `${scripts}/reap.lua`,
    from: "redis.call('HINCRBY', run, 'crashes', 1) >= tonumber(arg.crashes_max)",
    to: 'false',
    row: 'poison',
  },
  {
    name: 'a run that is taken keeps its place',
    file: `${scripts}/serve.lua`,
    from: "redis.pcall('ZPOPMIN', key)",
    to: "redis.pcall('ZRANGE', key, 0, 0)",
    row: 'kills',
  },
  {
    name: 'a waiting run comes back an hour late',
    file: `${scripts}/states.lua`,
    from: 'math.min(now + milliseconds,',
    to: 'math.min(now + 3600000,',
    row: 'storm',
  },
  {
    name: 'two live runs of one step',
    file: `${scripts}/trigger_run.lua`,
    from: "if was.status == 'running' then",
    to: 'if false then',
    row: 'kills',
  },
  {
    name: 'a run whose worker died before it knew of it is left',
    file: `${scripts}/reap.lua`,
    from: 'if lease_until > now then',
    to: 'if true then',
    row: 'failpoints',
    scale: points('after.take', ['kill']),
  },
  {
    name: '429 burns an attempt',
    file: 'src/worker/outcome.c',
    from: 'return failure->class == ERROR_RATE_LIMITED ||',
    to: 'return',
    row: 'storm',
  },
  {
    name: 'all try a closed provider at once',
    file: `${scripts}/gate.lua`,
    from: "put('probing', PROBE_MS, closed)\n\tend\n\treturn { 0, state and 1 or 0, 0, told, 0, 0 }",
    to: 'end\n\treturn { 0, 0, 0, told, 0, 0 }',
    row: 'storm',
  },
  {
    name: 'all ask a provider that is down',
    file: `${scripts}/outage.lua`,
    from: 'if count >= FAILED_MAX then',
    to: 'if count < 0 then',
    row: 'storm',
  },
  {
    name: 'lease by wall clock',
    file: 'src/worker/executor.c',
    from: 'return is_open && clock_monotonic_ms() < atomic_load',
    to: `static int64_t offset;
	if (offset == 0)
		offset = clock_wall_ms() - clock_monotonic_ms();
	return is_open && clock_wall_ms() - offset < atomic_load`,
    row: 'clocks',
    scale: '{"jumps":8}',
  },
  {
    name: 'no guard before a call',
    file: 'src/http/client.c',
    from: 'return guard->may_go_on == NULL || guard->may_go_on(guard->context);',
    to: 'return guard != NULL;',
    row: 'failpoints',
    scale: points('provider.before.POST', ['stop']),
  },
  {
    name: 'an action that does not look first',
    file: 'tests/faults/object.c',
    from: 'if (answer.status != 404)',
    to: 'if (answer.status == 999)',
    row: 'failpoints',
    scale: points('after.POST', ['kill']),
  },
  {
    name: 'who waits for a step is not told that it is done',
    file: `${scripts}/dependants.lua`,
    from: "redis.call('ZADD', key, now, user)",
    to: '',
    row: 'deployments-clients',
    scale: JSON.stringify({ clients: 4 }),
  },
  {
    name: 'a start makes runs in the place of live ones',
    file: `${scripts}/place.lua`,
    from: "if status == 'running' and (digest == step.digest or not waits) then",
    to: 'if false then',
    row: 'deployments-two',
  },
  {
    name: 'a deployment ends while a step of it works',
    file: `${scripts}/deployment.lua`,
    from: "elseif status == 'running' then",
    to: "elseif status == 'running' and reason == 'needs' then",
    row: 'deployments-killed',
    scale: JSON.stringify({ apps: 6, kills: 1 }),
  },
  {
    name: 'a worker that stops hands nothing back',
    file: 'src/worker/clean_up.c',
    from: 'if (ended->stopping)\n\t\t\trelease(',
    to: 'if (false)\n\t\t\trelease(',
    row: 'rolling',
  },
  {
    name: 'requests wait for a Redis that does not answer',
    file: 'src/store/redis.c',
    from: 'if (began < redis->paused_until)',
    to: 'if (false)',
    row: 'slow-redis',
  },
  {
    name: 'a worker takes what another build has otherwise',
    file: `${scripts}/claim_run.lua`,
    from: "return arg.definitions == '' or",
    to: 'return true or',
    row: 'builds',
  },
  {
    name: 'a need that another build made counts as done',
    file: `${scripts}/basis.lua`,
    from: " or not has_outputs(need[5], line() or '', need[2])",
    to: '',
    row: 'builds',
    scale: '{"runs":300}',
  },
  {
    name: 'what is compiled in no longer is not found',
    file: 'src/api/target.c',
    from: 'if (class == ERROR_NONE)\n\t\t*ret_target = find(service, app, workflow, step);\n\treturn class;',
    to: 'if (class == ERROR_NONE)\n\t\t*ret_target = find(service, app, workflow, step);\n\t' +
      'return class != ERROR_NONE || target_is_known(ret_target) ? class : target_unknown(ret_target, error);',
    row: 'builds',
  },
  {
    name: 'the token is written to standard error',
    file: 'src/action/connection.c',
    from: 'sodium_bin2hex(name, CREDENTIAL_SIZE, hash, 8);',
    to: 'text_copy(name, CREDENTIAL_SIZE, "none");\n\tfprintf(stderr, "%s\\n", text);',
    row: 'storm',
  },
];

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const wanted = process.argv.slice(2);

if (wanted[0] === '--places') {
  const gone = mutants.filter(({ file, from }) => !readFileSync(path.join(root, file), 'utf8').includes(from));
  for (const { name, file } of gone) console.log(`gone: the place of the mutant '${name}' in ${file}`);
  if (gone.length === 0) console.log(`places: of all ${mutants.length} mutants`);
  process.exit(gone.length === 0 ? 0 : 1);
}

const copy = mkdtempSync(path.join(tmpdir(), 'slipway-mutants-'));

function copyProject() {
  for (const file of execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n')) {
    mkdirSync(path.dirname(path.join(copy, file)), { recursive: true });
    cpSync(path.join(root, file), path.join(copy, file), { preserveTimestamps: true });
  }
  cpSync(path.join(root, 'build/faults'), path.join(copy, 'build/faults'), {
    recursive: true,
    preserveTimestamps: true,
  });
}

const build = () => spawnSync('make', ['-j2', 'FAULTS=1', 'all'], { cwd: copy, encoding: 'utf8' });

function tryMutant(mutant) {
  const file = path.join(copy, mutant.file);
  const whole = readFileSync(file, 'utf8');
  if (!whole.includes(mutant.from)) return `its place is not in ${mutant.file} any more`;
  writeFileSync(file, whole.replace(mutant.from, mutant.to));
  const made = build();
  const result =
    made.status === 0 &&
    spawnSync('node', ['tests/faults/run.mjs', '--scale', 'part', '--with', mutant.scale ?? '{}', mutant.row], {
      cwd: copy,
      encoding: 'utf8',
      env: { ...process.env, FAULTS_TIMED: '1', BUILD: path.join(copy, 'build/faults') },
    });
  writeFileSync(file, whole);
  utimesSync(file, new Date(), new Date());
  if (made.status !== 0) return `it does not build: ${made.stderr.slice(-300)}`;
  const found = result.stdout.split('\n').find((line) => /^ {9}\S/.test(line));
  if (result.status === 0 || found === undefined) return 'nothing was violated';
  mutant.found = found.trim();
  return undefined;
}

copyProject();
let missed = 0;
for (const mutant of mutants.filter((one) => wanted.length === 0 || wanted.includes(one.name))) {
  const why = tryMutant(mutant);
  if (why === undefined)
    console.log(`mutant '${mutant.name}': caught by ${mutant.row}: ${mutant.found.slice(0, 120)}`);
  else console.log(`mutant '${mutant.name}': NOT CAUGHT by ${mutant.row}: ${why}`);
  missed += why === undefined ? 0 : 1;
}
rmSync(copy, { recursive: true });
process.exit(missed === 0 ? 0 : 1);
