/**
 * The whole installation of docs/operating: nginx (TLS, port 80) -> dyndns as started by the systemd unit -> BIND, Knot or
 * PowerDNS, with the files of deploy/ and the commands of the pages. Only paths and ports are changed.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeployedPrimary, startDeployedPrimary } from '../support/deployed-primary.ts';
import { dig } from '../support/dig.ts';
import { REPOSITORY } from '../support/installation.ts';
import { adaptSite, NGINX_PROGRAMS, type NginxServer, nginxPorts, prepareNginx, startNginx } from '../support/nginx.ts';
import type { PrimaryKind } from '../support/primary-server.ts';
import { type RunningProcess, startProcess } from '../support/process.ts';
import {
  BIND_PROGRAMS,
  describeWith,
  KNOT_PROGRAMS,
  POWERDNS_PROGRAMS,
  type RequiredProgram,
} from '../support/require-server.ts';

const WALK = 'docs/operating/debian-bind.md';
const BUILT = existsSync(join(REPOSITORY, 'dist/cli/main.js'));

/** The command line of the unit, with this Node.js and the changed paths; copied files replace LoadCredential. */
async function startService(deployed: DeployedPrimary): Promise<RunningProcess> {
  const { installation } = deployed;
  const unit = readFileSync(join(REPOSITORY, 'deploy/systemd/dyndns.service'), 'utf8');
  const credentials = installation.path('/run/credentials/dyndns.service');
  mkdirSync(credentials, { recursive: true });
  for (const [, name = '', file = ''] of unit.matchAll(/^LoadCredential=(\w+):(\S+)$/gm)) {
    cpSync(installation.path(file), join(credentials, name));
  }
  const [node, ...args] = installation.relocate(/^ExecStart=(.*)$/m.exec(unit)?.[1] ?? '').split(' ');
  expect(node).toBe('/usr/bin/node');
  const socket = installation.path('/run/dyndns/http.sock');
  return startProcess({
    command: process.execPath,
    args,
    cwd: deployed.server.directory,
    ready: () => existsSync(socket),
  });
}

async function printed(deployed: DeployedPrimary, word: string): Promise<string> {
  const { code, stdout, stderr } = await deployed.installation.runBlocks(WALK, word);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}

const PRIMARIES: readonly [PrimaryKind, readonly RequiredProgram[]][] = [
  ['bind', BIND_PROGRAMS],
  ['knot', KNOT_PROGRAMS],
  ['powerdns', POWERDNS_PROGRAMS],
];

describe.skipIf(!BUILT && !process.env['CI'])('needs dist: npm run build', () => {
  for (const [kind, programs] of PRIMARIES) {
    describeWith([...programs, ...NGINX_PROGRAMS], `an update through nginx and dyndns to ${kind}`, () => {
      let deployed: DeployedPrimary;
      let service: RunningProcess;
      let nginx: NginxServer;
      const environment: NodeJS.ProcessEnv = {};

      beforeAll(async () => {
        const ports = await nginxPorts();
        deployed = await startDeployedPrimary(kind, (path, text) => adaptSite(path, text, ports), environment);
        const { installation, server } = deployed;
        await deployed.run('secrets');
        await prepareNginx(installation);
        await printed(deployed, 'configure');
        const configuration = installation.path('/etc/dyndns.yml');
        writeFileSync(configuration, readFileSync(configuration, 'utf8').replace('port: 53', `port: ${server.port}`));
        await printed(deployed, 'site');
        service = await startService(deployed);
        nginx = await startNginx(installation, ports);
        // The curl commands of the pages read the ports and the certificate of this test from .curlrc.
        const curlrc = [
          `cacert = "${nginx.certificate}"`,
          `connect-to = "dyndns.example.com:443:127.0.0.1:${ports.https}"`,
          `connect-to = "dyndns.example.com:80:127.0.0.1:${ports.http}"`,
        ];
        installation.write('/root/.curlrc', `${curlrc.join('\n')}\n`);
        environment['CURL_HOME'] = installation.path('/root');
      }, 60_000);

      afterAll(async () => {
        await nginx?.process.stop();
        await service?.stop();
        await deployed?.server.stop();
      });

      it('has a socket that nginx has permission to open', () => {
        expect(statSync(deployed.installation.path('/run/dyndns/http.sock')).mode & 0o777).toBe(0o664);
      });

      it('passes the check of the command line', async () => {
        expect(await printed(deployed, 'check')).toContain('dyndns.example.com.');
      });

      it('publishes the first update of the documents and deletes it again', async () => {
        const markdown = readFileSync(join(REPOSITORY, WALK), 'utf8');
        const promised = [...markdown.matchAll(/^```\n(UPDATED: [\s\S]*?)^```$/gm)].map((match) => match[1]);
        expect(await printed(deployed, 'use')).toBe(promised[0]);
        expect((await dig(deployed.server, ['home.dyndns.example.com', 'A'])).short).toEqual(['203.0.113.7']);
        expect(await printed(deployed, 'delete')).toBe(promised[1]);
        expect((await dig(deployed.server, ['home.dyndns.example.com', 'A'])).rcode).toBe('NXDOMAIN');
      });

      it('stops on SIGTERM and leaves no secret in its log', async () => {
        await service.stop();
        const secret = readFileSync(deployed.installation.path('/etc/dyndns/secret'), 'utf8').trim();
        expect(service.output()).not.toContain(secret);
        expect(readFileSync(nginx.accessLog, 'utf8')).not.toContain(secret);
      });
    });
  }
});
