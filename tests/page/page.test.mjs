// The page in a browser: what it shows of what the server says, and what a person can do with it. On a private Slipway,
// and where that would take a provider's bad day, on a server that follows a script.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Stack, slipway, until } from '../integration/stack.mjs';
import { startStub } from '../client/stub.mjs';
import { barriers, startBrowser, visit } from './browser.mjs';

let browser;
let stack;
before(async () => {
  // No provider is there, and none is asked: there is no token.
  const env = { SLIPWAY_GITHUB_URL: 'http://127.0.0.1:9', SLIPWAY_VERCEL_URL: 'http://127.0.0.1:9' };
  [browser, stack] = await Promise.all([startBrowser(), Stack.start({ flags: ['--no-emulator'], env })]);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

const DOMAIN = { id: 'domain', action: 'vercel.domain', summary: 'Put a domain on it', inputKey: 'domain', needs: [],
  input: { type: 'object', properties: { name: { type: 'string' }, adopt: { type: 'boolean' } } } };
const REPO = { id: 'repo', action: 'github.repository', summary: 'Make the repository', inputKey: 'repo', needs: [],
  input: { type: 'object', properties: { name: { type: 'string' } } } };

// A page of an app on a server that follows these scripts; its steps are started.
async function visitScripted(context, scripts) {
  const workflows = [{ id: 'site', summary: 'A site', steps: [DOMAIN, REPO] }];
  const stub = await startStub({ workflows, folder: 'client' });
  context.after(() => stub.close());
  Object.assign(stub.scripts, scripts);
  const page = await visit(browser, `${stub.url}/?workflow=site&app=acme`, context);
  await start(page);
  return { stub, page };
}

const open = (context, query) => visit(browser, `${stack.url}/?${query}`, context);
const card = (page, step) => page.getByRole('listitem').filter({ has: page.locator('.step-id', { hasText: step }) });
const button = (page, name) => page.getByRole('button', { name, exact: true });
const start = (page) => button(page, 'Start').click();
const unfold = (page) =>
  page.locator('#inputs details').evaluateAll((all) => all.forEach((one) => { one.open = true; }));
const untilDone = (page, count) => page.getByText(`${count} of ${count} done.`).waitFor();
const runId = async (app, step) => (await stack.status(app, 'hello', step)).runId;

test('what a person has to do for a step to go on is shown, with its address as a link', async (context) => {
  const detail = 'Set in the DNS of shop.example: CNAME www to dns.vercel.example. See https://vercel.example/dns.';
  const waits = { phase: 'blocked', reason: 'person', detail, nextPollMs: 60000 };
  const { page } = await visitScripted(context, { domain: [waits] });
  const domain = card(page, 'domain');
  await domain.getByText('CNAME www to dns.vercel.example').waitFor();
  assert.equal(await domain.getByRole('link').getAttribute('href'), 'https://vercel.example/dns');
  assert.equal(await domain.locator('.badge').textContent(), 'Your turn');
  assert.deepEqual(await barriers(page), []);
});

test('a failed step shows where its remedy is, and leads to the field that is to be changed', async (context) => {
  const failed = (url) => {
    const remedy = { text: 'Adopt it, or look at it.', url, inputKey: 'adopt' };
    const error = { class: 'conflict_foreign', retryable: false, message: 'It is taken.', remedy };
    return [{ status: 'error', error }];
  };
  const { page } = await visitScripted(context, {
    domain: failed('https://vercel.example/acme/domains'),
    repo: failed('javascript:alert(1)'),
  });
  const domain = card(page, 'domain');
  assert.equal(await domain.getByRole('link').getAttribute('href'), 'https://vercel.example/acme/domains');
  // Closed by the person meanwhile: the way leads there all the same.
  await page.locator('#inputs summary').first().click();
  await domain.getByRole('button', { name: 'Change “Adopt”' }).click();
  const focused = await page.evaluate(() => {
    const { activeElement } = document;
    return [activeElement?.type, activeElement?.closest('details').open, activeElement?.labels?.[0].textContent];
  });
  assert.deepEqual(focused, ['checkbox', true, 'Adopt (optional)']);
  // An address that is no https is text, and a field that the step's form does not have is led to by nothing.
  const repo = card(page, 'repo');
  await repo.getByText('javascript:alert(1)').waitFor();
  assert.equal(await repo.getByRole('link').count(), 0);
  assert.equal(await repo.getByRole('button', { name: /Change/ }).isVisible(), false);
});

test('another workflow or app in the choice takes the steps of the first away', async (context) => {
  const page = await open(context, 'workflow=hello&app=choice');
  await page.getByRole('heading', { name: 'choice: hello' }).waitFor();
  await page.getByLabel('Workflow').selectOption('site');
  assert.equal(await page.getByRole('listitem').count(), 0);
  assert.equal(await page.locator('#workspace').isVisible(), false);
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('heading', { name: 'choice: site' }).waitFor();
  await page.getByRole('textbox', { name: 'App' }).fill('other');
  await page.getByLabel('Workflow').focus();
  assert.equal(await page.locator('#workspace').isVisible(), false);
  assert.equal(new URL(page.url()).searchParams.get('app'), 'choice');
});

test('an address without a workflow opens none', async (context) => {
  const page = await open(context, 'app=some');
  await page.getByRole('option', { name: 'hello' }).waitFor({ state: 'attached' });
  assert.equal(await page.getByRole('textbox', { name: 'App' }).inputValue(), 'some');
  assert.equal(await page.getByLabel('Workflow').inputValue(), '');
  assert.equal(await page.locator('#workspace').isVisible(), false);
});

test('a workflow is run, reused in words, and run again as a step and as a whole', async (context) => {
  const page = await open(context, 'workflow=hello&app=again');
  await page.getByLabel('Text', { exact: true }).fill('good morning');
  await start(page);
  await untilDone(page, 2);
  const first = [await runId('again', 'greet'), await runId('again', 'repeat')];

  await start(page);
  await card(page, 'repeat').getByText(/^Reused, finished .*(ago|just now): nothing was run\.$/).waitFor();
  assert.deepEqual([await runId('again', 'greet'), await runId('again', 'repeat')], first);

  await page.getByRole('button', { name: /^Run again: .*/ }).first().click();
  await stack.untilStatus('again', 'hello', 'greet', ({ status, runId: id }) => status === 'done' && id !== first[0]);
  assert.equal(await runId('again', 'repeat'), first[1]);
  await card(page, 'greet').getByText(/^Finished at/).waitFor();

  await page.getByRole('button', { name: 'Run all again' }).click();
  await stack.untilStatus('again', 'hello', 'repeat', ({ status, runId: id }) => status === 'done' && id !== first[1]);
  await untilDone(page, 2);
  assert.deepEqual(await barriers(page), []);
});

test('what a person has to fill in comes first, the rest is folded, and a mistake unfolds it', async (context) => {
  const page = await open(context, 'workflow=site&app=first');
  await page.getByRole('heading', { name: 'first: site' }).waitFor();
  const forms = await page.locator('#inputs > details').evaluateAll((all) =>
    all.map((one) => [one.querySelector('.step-id').textContent, one.open]));
  assert.deepEqual(forms.filter(([, isOpen]) => isOpen).map(([id]) => id), ['repo', 'project']);
  assert.deepEqual(forms.slice(0, 3).map(([id]) => id), ['repo', 'project', 'files']);
  assert.equal(forms.length, 11);
  const repo = page.locator('#inputs > details').first();
  const fork = repo.getByLabel('Fork (optional)', { exact: true });
  for (const name of ['Owner', 'Name'])
    assert.equal(await repo.getByLabel(name, { exact: true }).isVisible(), true, name);
  assert.equal(await fork.isVisible(), false);
  assert.deepEqual(await barriers(page), []);
  await repo.getByText('Optional', { exact: true }).click();
  await fork.fill('no repository');
  await repo.getByText('Optional', { exact: true }).click();
  assert.equal(await fork.isVisible(), false);
  await start(page);
  await page.getByRole('alert').getByText('repo, fork').waitFor();
  await until(() => fork.isVisible(), 'the field that is wrong is shown');
  assert.equal(await fork.getAttribute('aria-invalid'), 'true');
  assert.deepEqual(await barriers(page), []);
});

test('what a workflow puts in by itself is a default, where it may be replaced', async (context) => {
  const page = await open(context, 'workflow=hello&app=bound');
  await page.getByLabel('Text', { exact: true }).fill('first');
  await unfold(page);
  const second = page.getByLabel('Text (optional)');
  assert.equal(await second.getAttribute('placeholder'), 'again: ${step.greet.text}');
  await second.fill('second');
  await start(page);
  await untilDone(page, 2);
  assert.equal((await stack.status('bound', 'hello', 'repeat')).output.text, 'second');
});

test('all that is wrong with the inputs is said at once, before anything is stored or made', async (context) => {
  const page = await open(context, 'workflow=site&app=wrong');
  await page.locator('#inputs').getByLabel('Owner', { exact: true }).first().fill('acme');
  await unfold(page);
  await page.locator('#inputs').getByLabel('Name (optional)', { exact: true }).fill('no domain');
  await start(page);
  const alert = page.getByRole('alert');
  await alert.getByText('Nothing was started').waitFor();
  const wrong = await page.locator('#inputs [aria-invalid=true]').evaluateAll((fields) =>
    fields.map((field) => field.closest('details').querySelector('code').textContent));
  assert.ok(['repo', 'project', 'domain'].every((step) => wrong.includes(step)), wrong.join());
  assert.match(await alert.textContent(), /repo, name: [^]*domain, name: /);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-invalid')), 'true');
  assert.equal(await stack.redis('KEYS', 'slipway:{0}:app:default:wrong:*'), '');
  assert.deepEqual(await barriers(page), []);
});

test('what somebody else has configured since is seen before it is run', async (context) => {
  const page = await open(context, 'workflow=hello&app=both');
  await page.getByLabel('Text', { exact: true }).fill('mine');
  await start(page);
  await untilDone(page, 2);
  await stack.post({ mode: 'configure', appId: 'both', inputs: { greet: { text: 'theirs' } } });
  await start(page);
  await page.getByRole('alert').getByText('Open the app again').waitFor();
  assert.equal((await stack.status('both', 'hello', 'greet')).output.text, 'mine');
  await page.getByRole('button', { name: 'Open' }).click();
  await page.waitForFunction(() => document.querySelector('#inputs input')?.value === 'theirs');
  await start(page);
  await stack.untilStatus('both', 'hello', 'repeat', ({ output }) => output.text === 'again: theirs');
});

test('a step whose thing was removed says so, and counts as not done', async (context) => {
  const done = { status: 'done', removed: true, output: { name: 'docs' } };
  const { page } = await visitScripted(context, { repo: [done] });
  await card(page, 'repo').getByText('Its result has been removed since.').waitFor();
  await page.getByText('1 of 2 done.').waitFor();
});

test('a secret is entered in a password box, and what is stored is shown nowhere', async (context) => {
  const clear = 'correct-horse-in-clear';
  const inputs = { repo: { owner: 'acme', name: 'sealed', fork: 'upstream/app-template' }, project: { name: 'sealed' },
    check: { path: '/', protectionBypass: 'an-older-secret' } };
  assert.equal((await stack.post({ mode: 'configure', appId: 'sealed', inputs })).status, 200);
  const page = await open(context, 'workflow=site&app=sealed');
  await page.locator('#inputs summary', { hasText: 'check' }).click();
  const box = page.getByLabel('Protection bypass (optional)', { exact: true });
  const facts = await box.evaluate((input) => [input.type, input.autocomplete, input.value]);
  assert.deepEqual(facts, ['password', 'off', '']);
  assert.match(await box.getAttribute('placeholder'), /^Stored\./);
  assert.deepEqual(await barriers(page), []);

  const configured = [];
  page.on('request', (request) => {
    const body = request.method() === 'POST' ? request.postDataJSON() : {};
    if (body.mode === 'configure') configured.push(body.inputs);
  });
  // Saves what was entered, and waits until the run has ended: there is no provider.
  const save = async () => {
    await start(page);
    await button(page, 'Start').and(page.locator('[aria-disabled=false]')).waitFor();
  };
  // Left empty it stays what it is.
  await page.locator('#inputs details[open]').getByLabel('Path (optional)').fill('/health');
  await save();
  // An entered one goes out once, and is gone from the page then.
  await box.fill(clear);
  await page.getByRole('button', { name: 'Show what is entered in Protection bypass' }).click();
  assert.equal(await box.getAttribute('type'), 'text');
  await save();
  assert.deepEqual(await box.evaluate((input) => [input.type, input.value]), ['password', '']);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]) +
    document.documentElement.outerHTML + [...document.querySelectorAll('input')].map(({ value }) => value).join());
  assert.ok(!kept.includes(clear));
  await page.getByRole('button', { name: 'Remove the stored Protection bypass' }).click();
  await save();
  assert.deepEqual(configured.map(({ check }) => check),
    [{ path: '/health' }, { protectionBypass: clear }, { protectionBypass: null }]);
  assert.ok(!(await stack.redis('HGET', 'slipway:{0}:app:default:sealed:payload', 'inputs')).includes('sealed.'));
});

test('a changed list wants the secrets in it once more, and stays as it was until then', async (context) => {
  const variables = [{ key: 'ONE', value: 'an-older-secret' }, { key: 'TWO', value: '${secret.TWO}' }];
  const inputs = { repo: { owner: 'acme', name: 'list', fork: 'upstream/app-template' }, project: { name: 'list' },
    env: { variables } };
  await stack.post({ mode: 'configure', appId: 'list', inputs, secrets: { TWO: 'another-secret' } });
  const page = await open(context, 'workflow=site&app=list');
  await page.locator('#inputs summary', { hasText: 'env' }).click();
  const form = page.locator('#inputs details[open]').filter({ has: page.locator('summary', { hasText: 'env' }) });
  await form.getByLabel('Key').last().fill('THREE');
  await start(page);
  await page.getByRole('alert').getByText('stored secrets cannot be read back').waitFor();
  const box = form.getByLabel('Value', { exact: true }).first();
  assert.equal(await box.evaluate((input) => document.activeElement === input), true);
  assert.equal((await stack.post({ mode: 'configure', appId: 'list' })).body.inputs.env.variables[1].key, 'TWO');
  await box.fill('a-newer-secret');
  await start(page);
  await card(page, 'repo').getByText('Failed').waitFor();
  const { body } = await stack.post({ mode: 'configure', appId: 'list' });
  assert.deepEqual(body.inputs.env.variables, [{ key: 'ONE' }, { key: 'THREE', value: '${secret.TWO}' }]);
  assert.deepEqual(body.sealed, ['/inputs/env/variables/0/value']);
});

// The second step of `hello` waits for another app: whatever happens meanwhile happens after the first one.
const gated = (gate, rest = {}) => ({
  workflowId: 'hello',
  inputs: { greet: { text: 'hello' }, repeat: { text: `behind \${app.${gate}.hello.greet.text}` } },
  ...rest,
});
const openGate = (gate, text = 'the gate') =>
  stack.post({ mode: 'start', appId: gate, workflowId: 'hello', inputs: { greet: { text } } });
const deployment = (page) => page.locator('#deployment');

test('the deployment goes on without the page, and is shown the same wherever it is opened', async (context) => {
  const first = await open(context, 'workflow=hello&app=away');
  await first.getByLabel('Text', { exact: true }).fill('hello');
  await unfold(first);
  await first.getByLabel('Text (optional)').fill('behind ${app.gate-1.hello.greet.text}');
  await start(first);
  await deployment(first).getByText('Deploying.').waitFor();
  await card(first, 'repeat').getByText('it waits for gate-1.hello.greet').waitFor();
  assert.deepEqual(await barriers(first), []);
  await first.reload();
  const second = await open(context, 'workflow=hello&app=away');
  for (const page of [first, second]) {
    await card(page, 'greet').getByText(/^Finished at/).waitFor();
    await deployment(page).getByText(/It goes on also if you close this page/).waitFor();
    assert.equal(await card(page, 'repeat').locator('.badge').textContent(), 'Waiting');
    assert.equal(await button(page, 'Running…').getAttribute('aria-disabled'), 'true');
  }
  await first.goto('about:blank');
  const watched = slipway('status', 'away', 'hello', '--watch', '--url', stack.url);
  await openGate('gate-1');
  await deployment(second).getByText(/^Deployed\. Finished at/).waitFor();
  await untilDone(second, 2);
  assert.equal(await button(second, 'Cancel').isVisible(), false);
  const { code, stdout } = await watched;
  assert.equal(code, 0);
  assert.match(stdout, /^repeat +done .*behind the gate$/m);
});

test('two tabs that start the same at once show one deployment', async (context) => {
  const { inputs } = gated('gate-5');
  await stack.post({ mode: 'configure', appId: 'tabs', inputs });
  const pages = await Promise.all([1, 2].map(() => open(context, 'workflow=hello&app=tabs')));
  await Promise.all(pages.map((page) => page.getByRole('heading', { name: 'tabs: hello' }).waitFor()));
  await Promise.all(pages.map(start));
  await Promise.all(pages.map((page) => deployment(page).getByText('Deploying.').waitFor()));
  await openGate('gate-5');
  await Promise.all(pages.map((page) => deployment(page).getByText('Deployed.').waitFor()));
  const { body } = await stack.get('/api/apps/tabs/deployments');
  assert.equal(body.deployments.length, 1);
  for (const page of pages) assert.equal(await page.getByRole('alert').count(), 0);
});

test('a start that another client was faster with says so in words for a person', async (context) => {
  const stub = await startStub({ folder: 'client' });
  context.after(() => stub.close());
  const page = await visit(browser, `${stub.url}/?workflow=site&app=acme`, context);
  const remedy = { text: 'Send the request again with "replace": true.' };
  // One that is being cancelled, and cannot be replaced.
  const current = { status: 'running', reason: 'cancelling' };
  const body = { class: 'run_conflict', detail: 'It is being deployed with different inputs.', remedy, current };
  stub.fail('start', { status: 409, body });
  await start(page);
  const alert = page.getByRole('alert');
  await alert.getByText('It is being deployed with different inputs. Wait until it has ended, or cancel it').waitFor();
  assert.doesNotMatch(await alert.textContent(), /replace/i);
});

// Opens an app with these words entered, and has another client start it otherwise before the page knows of that.
async function overtaken(context, app, gate) {
  const page = await open(context, `workflow=hello&app=${app}`);
  await page.getByRole('heading', { name: `${app}: hello` }).waitFor();
  let tell = () => {};
  const told = new Promise((resolve) => { tell = resolve; });
  await page.route(/\/api\/deploy\?/, async (route) => { await told; await route.continue(); });
  await page.getByLabel('Text', { exact: true }).fill('mine');
  const { status } = await stack.post(gated(gate, { mode: 'start', appId: app }));
  assert.equal(status, 202);
  await start(page);
  await page.getByRole('alert').getByText('Wait until it has ended, or replace it.').waitFor();
  tell();
  return page;
}
const listed = async (app) => (await stack.get(`/api/apps/${app}/deployments`)).body.deployments;

test('a deployment that is in the way is replaced, after a question in words', async (context) => {
  const page = await overtaken(context, 'swap', 'gate-6');
  await deployment(page).getByText('Deploying.').waitFor();
  await button(page, 'Replace it').click();
  const dialog = page.getByRole('dialog', { name: 'Replace the deployment of swap?' });
  await dialog.getByText(/^The deployment that is under way was started with other inputs.* It is cancelled/).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'dialog-title');
  assert.deepEqual(await barriers(page), []);
  await button(page, 'Back').click();
  assert.deepEqual((await listed('swap')).map(({ status }) => status), ['running']);
  await button(page, 'Replace it').click();
  await button(page, 'Cancel it and start this one').click();
  await deployment(page).getByText('Deployed.').waitFor();
  assert.equal((await stack.status('swap', 'hello', 'greet')).output.text, 'mine');
  const all = await listed('swap');
  assert.deepEqual(all.map(({ status, reason }) => reason ?? status), ['done', 'cancelled']);
  assert.equal(await page.getByRole('alert').isVisible(), false);
});

test('where what was in the way has ended before it is replaced, this one is only started', async (context) => {
  const page = await overtaken(context, 'late', 'gate-7');
  await openGate('gate-7');
  await stack.untilStatus('late', 'hello', 'repeat', 'done');
  await button(page, 'Replace it').click();
  await button(page, 'Cancel it and start this one').click();
  await card(page, 'greet').getByText(/^Finished at/).waitFor();
  await until(async () => (await listed('late')).map(({ status }) => status).join() === 'done,done', 'both are done');
  assert.equal((await stack.status('late', 'hello', 'greet')).output.text, 'mine');
});

test('what another client starts is shown by a page that is open', async (context) => {
  const page = await open(context, 'workflow=hello&app=theirs');
  await page.getByRole('heading', { name: 'theirs: hello' }).waitFor();
  await stack.post(gated('gate-2', { mode: 'start', appId: 'theirs' }));
  await deployment(page).getByText('Deploying.').waitFor();
  await openGate('gate-2');
  await deployment(page).getByText('Deployed.').waitFor();
});

// Counts the polls of a page that wait at a time, in the page: seen from outside, one may begin before another one ends
// for which it has waited.
function countHeld() {
  const { fetch } = globalThis;
  let held = 0;
  globalThis.mostHeld = 0;
  globalThis.fetch = async (address, options) => {
    if (!new URL(address, location.href).searchParams.has('wait')) return fetch(address, options);
    held += 1;
    globalThis.mostHeld = Math.max(globalThis.mostHeld, held);
    try {
      const response = await fetch(address, options);
      await response.clone().arrayBuffer();
      return response;
    } finally {
      held -= 1;
    }
  };
}

test('however much a page follows, two of its polls wait at a time, and a trigger is sent at once', async (context) => {
  const apps = Array.from({ length: 8 }, (_, i) => `many-${i}`);
  await Promise.all(apps.map((app) => stack.post(gated('gate-many', { mode: 'start', appId: app }))));
  const page = await open(context, 'workflow=hello&app=many-0');
  await page.addInitScript(countHeld);
  await page.reload();
  const polled = new Map();
  page.on('request', (request) => {
    const app = new URL(request.url()).searchParams.get('appId');
    polled.set(app, (polled.get(app) ?? 0) + 1);
  });
  await page.evaluate(async (all) => {
    const { SlipwayClient } = await import('/slipway.js');
    globalThis.ended = all.map((app) =>
      new SlipwayClient({ baseUrl: location.origin }).watchWorkflow('hello', app).then(() => app));
  }, apps);
  await until(() => apps.every((app) => polled.get(app) >= 4), 'each is polled again and again');
  assert.equal(await page.evaluate(() => globalThis.mostHeld), 2);
  // Those that waited for nobody else's change would keep all six connections for long.
  const begun = await page.evaluate(async () => {
    const { SlipwayClient } = await import('/slipway.js');
    return new SlipwayClient({ baseUrl: location.origin }).trigger('hello', 'many-new', 'greet',
      { inputs: { greet: { text: 'now' } } });
  });
  assert.equal(begun.status, 'running');
  await openGate('gate-many');
  assert.deepEqual(await page.evaluate(() => Promise.all(globalThis.ended)), apps);
});

test('cancelled after a question, and retried: what was done stays done', async (context) => {
  await stack.post(gated('gate-3', { mode: 'start', appId: 'asked' }));
  const page = await open(context, 'workflow=hello&app=asked');
  await card(page, 'greet').getByText('Done', { exact: true }).waitFor();
  await button(page, 'Cancel').click();
  await page.getByRole('dialog', { name: 'Cancel the deployment of asked?' }).waitFor();
  // Whoever presses Enter without having read it cancels nothing.
  assert.equal(await page.evaluate(() => document.activeElement.id), 'dialog-title');
  assert.deepEqual(await barriers(page), []);
  await button(page, 'Back').click();
  assert.equal((await stack.get('/api/deploy?appId=asked&workflowId=hello')).body.deployment.status, 'running');
  await button(page, 'Cancel').click();
  await button(page, 'Cancel the deployment').click();
  await deployment(page).getByText(/^Cancelled\. Ended at .* a retry goes on with it/).waitFor();
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  const greet = await runId('asked', 'greet');
  await button(page, 'Retry what failed').click();
  await deployment(page).getByText('Deploying.').waitFor();
  await openGate('gate-3');
  await deployment(page).getByText('Deployed.').waitFor();
  assert.equal(await runId('asked', 'greet'), greet);
});

test('what failed and what waits for it is told, and a result is given by hand', async (context) => {
  const inputs = { repo: { owner: 'acme', name: 'hand', fork: 'upstream/none' }, project: { name: 'hand' },
    check: { url: 'https://example.org/' } };
  await stack.post({ mode: 'start', appId: 'hand', workflowId: 'site', inputs });
  const page = await open(context, 'workflow=site&app=hand');
  await deployment(page).getByText(/^Failed\. Ended at .* Failed: repo\. Waiting for that: .*project, env/).waitFor();
  assert.equal(await card(page, 'project').locator('.badge').textContent(), 'On hold');
  await card(page, 'project').getByText('it needs repo, which failed').waitFor();
  assert.equal(await page.getByRole('button', { name: /^Give the result/ }).filter({ visible: true }).count(), 1);
  await card(page, 'repo').getByRole('button', { name: /^Give the result/ }).click();
  const asked = page.getByRole('dialog');
  await asked.getByLabel('Full name (optional)').fill('acme/hand');
  await asked.getByLabel('Id (optional)').fill('1.5');
  assert.deepEqual(await barriers(page), []);
  await button(page, 'Take this result').click();
  await asked.getByRole('alert').waitFor();
  assert.equal(await asked.getByLabel('Id (optional)').getAttribute('aria-invalid'), 'true');
  await asked.getByLabel('Id (optional)').fill('7');
  await button(page, 'Take this result').click();
  await asked.waitFor({ state: 'hidden' });
  await card(page, 'repo').getByText('Done', { exact: true }).waitFor();
  assert.equal((await stack.status('hand', 'site', 'repo')).output.fullName, 'acme/hand');
});

test('what was made from something that has changed since says so', async (context) => {
  await openGate('gate-4', 'first');
  await stack.post(gated('gate-4', { mode: 'start', appId: 'old' }));
  await stack.untilStatus('old', 'hello', 'repeat', 'done');
  await openGate('gate-4', 'second');
  await stack.untilStatus('old', 'hello', 'repeat', ({ stale }) => stale);
  const page = await open(context, 'workflow=hello&app=old');
  await card(page, 'repeat').getByText('Made from something that has changed since. Start again').waitFor();
  await page.getByText('2 of 2 done and 1 out of date.').waitFor();
  assert.deepEqual(await barriers(page), []);
});

test('the apps are listed, each with a link to what deploys it', async (context) => {
  await stack.post({ mode: 'start', appId: 'listed', workflowId: 'hello', inputs: { greet: { text: 'hello' } } });
  await stack.untilStatus('listed', 'hello', 'repeat', 'done');
  const page = await open(context, '');
  const link = page.getByRole('link', { name: 'listed: hello' });
  await link.waitFor();
  assert.deepEqual(await barriers(page), []);
  await link.click();
  await page.getByRole('heading', { name: 'listed: hello' }).waitFor();
  await deployment(page).getByText('Deployed.').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'Apps' }).isVisible(), false);
});

test('where a token is needed the page asks for it, and goes on with it in this tab alone', async (context) => {
  const stub = await startStub({ workflows: [{ id: 'site', summary: 'A site', steps: [REPO] }], folder: 'client' });
  context.after(() => stub.close());
  stub.token = 'sw_good';
  const page = await visit(browser, `${stub.url}/?workflow=site&app=acme`, context);
  await page.getByText('the request has no valid token').waitFor();
  await page.getByText('Give a token that an operator has made for you.').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'token');
  assert.deepEqual(await barriers(page), []);
  await page.keyboard.type('sw_wrong');
  await page.keyboard.press('Enter');
  await until(() => stub.requests.at(-1).headers.authorization === 'Bearer sw_wrong', 'it is tried');
  await page.getByText('the request has no valid token').waitFor();
  await page.getByLabel('Token').fill('sw_good');
  await page.getByLabel('Token').press('Enter');
  await button(page, 'Start').waitFor();
  assert.equal(await page.locator('#notice').isVisible(), false);
  await page.reload();
  await button(page, 'Start').waitFor();
  const other = await visit(browser, `${stub.url}/?workflow=site&app=acme`, context);
  await other.getByText('the request has no valid token').waitFor();
  assert.equal(page.url().includes('sw_'), false);
});
