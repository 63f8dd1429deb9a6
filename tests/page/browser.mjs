// Debian's chromium, driven by playwright-core: one browser for a test file, a context of its own for each page.
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import path from 'node:path';

const require = createRequire(path.resolve(process.env.BUILD ?? 'build', 'page', 'package.json'));
const { chromium } = require('playwright-core');
const axe = require('axe-core');

// As root there is no sandbox; and nothing of it may look for the network.
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

export function startBrowser() {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
}

// A page at this address. What it complains of on its console, such as of the content policy, fails the test.
export async function visit(browser, address, context, options = {}) {
  const within = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
  const page = await within.newPage();
  page.setDefaultTimeout(60000);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  // The browser's own line about an answer of 4xx is no complaint of ours.
  page.on('console', (line) => line.type() === 'error' && !/Failed to load resource/.test(line.text()) &&
    complaints.push(line.text()));
  context.after(async () => {
    if (process.env.SCREENSHOTS) {
      const name = context.name.replaceAll(/\W+/g, '-');
      await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
    }
    await within.close();
    assert.deepEqual(complaints, []);
  });
  await page.goto(address);
  return page;
}

// What axe finds that keeps somebody from using the page.
export async function barriers(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
