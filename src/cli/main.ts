#!/usr/bin/env node
/**
 * Starts the command line. A SIGHUP while the program loads would end a server that is about to start, so its handler is
 * installed first; everything else is imported after that.
 */
import { catchHangups, isServerCommand } from './hangups.ts';

if (isServerCommand(process.argv.slice(2))) catchHangups();
await import('./program.ts');
