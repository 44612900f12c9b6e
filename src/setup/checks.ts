/**
 * What the wizard checks before anything is applied: whether the ports can be opened, whether the parent delegates the zone,
 * and whether a remote primary accepts the key. The findings are those of `dyndns doctor`.
 */
import { createServer } from 'node:net';
import type { Config, DnsEndpoint, ListenAddress } from '../config/config.ts';
import { formatListenAddress } from '../config/config.ts';
import { checkDelegation, specialUse } from '../core/doctor/delegation.ts';
import { checkOutside } from '../core/doctor/http.ts';
import type { Finding, Lookup } from '../core/doctor/ports.ts';
import { whyNotHere } from '../core/zones/leads-here.ts';
import type { IpAddress } from '../dns/address.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import { NameserverLookup } from '../doctor/nameserver-lookup.ts';
import { systemResolvers } from '../doctor/resolvers.ts';
import { examinePrimary, examineZone } from '../doctor/run.ts';
import { ListenError, listen } from '../http/app/listen.ts';
import { DnsListenError, DnsListeners } from '../nameserver/sockets/listeners.ts';
import type { EmbeddedZone } from './answers.ts';

/** A finding about a port, besides those of doctor. */
export interface WizardFinding {
  readonly group: 'ports' | 'delegation' | 'primary' | 'nameservers' | 'outside';
  readonly status: Finding['status'];
  readonly text: string;
  readonly advice?: string;
}

export interface CheckSurroundings {
  /** Replaces the system's resolvers, for tests. */
  readonly resolver: DnsEndpoint | undefined;
  /** 53, except for tests. */
  readonly nameserverPort: number;
  /** Ports of the wizard's own listeners: the server takes them over. */
  readonly ownPorts: ReadonlySet<number>;
  /** The addresses of this machine. */
  readonly machine: readonly IpAddress[];
}

const RUN_MS = 20_000;

/** Tries to open every port of the configuration. */
export async function checkPorts(config: Config, { ownPorts }: CheckSurroundings): Promise<WizardFinding[]> {
  const findings: WizardFinding[] = [];
  const { dns } = config;
  for (const endpoint of dns?.listen ?? []) findings.push(await tryDnsPort(endpoint, dns!.listenIsDefault));
  const tcp = [...config.http.listen, ...(config.admin?.listen ?? [])];
  for (const address of tcp) findings.push(await tryHttpPort(address, ownPorts));
  return findings;
}

/** A service that answers nothing: the port is open for a moment only. */
const SILENT = { answerDatagram: () => undefined, answerStream: () => undefined };

async function tryDnsPort(endpoint: DnsEndpoint, isDefault: boolean): Promise<WizardFinding> {
  const place = formatEndpoint(endpoint);
  const listeners = new DnsListeners();
  let warning: string | undefined;
  try {
    await listeners.open(SILENT, {
      listen: [endpoint],
      isDefault,
      onWarning: (text) => {
        warning = text;
      },
    });
  } catch (error) {
    if (!(error instanceof DnsListenError)) throw error;
    const advice = error.message.replace(/^Cannot listen on .*? \((?:UDP|TCP)\): /, '');
    return { group: 'ports', status: 'problem', text: `DNS cannot use ${place}.`, advice };
  } finally {
    await listeners.close(0);
  }
  if (warning !== undefined) return { group: 'ports', status: 'warning', text: warning };
  return { group: 'ports', status: 'ok', text: `DNS can use ${place}, UDP and TCP.` };
}

async function tryHttpPort(address: ListenAddress, ownPorts: ReadonlySet<number>): Promise<WizardFinding> {
  const place = formatListenAddress(address);
  const isOwn = address.kind === 'tcp' && ownPorts.has(address.port);
  if (isOwn) return { group: 'ports', status: 'ok', text: `HTTP uses ${place}, which this setup hands over.` };
  const protocol = address.kind === 'tcp' && address.tls ? 'HTTPS' : 'HTTP';
  // A unix socket is a file: only the start itself may make it.
  if (address.kind === 'unix') return { group: 'ports', status: 'not checked', text: `${protocol} uses ${place}.` };
  const server = createServer();
  try {
    await listen(server, address, 'http.listen');
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    const advice = error.message.replace(/^Cannot listen on '.*?': /, '');
    const sentence = `${advice[0]!.toUpperCase()}${advice.slice(1)}`;
    return { group: 'ports', status: 'problem', text: `${protocol} cannot use ${place}.`, advice: sentence };
  }
  await new Promise((resolve) => server.close(resolve));
  return { group: 'ports', status: 'ok', text: `${protocol} can use ${place}.` };
}

/** Whether the internet finds a zone that this server will serve. */
export async function checkNewZone(
  config: Config,
  { zone, ns, glue }: EmbeddedZone,
  { resolver, nameserverPort, machine }: CheckSurroundings,
): Promise<WizardFinding[]> {
  const lookup: Lookup = new NameserverLookup({
    resolvers: resolver === undefined ? systemResolvers() : [resolver],
    nameserverPort,
    deadlineMs: performance.now() + RUN_MS,
  });
  const addresses = new Map(glue.length > 0 ? [[ns[0]!.key, glue]] : []);
  const own = { serial: 0, nameservers: ns, addresses };
  const { findings } = await checkDelegation(zone, own, lookup);
  const found = findings.map((each) => asWizardFinding(each, 'delegation'));
  const away = glue.length === 0 || specialUse(zone) !== undefined ? undefined : whyNotHere(glue, machine);
  if (away !== undefined) {
    found.push({
      group: 'nameservers',
      status: 'warning',
      text: `The nameserver '${ns[0]}' ${away}: resolvers do not reach this server.`,
      advice: 'Give the nameserver an address of this machine, or that of the router which forwards port 53 to it.',
    });
  }
  const primary = { kind: 'embedded' as const, listen: config.dns?.listen ?? [] };
  const outside = checkOutside({ zone, primary, key: undefined, http: config.http }, glue);
  return [...found, ...outside.map((each) => asWizardFinding(each, 'outside'))];
}

/** Whether the primary answers and accepts the key: with an UPDATE that is signed and changes nothing. */
export async function checkKey(config: Config, surroundings: CheckSurroundings): Promise<readonly Finding[]> {
  return examinePrimary(config, config.zones[0]!, optionsOf(surroundings));
}

/** All that doctor can find about a zone on a remote primary. The HTTP server does not run yet. */
export async function checkRemoteZone(config: Config, surroundings: CheckSurroundings): Promise<WizardFinding[]> {
  const findings = await examineZone(config, config.zones[0]!, optionsOf(surroundings));
  const groups: Partial<Record<Finding['check'], WizardFinding['group']>> = {
    primary: 'primary',
    key: 'primary',
    clock: 'primary',
    delegation: 'delegation',
    nameservers: 'nameservers',
  };
  return findings.flatMap((each) => {
    const group = groups[each.check];
    return group === undefined ? [] : [asWizardFinding(each, group)];
  });
}

function optionsOf({ resolver, nameserverPort }: CheckSurroundings) {
  return { resolver, nameserverPort, progress: () => undefined };
}

/** Advice of doctor that names an option of its command line. */
const COMMAND_ADVICE = "Try another resolver with '--resolver'.";

function asWizardFinding({ status, text, advice }: Finding, group: WizardFinding['group']): WizardFinding {
  const shown =
    advice === COMMAND_ADVICE
      ? "The resolver of this machine (/etc/resolv.conf) could not say. You can go on, and run 'dyndns doctor' later."
      : advice;
  return { group, status, text, ...(shown !== undefined && { advice: shown }) };
}
