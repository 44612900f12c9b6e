/**
 * deploy/container: what the Dockerfile copies exists, it starts like the image of `npm run package oci`, the compose files set
 * options that the program knows, and knotc accepts the configuration of Knot. Docker itself does not run in these tests.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/load.ts';
import { VERSION } from '../../src/server/version.ts';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, runProgram } from '../support/process.ts';
import { describeWith, KNOT_PROGRAMS } from '../support/require-server.ts';

const FOLDER = join(REPOSITORY, 'deploy/container');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');

/** Instructions of the Dockerfile, without comments, each on one line. */
const INSTRUCTIONS = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [, name, text] = /^([A-Z]+) (.*)$/.exec(line)!;
    return { name: name!, text: text! };
  });
const all = (name: string) => INSTRUCTIONS.filter((instruction) => instruction.name === name).map(({ text }) => text);

it('the Dockerfile copies files that exist and that its .dockerignore lets through', () => {
  const sources = all('COPY')
    .filter((text) => !text.startsWith('--from='))
    .flatMap((text) => text.split(' ').slice(0, -1));
  expect(sources).toContain('package-lock.json');
  const passed = read('Dockerfile.dockerignore').matchAll(/^!(.*)$/gm);
  expect([...passed].map(([, path]) => path).sort()).toEqual([...new Set(sources)].sort());
  for (const source of sources) expect(existsSync(join(REPOSITORY, source)), source).toBe(true);
});

it('the Dockerfile has the pinned Node.js, and starts like the image of a release', async () => {
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'packaging/node.json'), 'utf8'));
  const bases = all('FROM').map((text) => text.split(' ')[0]);
  expect(new Set(bases)).toEqual(new Set([`node:${version}-bookworm-slim`]));
  const script = "console.log(JSON.stringify((await import('./packaging/oci.mjs')).CONFIG))";
  const { stdout } = await runProgram(process.execPath, ['--input-type=module', '-e', script], { cwd: REPOSITORY });
  const config = JSON.parse(stdout);
  expect(all('USER')).toEqual([config.User]);
  expect(all('ENV')).toEqual([config.Env.slice(1).join(' ')]);
  expect(all('WORKDIR').at(-1)).toBe(config.WorkingDir);
  expect(all('VOLUME')).toEqual(Object.keys(config.Volumes));
  expect(all('EXPOSE')).toEqual([Object.keys(config.ExposedPorts).join(' ')]);
  expect(all('ENTRYPOINT').map((text) => JSON.parse(text))).toEqual([config.Entrypoint]);
  expect(all('CMD').map((text) => JSON.parse(text))).toEqual([config.Cmd]);
  const [, ...command] = config.Healthcheck.Test;
  expect(JSON.parse(/ CMD (.*)$/.exec(all('HEALTHCHECK')[0]!)![1]!)).toEqual(command);
});

it.each(['compose.yaml', 'compose.knot.yaml'])('%s has the image of this version, and options that exist', (name) => {
  const { services } = parse(read(name));
  const { image, build, environment, volumes, ports, healthcheck } = services.dyndns;
  expect(image).toBe(`dyndns:${VERSION}`);
  expect(existsSync(join(FOLDER, build.context, build.dockerfile))).toBe(true);
  expect(volumes).toEqual(['data:/var/lib/dyndns']);
  expect(ports).toContain('127.0.0.1:54321:54321');
  expect(healthcheck.test).toEqual(['CMD', '/usr/bin/dyndns', 'health']);
  const directory = freshDirectory('compose');
  try {
    const file = join(directory, 'dyndns.yml');
    const zone = { name: 'dyndns.example.com', nameserver: '10.53.2.53', tsig_key: 'dGVzdA==' };
    writeFileSync(file, JSON.stringify({ secret: '0123456789abcdef', zones: [zone] }), { mode: 0o600 });
    const { config } = loadConfig(file, environment);
    // A variable that no option has is a warning. The network of a composition is not encrypted.
    const plain = config.store?.kind === 'postgres' ? [expect.stringContaining("'postgres' is not encrypted")] : [];
    expect(config.warnings).toEqual(plain);
    expect(config.http.listen).toEqual([{ kind: 'tcp', host: '0.0.0.0', port: 54321, tls: false }]);
    expect(config.store?.kind).toBe(name === 'compose.yaml' ? undefined : 'postgres');
  } finally {
    removeNow(directory);
  }
});

describeWith(KNOT_PROGRAMS, 'container/knot/knot.conf', () => {
  it('is accepted by knotc together with the key of `dyndns init`, and its address is the one of compose.knot.yaml', async () => {
    const directory = freshDirectory('knot-container');
    try {
      writeFileSync(
        join(directory, 'knot.key'),
        'key:\n  - id: dyndns.example.com\n    algorithm: hmac-sha512\n    secret: dGVzdA==\n',
      );
      const config = read('knot/knot.conf').replaceAll(/(?<= )\/(?:config|rundir|storage)\b/g, directory);
      writeFileSync(join(directory, 'knot.conf'), config);
      const { code, stderr } = await runProgram('knotc', ['--config', join(directory, 'knot.conf'), 'conf-check']);
      expect([code, stderr]).toEqual([0, '']);
    } finally {
      removeNow(directory);
    }
    expect(parse(read('compose.knot.yaml')).services.knot.networks.default.ipv4_address).toBe('10.53.2.53');
  });
});
