/**
 * The file tree of a Debian machine in one directory, for tests that install deploy/ and run the commands of docs/.
 * Only paths (/etc, /var, /run, the installed package) and ports are mapped.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FinishedProgram, runProgram } from './process.ts';

export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PACKAGE = '/usr/local/lib/node_modules/dyndns';
const MAPPED_PATH = String.raw`(?<![\w.$)}])/(?:etc|var|run)(?=/)|${PACKAGE}(?=/)`;

export interface InstallationOptions {
  /** The existing root directory of the tree. */
  readonly directory: string;
  /** The port that replaces port 53 of the primary. */
  readonly dnsPort: number;
  /** Adapts each file of deploy/, after its paths were mapped. */
  readonly adapt?: (path: string, text: string) => string;
  /** Adapts the commands of a document, before their paths are mapped. */
  readonly adaptCommands?: (script: string) => string;
  /** Additional environment variables of the commands. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface Installation {
  /** Maps an absolute path of the documents into the tree. */
  path(absolute: string): string;
  /** Maps the paths in a text. */
  relocate(text: string): string;
  /** Writes a file that the distribution's package would install; paths in it are mapped. */
  write(absolute: string, text: string): string;
  /** Runs all blocks ```sh WORD of a document as one shell script, which stops at the first error. */
  runBlocks(document: string, word: string): Promise<FinishedProgram>;
}

/** Returns the fenced blocks of a Markdown text with the info string `sh WORD`, also in list items. @throws Error if there is none */
export function fencedBlocks(markdown: string, word: string): readonly string[] {
  const blocks = [...markdown.matchAll(/^ *```sh (\S+)\n([\s\S]*?)^ *```$/gm)]
    .filter((match) => match[1] === word)
    .map((match) => match[2] ?? '');
  if (blocks.length === 0) throw new Error(`There is no block marked "sh ${word}".`);
  return blocks;
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

/** Creates the tree as if the package were installed, with mapped paths in deploy/. */
export function makeInstallation(options: InstallationOptions): Installation {
  const { directory, dnsPort } = options;
  const path = (absolute: string) => join(directory, absolute);
  // A path that is in the tree already is not mapped again, even if the tree is below /var.
  const mapped = new RegExp(`${directory.replaceAll(/[.+$^]/g, String.raw`\$&`)}|${MAPPED_PATH}`, 'g');
  const relocate = (text: string) => text.replaceAll(mapped, (found) => (found === directory ? found : path(found)));

  const installed = path(PACKAGE);
  mkdirSync(installed, { recursive: true });
  cpSync(join(REPOSITORY, 'deploy'), join(installed, 'deploy'), { recursive: true });
  for (const file of filesBelow(join(installed, 'deploy'))) {
    const text = relocate(readFileSync(file, 'utf8'));
    writeFileSync(file, options.adapt?.(file.slice(installed.length + 1), text) ?? text);
  }
  symlinkSync(join(REPOSITORY, 'dist'), join(installed, 'dist'));
  mkdirSync(path('/etc'), { recursive: true });

  // Without root, chown fails, and the servers run as this user.
  const shims = path('/shims');
  mkdirSync(shims);
  if (process.getuid?.() !== 0) writeFileSync(join(shims, 'chown'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });

  function adaptCommands(script: string): string {
    return relocate(options.adaptCommands?.(script) ?? script)
      .replaceAll(/\b(k?dig) @127\.0\.0\.1/g, `$1 -p ${dnsPort} @127.0.0.1`)
      .replaceAll(/^server 127\.0\.0\.1$/gm, `server 127.0.0.1 ${dnsPort}`)
      .replaceAll(/\bpdnsutil /g, `pdnsutil --config-dir=${path('/etc/powerdns')} `)
      .replaceAll(/^nginx -t$/gm, `nginx -t -c ${path('/etc/nginx/nginx.conf')}`)
      .replaceAll(/^( *)dyndns /gm, `$1${process.execPath} ${installed}/dist/cli/main.js `);
  }

  return {
    path,
    relocate,
    write(absolute, text) {
      const target = path(absolute);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, relocate(text));
      return target;
    },
    runBlocks(document, word) {
      const markdown = readFileSync(join(REPOSITORY, document), 'utf8');
      const script = adaptCommands(fencedBlocks(markdown, word).join('\n'));
      return runProgram('sh', ['-e', '-u'], {
        input: script,
        cwd: directory,
        env: {
          ...process.env,
          PATH: `${shims}:${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`,
          ...options.env,
        },
      });
    },
  };
}
