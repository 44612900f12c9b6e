/** `dyndns doctor [ZONE]`: finds problems of zones between their parents and this machine, and says what to do. */
import { Command, InvalidArgumentError } from 'commander';
import type { Config, ZoneConfig } from '../../config/config.ts';
import {
  type CertificateFacts,
  CHECKS,
  type CheckName,
  type Finding,
  type FindingStatus,
} from '../../core/doctor/ports.ts';
import { parseHostName } from '../../dns/host-name.ts';
import type { DomainName } from '../../dns/name.ts';
import { parseEndpoint } from '../../doctor/resolvers.ts';
import type { DoctorOptions } from '../../doctor/run.ts';
import { UsageError } from '../output.ts';
import { allPages } from '../pages.ts';
import { findRemote } from '../remote.ts';
import { findSession, type Session } from '../session.ts';
import { loadFor, quietObserver } from '../setup.ts';
import { wrapText } from '../table.ts';
import { warnOfUnreadFiles } from '../unread-secrets.ts';
import { parseZone } from '../zone-name.ts';

interface DoctorFlags {
  readonly resolver?: { readonly host: string; readonly port: number };
  readonly nameserverPort: number;
  readonly json?: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .description('find problems of zones: delegation, nameservers, key, clock, proxies; changes nothing')
    .argument('[zone]', 'a zone of the configuration; all of them without it')
    .option('-r, --resolver <address>', "query this resolver, IP or IP:PORT, instead of the system's", parseResolver)
    .option('--nameserver-port <port>', 'query nameservers at this port, for tests', parsePort, 53)
    .option('--json', 'print the findings as a JSON array')
    .action(doctor);
}

async function doctor(zoneText: string | undefined, flags: DoctorFlags, command: Command): Promise<void> {
  const remote = await findRemote(command);
  if (remote !== undefined) {
    await remoteDoctor(remote, zoneText, flags);
    return;
  }
  const { config, file } = loadFor(command);
  warnOfUnreadFiles(config);
  for (const warning of config.warnings) quietObserver.warn(warning);
  const zones = zoneText === undefined ? config.zones : [findZone(config, zoneText)];
  const isTerminal = process.stderr.isTTY === true;
  const progress = (text: string) => void (isTerminal && process.stderr.write(`\r\u001b[K${text}`));
  const { resolver, nameserverPort } = flags;
  const { examineZone } = await import('../../doctor/run.ts');
  const certificate = await certificateFacts(config);
  if (!flags.json) process.stdout.write(`Configuration ${file}\n`);
  const all: (Finding & { readonly zone: string })[] = [];
  for (const [index, zone] of zones.entries()) {
    const known = await askServer(config, zone);
    const found = await examineZone(config, zone, { resolver, nameserverPort, progress, certificate, ...known });
    // HTTP is the same for all zones.
    const findings = index === 0 ? found : found.filter(({ check }) => check !== 'http');
    progress('');
    all.push(...findings.map((finding) => ({ zone: zone.apex.toString(), ...finding })));
    if (!flags.json) process.stdout.write(`\n${formatFindings(zone.apex, findings, layoutOf(process.stdout))}`);
  }
  if (flags.json) process.stdout.write(formatJson(all, zoneText === undefined));
  if (all.some(({ status }) => status === 'problem')) process.exitCode = 1;
}

/** The server on another machine examines its zones itself. */
async function remoteDoctor(session: Session, zoneText: string | undefined, flags: DoctorFlags): Promise<void> {
  if (flags.resolver !== undefined || flags.nameserverPort !== 53) {
    throw new UsageError(
      '--resolver and --nameserver-port are for doctor on the machine of the server: leave out --remote.',
    );
  }
  const { embedded, remote } = await session.call('status', {});
  const names =
    zoneText === undefined ? [...embedded.map(({ zone }) => zone), ...remote] : [parseZone(zoneText).toString()];
  const all: (Finding & { readonly zone: string })[] = [];
  for (const zone of names) {
    const { findings } = await session.call('examineZone', { zone });
    const read = findings.map((finding) => ({
      ...finding,
      check: CHECKS.find((check) => check === finding.check) ?? 'http',
    }));
    all.push(...read.map((finding) => ({ zone, ...finding })));
    if (!flags.json) process.stdout.write(`\n${formatFindings(parseZone(zone), read, layoutOf(process.stdout))}`);
  }
  if (flags.json) process.stdout.write(formatJson(all, zoneText === undefined));
  if (all.some(({ status }) => status === 'problem')) process.exitCode = 1;
}

/** The certificate that the running server serves, else that of the files of `http.tls`. */
async function certificateFacts(config: Config): Promise<CertificateFacts | undefined> {
  const { http } = config;
  if (http.tls === undefined && http.acme === undefined) return undefined;
  const { machineAddresses } = await import('../../server/machine-addresses.ts');
  const isProxied = http.trustedProxies.length > 0 || http.listen.some(({ proxyProtocol }) => proxyProtocol);
  const surroundings = { nowMs: Date.now(), machine: machineAddresses(), isProxied };
  const status = await findSession(config)
    .then((session) => session?.call('status', {}))
    .catch(() => undefined);
  if (status?.certificate !== undefined) {
    const { names, ends } = status.certificate;
    return { names: hostNames(names), endMs: ends === undefined ? undefined : Date.parse(ends), ...surroundings };
  }
  if (http.acme !== undefined) {
    return { names: http.acme.names, unknown: 'only a running server knows it, and none answers', ...surroundings };
  }
  const { certificateOfFiles } = await import('../../server/certificate-files.ts');
  const served = certificateOfFiles(http);
  const names = hostNames(served?.names ?? []);
  return names.length === 0 ? undefined : { names, endMs: served?.endMs, ...surroundings };
}

function hostNames(names: readonly string[]): readonly DomainName[] {
  return names.flatMap((name) => {
    try {
      return parseHostName(name);
    } catch {
      return []; // An address.
    }
  });
}

/**
 * What the running server knows: the hosts of its store, its secondaries, and what it does not serve. Without a server
 * the configuration alone has hosts: a command must not lock the store.
 */
async function askServer(
  config: Config,
  zone: ZoneConfig,
): Promise<Pick<DoctorOptions, 'hosts' | 'secondaries' | 'unserved' | 'notServed' | 'signing'>> {
  const { apex, primary } = zone;
  const { signingFacts } = await import('../../server/signing-facts.ts');
  const hasSecondaries = primary.kind === 'embedded' && primary.secondaries.length > 0;
  const nothing = {
    ...(hasSecondaries && { secondaries: 'unknown' as const }),
    signing: signingFacts(config, zone, undefined),
  };
  try {
    const session = await findSession(config);
    if (session === undefined) return nothing;
    const zones = primary.kind === 'embedded' ? (await session.call('listZones', {})).zones : [];
    const state = zones.find((one) => one.zone === apex.toString());
    const known = hasSecondaries && state !== undefined ? { secondaries: state.secondaries } : nothing;
    return {
      ...known,
      signing: signingFacts(config, zone, state),
      ...(state?.unserved && { unserved: state.unserved }),
      notServed: state?.notServed,
      hosts: await knownHosts(session),
    };
  } catch {
    return nothing;
  }
}

/** Those of the running server's store, if it has one. */
async function knownHosts(session: Session): Promise<readonly DomainName[]> {
  try {
    const hosts = await allPages(session, 'listHosts', {}, (page) => page.hosts);
    return hosts.map(({ host }) => parseHostName(host));
  } catch {
    return [];
  }
}

/** An array of {check, status, text, advice}, of several zones with `zone`; `advice` is null if there is nothing to do. */
export function formatJson(findings: readonly (Finding & { readonly zone: string })[], withZone: boolean): string {
  const rows = findings.map(({ zone, check, status, text, advice }) => ({
    ...(withZone && { zone }),
    check,
    status,
    text,
    advice: advice ?? null,
  }));
  return `${JSON.stringify(rows, null, 2)}\n`;
}

export interface Layout {
  readonly columns: number;
  readonly colours: boolean;
}

function layoutOf(stream: NodeJS.WriteStream): Layout {
  const colours = stream.isTTY === true && !process.env['NO_COLOR'];
  return { columns: Math.max(60, Math.min(stream.columns ?? 100, 110)), colours };
}

const TITLES: Record<CheckName, string> = {
  primary: 'The primary',
  key: 'The TSIG key',
  clock: 'The clocks',
  delegation: 'The parent zone',
  nameservers: 'The nameservers',
  secondaries: 'The secondaries',
  dnssec: 'The signatures (DNSSEC)',
  http: 'HTTP and its proxies',
  outside: 'Seen from outside',
};

const LABELS: Record<FindingStatus, { readonly label: string; readonly colour: number }> = {
  ok: { label: 'ok', colour: 32 },
  warning: { label: 'WARNING', colour: 33 },
  problem: { label: 'PROBLEM', colour: 31 },
  'not checked': { label: 'not checked', colour: 36 },
};

const INDENT = ' '.repeat(15);
/** Marks what to do. */
const ARROW = '-> ';
const BELOW_ARROW = '   ';

/** The findings by group, wrapped. Lines of advice that begin with two spaces are not wrapped, so that they can be copied. */
export function formatFindings(zone: DomainName, findings: readonly Finding[], { columns, colours }: Layout): string {
  const paint = (text: string, colour: number) => (colours ? `\u001b[${colour}m${text}\u001b[0m` : text);
  let out = `${zone}\n`;
  for (const check of CHECKS) {
    const group = findings.filter((finding) => finding.check === check);
    if (group.length === 0) continue;
    out += `\n${TITLES[check]}\n`;
    for (const { status, text, advice } of group) {
      const { label, colour } = LABELS[status];
      const width = columns - INDENT.length;
      const lines = wrap(text, width);
      for (const [index, line] of (advice?.split('\n') ?? []).entries()) {
        lines.push(
          ...wrap(line, width - ARROW.length).map((part, at) => `${index + at === 0 ? ARROW : BELOW_ARROW}${part}`),
        );
      }
      out += `  ${paint(label.padEnd(INDENT.length - 2), colour)}${lines.join(`\n${INDENT}`)}\n`;
    }
  }
  const count = (status: FindingStatus) => findings.filter((finding) => finding.status === status).length;
  const plural = (many: number, word: string) => `${many} ${word}${many === 1 ? '' : 's'}`;
  const counts = [plural(count('problem'), 'problem'), plural(count('warning'), 'warning')];
  return `${out}\n${[...counts, `${count('not checked')} not checked`, `${count('ok')} ok`].join(', ')}.\n`;
}

function wrap(line: string, columns: number): string[] {
  return line.startsWith('  ') ? [line] : wrapText(line, columns);
}

/** @throws UsageError that names the zones of the configuration */
function findZone(config: Config, text: string): ZoneConfig {
  const name = parseZone(text);
  const zone = config.zones.find(({ apex }) => apex.equals(name));
  if (zone !== undefined) return zone;
  const zones = config.zones.map(({ apex }) => apex).join(', ');
  throw new UsageError(`'${name}' is not a zone of the configuration; it has: ${zones}`);
}

function parseResolver(text: string): DoctorFlags['resolver'] {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw new InvalidArgumentError(
    'It must be an IP address, with a port or without: 192.0.2.53, 192.0.2.53:5353, [2001:db8::53]:53.',
  );
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port number, 1 to 65535.');
}
