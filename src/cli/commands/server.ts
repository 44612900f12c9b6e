/** The commands that start a server. */
import type { Command } from 'commander';
import { quickstartCommand } from './quickstart.ts';
import { serveCommand } from './serve.ts';

export const COMMANDS: readonly (() => Command)[] = [serveCommand, quickstartCommand];
