/**
 * What most commands begin with: the configuration that `--config`, the environment and the search order give, and its
 * zones, open for as long as the command takes.
 */
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import { findConfigFile, type LoadedConfig, loadConfig } from '../config/load.ts';
import type { ZoneTable } from '../core/zone.ts';
import { openZones } from '../open-zones.ts';

/** @throws ConfigError */
export function loadFor(command: Command): LoadedConfig & { readonly file: string } {
  const { config: flag } = command.optsWithGlobals<{ config?: string }>();
  const file = findConfigFile({ flag, environment: process.env, cwd: process.cwd() });
  return { ...loadConfig(file, process.env), file };
}

/** For commands that talk to primaries and end: what would be logged goes to the error output. */
export const quietObserver = {
  batchPublished: () => undefined,
  requestAnswered: () => undefined,
  dnsUpdateAnswered: () => undefined,
  warn: (text: string) => void process.stderr.write(`WARNING: ${text}\n`),
};

/** Runs a task on the zones of the configuration, and closes the connections to their primaries however it ends. */
export async function withZones(config: Config, task: (zones: ZoneTable) => Promise<void>): Promise<void> {
  const zones = await openZones(config, quietObserver);
  try {
    await task(zones.table);
  } finally {
    zones.closeConnections();
    await zones.nameserver?.close();
  }
}
