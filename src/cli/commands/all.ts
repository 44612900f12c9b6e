/** All commands, in the order of the help. */
import type { Command } from 'commander';
import { backupCommand } from './backup.ts';
import { checkCommand } from './check.ts';
import { configCommand } from './config.ts';
import { deleteCommand } from './delete.ts';
import { doctorCommand } from './doctor.ts';
import { historyCommand } from './history.ts';
import { hostCommand } from './host.ts';
import { initCommand } from './init.ts';
import { quickstartCommand } from './quickstart.ts';
import { reloadCommand } from './reload.ts';
import { restoreCommand } from './restore.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { tokenCommand } from './token.ts';
import { updateCommand } from './update.ts';
import { webhookCommand } from './webhook.ts';
import { zoneCommand } from './zone.ts';

export const COMMANDS: readonly (() => Command)[] = [
  serveCommand,
  checkCommand,
  doctorCommand,
  updateCommand,
  deleteCommand,
  tokenCommand,
  hostCommand,
  historyCommand,
  zoneCommand,
  webhookCommand,
  backupCommand,
  restoreCommand,
  statusCommand,
  reloadCommand,
  configCommand,
  initCommand,
  quickstartCommand,
];
