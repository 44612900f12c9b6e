/**
 * The set-up for tests of real clients: our built server with a token for the names of docs/clients, in front of a real
 * BIND or with its own nameserver, and a TLS front. Blocks of the pages are used unchanged, except that the front's address
 * and port replace the name of the server.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freednsSecret, tokenSha256 } from '../../src/core/access/token.ts';
import { instructionsFor } from '../../src/core/devices/device.ts';
import { getDevice } from '../../src/core/devices/devices.ts';
import { makeKey } from '../e2e/lab.ts';
import { startBind } from '../support/bind.ts';
import { dig, type ServerAddress } from '../support/dig.ts';
import { type LogLine, startDyndns } from '../support/dyndns.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { REPOSITORY } from '../support/installation.ts';
import { freshDirectory, writeInto } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { BIND_PROGRAMS, type RequiredProgram } from '../support/require-server.ts';
import { FRONT_PROGRAMS, startTlsFront, type TlsFront } from '../support/tls-front.ts';

/** Names and secrets of the pages. */
export const ZONE = 'dyndns.example.com';
export const HOME = `home.${ZONE}`;
export const NAS = `nas.${ZONE}`;
export const TOKEN = 'TOKEN';
/** A secret with every character that is special in a file of a client. */
export const ODD_TOKEN = `o'd"d$HOME$\{PATH}\\%i%%#1?&;<a>\`id\``;

export const PRIMARIES = ['BIND', 'the embedded nameserver'] as const;

export const LAB_PROGRAMS: readonly RequiredProgram[] = [...BIND_PROGRAMS, ...FRONT_PROGRAMS];

export interface ClientLab {
  readonly front: TlsFront;
  /** The port of plain HTTP on 127.0.0.1. */
  readonly httpPort: number;
  /** A directory for the files of a client. */
  readonly directory: string;
  /** Replaces the name of the server by the front's address and port. */
  adapt(text: string): string;
  /** The addresses that the primary publishes; "NXDOMAIN" if the name does not exist. */
  look(ownerName: string, type: 'A' | 'AAAA'): Promise<readonly string[] | 'NXDOMAIN'>;
  serial(): Promise<number>;
  /** Removes both names. */
  clear(): Promise<void>;
  log(): readonly LogLine[];
  /** Stops BIND; the embedded nameserver cannot be stopped alone. */
  haltPrimary(): Promise<void>;
  stop(): Promise<void>;
}

const SECRET = 'masterSecretOfTests';
const CONFIG = {
  secret: SECRET,
  log_level: 0,
  http: { trusted_proxies: ['127.0.0.1'] },
  tokens: [
    { name: 'router1', sha256: tokenSha256(TOKEN), hosts: [HOME, NAS] },
    { name: 'odd', sha256: tokenSha256(ODD_TOKEN), hosts: [HOME] },
    { name: 'freedns', sha256: tokenSha256(freednsSecret('router1', TOKEN)), hosts: [HOME, NAS] },
  ],
};

interface Backend extends ServerAddress {
  readonly dyndns: Awaited<ReturnType<typeof startDyndns>>;
  halt?(): Promise<void>;
  stop(): Promise<void>;
}

async function startBehindBind(): Promise<Backend> {
  const key = makeKey(ZONE);
  const primary = await startBind({ zones: [{ name: ZONE }], keys: [key] });
  const zones = [{ name: ZONE, tsig_key: key.secret }];
  const dyndns = await startDyndns({ ...CONFIG, nameserver: '127.0.0.1', port: primary.port, zones });
  const { host, port } = primary;
  return {
    host,
    port,
    dyndns,
    halt: () => primary.halt(),
    async stop() {
      await dyndns.stop();
      await primary.stop();
    },
  };
}

export async function openClientLab(primary: (typeof PRIMARIES)[number]): Promise<ClientLab> {
  const backend: Backend =
    primary === 'BIND' ? await startBehindBind() : await startEmbedded({ zone: ZONE, config: CONFIG });
  const { dyndns } = backend;
  const front = await startTlsFront(ZONE, dyndns.port);
  const directory = freshDirectory('client');
  const adapt = (text: string) => text.replaceAll(/(?<![\w.@-])dyndns\.example\.com/g, `127.0.0.1:${front.port}`);
  return {
    front,
    httpPort: dyndns.port,
    directory,
    adapt,
    async look(ownerName, type) {
      const { rcode, short } = await dig(backend, [ownerName, type, '+norecurse']);
      return rcode === 'NOERROR' ? short : (rcode as 'NXDOMAIN');
    },
    async serial() {
      return Number((await dig(backend, [ZONE, 'SOA', '+norecurse'])).short[0]?.split(' ')[2]);
    },
    async clear() {
      for (const name of [HOME, NAS]) await dyndns.ask(`/delete-by-path/${SECRET}/${name}`);
    },
    log: () => dyndns.log(),
    async haltPrimary() {
      await backend.halt?.();
    },
    async stop() {
      await front.stop();
      await backend.stop();
      removeNow(directory);
    },
  };
}

/** The block with this info string, from a page of docs/clients. */
export function pageBlock(page: string, words: string): string {
  const markdown = readFileSync(join(REPOSITORY, 'docs/clients', page), 'utf8');
  const blocks = [...markdown.matchAll(/^```([^\n]+)\n([\s\S]*?)^```$/gm)].filter((match) => match[1] === words);
  if (blocks.length !== 1) throw new Error(`${page} has ${blocks.length} blocks "${words}"`);
  return blocks[0]![2]!;
}

/** The text of a section for this server, with the secret, as `dyndns token create --for` prints it. */
export function settingsText({ front }: ClientLab, device: string, id: string, secret: string): string {
  const server = `https://127.0.0.1:${front.port}`;
  const { sections } = instructionsFor(getDevice(device), { server, host: HOME, tokenName: 'odd', secret });
  const section = sections.find((candidate) => candidate.id === id);
  if (section?.kind !== 'text') throw new Error(`${device} has no text '${id}'`);
  return section.text;
}

/** An environment in which curl reaches the front by the server name that the pages use. */
export function curlEnvironment({ front, directory }: ClientLab): NodeJS.ProcessEnv {
  const lines = [`cacert = "${front.caFile}"`, `connect-to = "${ZONE}:443:127.0.0.1:${front.port}"`];
  writeInto(directory, '.curlrc', `${lines.join('\n')}\n`);
  return { ...process.env, CURL_HOME: directory };
}
