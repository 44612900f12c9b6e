/**
 * The first run of a container: the wizard of `dyndns setup` in chromium, in the network of the container, up to the running
 * server. For scripts/image-test.mjs.
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { findTool } from '../../packaging/oci/container.mjs';

const NAME = 'dyndns.example.com';

/**
 * @param container of startContainer, whose output has the link
 * @param folder for files of this test
 * @returns how many steps it took, and how long
 */
export async function setUpInBrowser(container, folder) {
  const started = performance.now();
  const link = await printedLink(container);
  // The network of the container has its own loopback address.
  const program = join(folder, 'chromium-in-container');
  const enter = `${findTool('nsenter')} -t ${container.pid} -n`;
  writeFileSync(program, `#!/bin/sh\nexec ${enter} ${findTool('chromium-headless-shell')} "$@"\n`);
  chmodSync(program, 0o755);
  const browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] });
  let steps = 0;
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    const heading = (name) => page.getByRole('heading', { level: 1, name }).waitFor();
    const fill = async (label, text) => {
      steps += 1;
      await page.getByLabel(label, { exact: true }).fill(text);
    };
    const press = async (name) => {
      steps += 1;
      await page.getByRole('button', { name, exact: true }).click();
    };
    await page.goto(link);
    await heading('Who runs this server?');
    await fill('Password', 'a password for tests');
    await press('Continue');
    await heading('Which names shall follow your addresses?');
    await fill('Name of the zone', NAME);
    await fill('Public addresses of this server', '127.0.0.1');
    await press('Continue');
    await heading('Can the world reach it?');
    await page.getByText('DNS can use 0.0.0.0:53').waitFor();
    await press('Continue');
    await heading('Start the server');
    await press('Write the file and start');
    await heading('Your first name');
    await press('Continue');
    await heading('Connect your device');
  } finally {
    await browser.close();
  }
  return `${steps} steps, ${((performance.now() - started) / 1000).toFixed(1)} s`;
}

async function printedLink(container) {
  for (const end = performance.now() + 30_000; performance.now() < end; ) {
    const link = /http:\S+#setup=\S+/.exec(container.output())?.[0];
    if (link !== undefined) return link;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no link was printed: ${container.output()}`);
}
