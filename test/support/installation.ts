// A Debian machine's file tree in one directory, for tests that install what deploy/ holds and run what docs/ say.
// Paths (/etc, /var, /run, the installed package) and ports are mapped; everything else is used as it is written.
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FinishedProgram, runProgram } from './process.ts';

export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const PACKAGE = '/usr/local/lib/node_modules/dyndns';
const MAPPED_PATH = String.raw`(?<![\w.$)}])/(?:etc|var|run)(?=/)|${PACKAGE}(?=/)`;

export interface InstallationOptions {
  /** Root of the tree; it exists and is empty or nearly so. */
  readonly directory: string;
  /** Port that stands for 53 of the primary. */
  readonly dnsPort: number;
  /** Last word on the text of each file of deploy/, after the paths were mapped. */
  readonly adapt?: (path: string, text: string) => string;
  /** More environment variables of the commands. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface Installation {
  /** Where an absolute path of the documents lies on this machine. */
  path(absolute: string): string;
  /** Maps the paths in a text. */
  relocate(text: string): string;
  /** Writes a file that the distribution's package would have brought; paths in it are mapped. */
  write(absolute: string, text: string): string;
  /** Runs all blocks of a document that are marked ```sh WORD, as one shell script that stops at the first error. */
  runBlocks(document: string, word: string): Promise<FinishedProgram>;
}

/** The fenced blocks of a Markdown text whose information string is `sh WORD`; throws when there is none. */
export function fencedBlocks(markdown: string, word: string): readonly string[] {
  const blocks = [...markdown.matchAll(/^```sh (\S+)\n([\s\S]*?)^```$/gm)]
    .filter((match) => match[1] === word)
    .map((match) => match[2] ?? '');
  if (blocks.length === 0) throw new Error(`no block marked "sh ${word}"`);
  return blocks;
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

/** Makes the tree, with a copy of deploy/ in which the paths are mapped, as if the package were installed. */
export function makeInstallation(options: InstallationOptions): Installation {
  const { directory, dnsPort } = options;
  const path = (absolute: string) => join(directory, absolute);
  // A path that lies in the tree already stays as it is, wherever the temporary directory of this machine is.
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

  // Where the tests do not run as root, nobody can give files away; the servers run as this user then.
  const shims = path('/shims');
  mkdirSync(shims);
  if (process.getuid?.() !== 0) writeFileSync(join(shims, 'chown'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });

  function adaptCommands(script: string): string {
    return relocate(script)
      .replaceAll(/\b(k?dig) @127\.0\.0\.1/g, `$1 -p ${dnsPort} @127.0.0.1`)
      .replaceAll(/^server 127\.0\.0\.1$/gm, `server 127.0.0.1 ${dnsPort}`)
      .replaceAll(/\bpdnsutil /g, `pdnsutil --config-dir=${path('/etc/powerdns')} `)
      .replaceAll(/^nginx -t$/gm, `nginx -t -c ${path('/etc/nginx/nginx.conf')}`)
      .replaceAll(/^dyndns /gm, `${process.execPath} ${installed}/dist/cli/main.js `);
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
