/** All commands, in the order of the help. Each is loaded when it is needed: the others would be a good part of its start. */
import type { Command } from 'commander';

const COMMANDS: Readonly<Record<string, () => Promise<() => Command>>> = {
  serve: async () => (await import('./serve.ts')).serveCommand,
  check: async () => (await import('./check.ts')).checkCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  update: async () => (await import('./update.ts')).updateCommand,
  delete: async () => (await import('./delete.ts')).deleteCommand,
  token: async () => (await import('./token.ts')).tokenCommand,
  host: async () => (await import('./host.ts')).hostCommand,
  user: async () => (await import('./user.ts')).userCommand,
  history: async () => (await import('./history.ts')).historyCommand,
  zone: async () => (await import('./zone.ts')).zoneCommand,
  webhook: async () => (await import('./webhook.ts')).webhookCommand,
  backup: async () => (await import('./backup.ts')).backupCommand,
  restore: async () => (await import('./restore.ts')).restoreCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  health: async () => (await import('./health.ts')).healthCommand,
  reload: async () => (await import('./reload.ts')).reloadCommand,
  config: async () => (await import('./config.ts')).configCommand,
  setup: async () => (await import('./setup.ts')).setupCommand,
  init: async () => (await import('./init.ts')).initCommand,
  quickstart: async () => (await import('./quickstart.ts')).quickstartCommand,
};

/** In the order of the help. */
export const COMMAND_NAMES: readonly string[] = Object.keys(COMMANDS);

/** @param name of the one command to load; another name, or none: all of them, for errors and for the help of one */
export async function loadCommands(name: string | undefined): Promise<readonly (() => Command)[]> {
  const all = Object.entries(COMMANDS);
  const named = all.filter(([command]) => command === name);
  return Promise.all((named.length > 0 ? named : all).map(([, load]) => load()));
}
