/** Starts one chromium for all browser tests of a run, and ends it after them (globalSetup of vitest.config.ts). */
import { type BrowserServer, chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { findProgram } from '../support/programs.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Empty: there is no chromium here. */
    browserEndpoint: string;
  }
}

let server: BrowserServer | undefined;

export async function setup(project: TestProject): Promise<void> {
  const executablePath = findProgram('chromium-headless-shell');
  if (executablePath !== undefined) {
    server = await chromium.launchServer({
      executablePath,
      host: '127.0.0.1',
      args: ['--no-sandbox', '--font-render-hinting=none', '--force-color-profile=srgb', '--disable-lcd-text'],
    });
  }
  project.provide('browserEndpoint', server?.wsEndpoint() ?? '');
}

export async function teardown(): Promise<void> {
  await server?.close();
}
