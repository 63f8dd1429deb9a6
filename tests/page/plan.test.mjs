// A plan on the page: what each step would make of what is entered, before anything is stored or made.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Stack, until } from '../integration/stack.mjs';
import { barriers, startBrowser, visit } from './browser.mjs';

let browser;
let stack;
before(async () => {
  [browser, stack] = await Promise.all([startBrowser(), Stack.start()]);
});
after(async () => {
  await browser?.close();
  await stack?.stop();
});

const planned = (page, step) =>
  page.locator('#plan-steps > li').filter({ has: page.locator('.step-id', { hasText: step }) });
const show = (page) => page.getByRole('button', { name: 'Show what it would do' }).click();

async function visitSite(context, app, repo, more = {}) {
  const { inputs, config } = JSON.parse(await readFile('conf/dev/sample.json', 'utf8'));
  const changed = { ...inputs, repo: { ...inputs.repo, ...repo }, project: { name: app }, ...more };
  await stack.post({ mode: 'configure', appId: app, inputs: changed, config: { ...config, checkUrl: stack.url } });
  return visit(browser, `${stack.url}/?workflow=site&app=${app}`, context);
}

test('what each step would make is shown, with what it waits for, and the hash of the plan', async (context) => {
  const page = await visitSite(context, 'page-plan', { name: 'page-plan' });
  await show(page);
  await planned(page, 'repo').getByText('The repository acme/page-plan.').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'plan-title');
  assert.equal(await page.locator('#plan-steps > li').count(), 11);
  assert.equal(await planned(page, 'project').locator('.badge').textContent(), 'Creates');
  await planned(page, 'env').getByText('SITE_NAME does not exist').waitFor();
  await planned(page, 'env').getByText(/^More is known after: /).waitFor();
  await planned(page, 'files').getByText('Nothing to do').waitFor();
  assert.match(await page.locator('#plan-calls').textContent(), /GitHub: \d+ calls made; at least \d+ needed/);
  assert.match(await page.locator('#plan-hash').textContent(), /^Plan [0-9a-f]{64}$/);
  assert.deepEqual(await barriers(page), []);
  // Nothing was started by it.
  const { body } = await stack.get('/api/deploy?appId=page-plan&workflowId=site');
  assert.ok(body.actions.every(({ status }) => status === 'idle'));
});

test('where a step changes more than a plan lists, the page says how much more', async (context) => {
  const variables = Array.from({ length: 66 }, (_, index) => ({ key: `V${index}`, value: 'x', type: 'plain' }));
  const page = await visitSite(context, 'page-many', { name: 'page-many' }, { env: { variables } });
  await show(page);
  await planned(page, 'env').getByText('V63 does not exist').waitFor();
  assert.equal(await planned(page, 'env').locator('ul > li').last().textContent(), 'And 2 more.');
});

test('what is entered counts, is not stored, and what is in the way is shown with its remedy', async (context) => {
  const page = await visitSite(context, 'page-way', { name: 'page-way', fork: 'upstream/nothing-of-it' });
  await page.locator('#inputs details', { hasText: 'repo' }).first().locator('summary').first().click();
  await page.locator('#inputs details', { hasText: 'repo' }).first().getByText('Optional', { exact: true }).click();
  await page.locator('#inputs').getByLabel('Fork (optional)', { exact: true }).fill('not a repository');
  await show(page);
  const repo = planned(page, 'repo');
  await repo.getByText('What to do:').waitFor();
  assert.equal(await repo.locator('.badge').textContent(), 'Blocked');
  const { body } = await stack.post({ mode: 'configure', appId: 'page-way' });
  assert.equal(body.inputs.repo.fork, 'upstream/nothing-of-it');
  assert.deepEqual(await barriers(page), []);
});

test('what was shown is done, exactly; what is no longer so is not, and the page says what moved', async (context) => {
  const page = await visitSite(context, 'page-exact', { name: 'page-exact' });
  await show(page);
  await planned(page, 'repo').getByText('The repository acme/page-exact.').waitFor();
  const run = page.getByRole('button', { name: 'Do exactly this' });
  // Somebody else deploys it meanwhile.
  await stack.post({ mode: 'start', appId: 'page-exact', workflowId: 'site' });
  const status = async () => (await stack.get('/api/deploy?appId=page-exact&workflowId=site')).body.deployment?.status;
  await until(async () => (await status()) === 'done', 'it is deployed');
  await run.click();
  const notice = page.locator('#notice');
  await notice.getByText(/the world has changed since the plan [0-9a-f]{12}: repo: it was 'create' and is/).waitFor();
  await notice.getByText('Look at a new plan, and start with its hash.').waitFor();
  assert.deepEqual(await barriers(page), []);
  await show(page);
  await planned(page, 'repo').getByText('Nothing to do').first().waitFor();
  await run.click();
  await page.getByText('11 of 11 done.').waitFor();
});

test('another app takes the plan of the first away', async (context) => {
  const page = await visitSite(context, 'page-other', { name: 'page-other' });
  await show(page);
  await page.locator('#plan-hash').waitFor();
  await page.getByRole('textbox', { name: 'App' }).fill('some-other');
  await page.getByLabel('Workflow').focus();
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('heading', { name: 'some-other: site' }).waitFor();
  assert.equal(await page.locator('#plan').isVisible(), false);
});
