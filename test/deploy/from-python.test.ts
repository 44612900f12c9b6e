/**
 * docs/operating/from-python.md: the commands of the page turn an installation of the Python original (its configuration file and
 * its nginx site for uWSGI) into one of this server, with a real BIND and a real nginx. Only paths and ports are changed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DeployedPrimary, deployedTsigSecret, startDeployedPrimary } from '../support/deployed-primary.ts';
import { dig } from '../support/dig.ts';
import { freePort } from '../support/free-port.ts';
import { REPOSITORY } from '../support/installation.ts';
import { NGINX_PROGRAMS, type NginxServer, nginxPorts, prepareNginx, startNginx } from '../support/nginx.ts';
import { type RunningProcess, startProcess } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';

const PAGE = 'docs/operating/from-python.md';
const SITE = '/etc/nginx/sites-available/dyndns.example.com';
/** The address of the client, which nginx takes from a header of this test. */
const CLIENT = '198.51.100.23';

/** What the original's users have in nginx: TLS, and everything to the socket of uWSGI. */
const uwsgiSite = (port: number) => `server {
  listen 127.0.0.1:${port} ssl;
  server_name dyndns.example.com;
  ssl_certificate /etc/letsencrypt/live/dyndns.example.com/fullchain.pem;
  ssl_certificate_key /etc/letsencrypt/live/dyndns.example.com/privkey.pem;
  location / {
    include uwsgi_params;
    uwsgi_pass unix:/var/www/dyndns.example.com/dyndns.sock;
  }
}
`;

describeWith([...BIND_PROGRAMS, ...NGINX_PROGRAMS], 'from the Python original', () => {
  let deployed: DeployedPrimary;
  let service: RunningProcess;
  let nginx: NginxServer;
  let environment: NodeJS.ProcessEnv;

  async function type(word: string): Promise<string> {
    const { code, stdout, stderr } = await deployed.installation.runBlocks(PAGE, word);
    expect(code, stdout + stderr).toBe(0);
    return stdout;
  }

  beforeAll(async () => {
    const ports = await nginxPorts();
    const httpPort = await freePort();
    environment = { DYNDNS_HTTP_LISTEN: `127.0.0.1:${httpPort}` };
    const adaptCommands = (script: string) => script.replaceAll(':54321', `:${httpPort}`);
    deployed = await startDeployedPrimary('bind', (_, text) => text, environment, adaptCommands);
    const { installation, server } = deployed;
    await deployed.run('secrets');
    await prepareNginx(installation);
    installation.write(SITE, uwsgiSite(ports.https));
    const nginxConf = readFileSync(installation.path('/etc/nginx/nginx.conf'), 'utf8');
    const realIp = 'set_real_ip_from 127.0.0.1; real_ip_header X-Test-Client; include /etc/nginx/sites-available/*;';
    installation.write('/etc/nginx/nginx.conf', nginxConf.replace(/include \S*sites-enabled\S*;/, realIp));
    const curlrc = [
      `cacert = "${installation.path('/etc/letsencrypt/live/dyndns.example.com/fullchain.pem')}"`,
      `connect-to = "dyndns.example.com:443:127.0.0.1:${ports.https}"`,
      `header = "X-Test-Client: ${CLIENT}"`,
    ];
    installation.write('/root/.curlrc', `${curlrc.join('\n')}\n`);
    environment['CURL_HOME'] = installation.path('/root');
    const python = `---
secret: '12345678'
nameserver: 127.0.0.1
port: ${server.port}
zones:
  - name: dyndns.example.com
    tsig_key: ${deployedTsigSecret(deployed)}
`;
    installation.write('/var/www/dyndns.example.com/.dyndns.yml', python);
    await type('move');
    await type('configure');
    await type('check');
    service = await startProcess({
      command: process.execPath,
      args: [join(REPOSITORY, 'dist/cli/main.js'), '--config', installation.path('/etc/dyndns.yml'), 'serve'],
      cwd: server.directory,
      env: { ...process.env, ...environment },
      ready: (output) => output.includes('listening on http://'),
    });
    await type('nginx');
    nginx = await startNginx(installation, ports);
  }, 60_000);

  afterAll(async () => {
    await nginx?.process.stop();
    await service?.stop();
    await deployed?.server.stop();
  });

  it("the original's requests get the replies of the page, also the one that publishes the address it came from", async () => {
    const page = readFileSync(join(REPOSITORY, PAGE), 'utf8');
    expect(await type('use')).toBe(/^```\n(UPDATED: [\s\S]*?)^```$/m.exec(page)?.[1]);
    expect((await dig(deployed.server, ['home.dyndns.example.com', 'A'])).short).toEqual([CLIENT]);
  });
});
