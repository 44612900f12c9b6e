/**
 * The steps of `dyndns setup`: administrator, zone, listeners, checks, preview, start. Answers are in memory until the last
 * step: an end of the process before it leaves nothing behind.
 */
import { randomBytes } from 'node:crypto';
import type { Config, DnsEndpoint } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import { parseConfig } from '../config/load.ts';
import { ConfigError } from '../config/problem.ts';
import { SECRET_MASK, Secret } from '../config/secret.ts';
import { AppError, invalidField } from '../core/errors.ts';
import { isPublic } from '../core/zones/leads-here.ts';
import type { IpAddress } from '../dns/address.ts';
import { checkConfig } from '../server/check-config.ts';
import { VERSION } from '../server/version.ts';
import {
  type Administrator,
  type ListenAnswer,
  type RemoteZone,
  readAdministrator,
  readListen,
  readZone,
  type ZoneAnswer,
} from './answers.ts';
import { type CheckSurroundings, checkKey, checkNewZone, checkPorts, checkRemoteZone } from './checks.ts';
import { Fields, missingStep } from './fields.ts';
import { AnswerError, readNewZone } from './plan/answers.ts';
import { embeddedConfiguration, parentRecords, remoteConfiguration, type ServerPlan } from './plan/configuration.ts';
import { isPrimaryKind, PRIMARIES, primaryLines } from './plan/primary-lines.ts';

export interface StartRequest {
  /** The configuration file. */
  readonly text: string;
  readonly administrator: Administrator;
}

export interface StartedServer {
  /** Where it serves HTTP: `http://127.0.0.1:54321`. */
  readonly addresses: readonly string[];
  /** What signs the administrator in, once: the fragment of the page's URL. Undefined: with the password. */
  readonly fragment: string | undefined;
}

export interface WizardOptions {
  /** The configuration file that it writes. */
  readonly file: string;
  /** The database that the file gets. */
  readonly store: string;
  /** `admin.url`: the origin that browsers use; undefined: this machine only. */
  readonly url: string | undefined;
  /** `http.listen`, where it is not the default; undefined: the default, or the environment has it. */
  readonly httpListen: readonly string[] | undefined;
  /** The environment sets `http.listen`: the file cannot. */
  readonly listenIsFixed: boolean;
  readonly environment: Environment;
  readonly machine: readonly IpAddress[];
  readonly hasIpv6: boolean;
  readonly resolver: DnsEndpoint | undefined;
  readonly nameserverPort: number;
  /** Ports of the wizard's own listeners. */
  readonly ownPorts: () => readonly number[];
  /**
   * Closes the wizard's listeners, writes the file, and starts the server; if that fails the listeners are open again, and
   * nothing is left. @throws ConfigError, StartError, UsageError
   */
  readonly start: (request: StartRequest) => Promise<StartedServer>;
}

type Body = Readonly<Record<string, unknown>>;

export class Wizard {
  readonly #options: WizardOptions;
  /** The same in every preview and in the file. */
  readonly #secret = new Secret(randomBytes(16).toString('hex'));
  #administrator: { readonly name: string; readonly password: Secret } | undefined;
  #zone: ZoneAnswer | undefined;
  #listen: ListenAnswer = { http: 'machine' };
  #isStarting = false;

  constructor(options: WizardOptions) {
    this.#options = options;
  }

  /** What the page shows; no secret is in it. */
  state(): object {
    const { file, url, listenIsFixed, machine } = this.#options;
    const zone = this.#zone;
    return {
      version: VERSION,
      file,
      ...(url !== undefined && { url }),
      listenIsFixed,
      addresses: proposedAddresses(machine).map(({ text }) => text),
      ...(this.#administrator !== undefined && { administrator: { name: this.#administrator.name } }),
      ...(zone !== undefined && { zone: shownZone(zone) }),
      listen: shownListen(this.#listen),
    };
  }

  setAdministrator(body: Body): object {
    const { name, password } = readAdministrator(body);
    this.#administrator = { name, password: new Secret(password) };
    return this.state();
  }

  /** A key of a remote primary is tried before the answer counts. @throws AppError, InputError */
  async setZone(body: Body): Promise<object> {
    const zone = readZone(body);
    if (zone.kind === 'remote') await this.#tryKey(zone);
    this.#zone = zone;
    return this.state();
  }

  async #tryKey(zone: RemoteZone): Promise<void> {
    const config = this.#parse(this.#text(zone));
    const findings = await checkKey(config, this.#surroundings());
    const problem = findings.find(({ status }) => status === 'problem');
    if (problem === undefined) return;
    const code = problem.check === 'key' ? 'primary-key-rejected' : 'primary-unreachable';
    throw new AppError(code, [problem.text, problem.advice].filter(Boolean).join(' '), {
      logText: 'The primary did not accept the key.',
    });
  }

  /** A new key, and the lines for the primary's own configuration. */
  newKey(body: Body): object {
    const fields = new Fields(body, ['zone', 'primary']);
    const zone = fields.read('zone', () => readNewZone(fields.text('zone')));
    const primary = fields.read('primary', () => {
      const text = fields.text('primary');
      if (isPrimaryKind(text)) return text;
      throw new AnswerError(`It must be one of ${PRIMARIES.join(', ')}.`);
    });
    fields.check();
    const name = zone!.toString().slice(0, -1);
    const key = randomBytes(64).toString('base64');
    return { keyName: name, algorithm: 'hmac-sha512', key, ...primaryLines(primary!, name, key) };
  }

  setListen(body: Body): object {
    const listen = readListen(body);
    if (this.#options.listenIsFixed && listen.http !== 'machine') {
      throw invalidField('/http', 'The environment variable DYNDNS_HTTP_LISTEN sets where HTTP is served.');
    }
    this.#listen = listen;
    return this.state();
  }

  /** The ports, the delegation, and a remote primary. Nothing is applied. */
  async check(): Promise<object> {
    const zone = this.#requireZone();
    const config = this.#parse(this.#text(zone));
    const surroundings = this.#surroundings();
    const [ports, others] = await Promise.all([
      checkPorts(config, surroundings),
      zone.kind === 'embedded' ? checkNewZone(config, zone, surroundings) : checkRemoteZone(config, surroundings),
    ]);
    return { findings: [...ports, ...others] };
  }

  /** The file as it will be written, with its secrets hidden, and what a start would warn of. */
  async preview(): Promise<object> {
    const zone = this.#requireZone();
    const config = this.#parse(this.#text(zone));
    const { problems, warnings } = await checkConfig(config);
    if (problems.length > 0) throw refusedConfig(problems);
    return {
      file: this.#options.file,
      text: this.#text(zone, true),
      warnings: [...config.warnings, ...warnings],
    };
  }

  /** Writes the file and starts the server. @throws AppError conflict that says what to do */
  async finish(): Promise<object> {
    const zone = this.#requireZone();
    const administrator = this.#administrator;
    if (administrator === undefined) throw missingStep('administrator');
    if (this.#isStarting) throw new AppError('conflict', 'The server is being started already.');
    this.#isStarting = true;
    try {
      const text = this.#text(zone);
      const { problems } = await checkConfig(this.#parse(text));
      if (problems.length > 0) throw refusedConfig(problems);
      const { name, password } = administrator;
      const ownPorts = this.#options.ownPorts();
      const started = await this.#options.start({ text, administrator: { name, password: password.reveal() } });
      return { url: this.#pageUrl(started, ownPorts) };
    } finally {
      this.#isStarting = false;
    }
  }

  /** Where the page goes on: relative, if the server has taken over the address of the wizard. */
  #pageUrl({ addresses, fragment }: StartedServer, ownPorts: readonly number[]): string {
    const hash = fragment === undefined ? '' : `#${fragment}`;
    const plain = addresses.filter((address) => address.startsWith('http://'));
    const isSame = plain.some((address) => ownPorts.includes(Number(new URL(address).port || 80)));
    const base = isSame ? undefined : (plain[0] ?? addresses[0]);
    if (base === undefined) return `./${hash}`;
    return `${base.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//127.0.0.1:')}/ui/${hash}`;
  }

  #requireZone(): ZoneAnswer {
    if (this.#zone === undefined) throw missingStep('zone');
    return this.#zone;
  }

  #surroundings(): CheckSurroundings {
    const { resolver, nameserverPort, machine, ownPorts } = this.#options;
    return { resolver, nameserverPort, machine, ownPorts: new Set(ownPorts()) };
  }

  /** @param isMasked secrets are hidden */
  #text(zone: ZoneAnswer, isMasked = false): string {
    const { store } = this.#options;
    const listen = this.#listen;
    const secret = isMasked ? `'${SECRET_MASK}'` : `'${this.#secret.reveal()}'`;
    const { url } = this.#options;
    const contact = zone.kind === 'embedded' ? zone.contact : undefined;
    const httpListen = this.#httpListen();
    const server: ServerPlan = {
      secret,
      store,
      admin: { url },
      ...(httpListen !== undefined && { httpListen }),
      ...(listen.https !== undefined && { https: { ...listen.https, email: listen.https.email ?? contact } }),
    };
    if (zone.kind === 'embedded') return embeddedConfiguration({ ...zone, dnsListen: listen.dns }, server);
    const { algorithm, key, keyName } = zone;
    const plan = {
      ...(!keyName.equals(zone.zone) && { name: keyName.toString().slice(0, -1) }),
      ...(algorithm !== 'hmac-sha512' && { algorithm }),
      secret: isMasked ? `'${SECRET_MASK}'` : `'${Buffer.from(key.reveal()).toString('base64')}'`,
    };
    return remoteConfiguration({ ...zone, key: plan }, server);
  }

  /** As texts; undefined: nothing is written. */
  #httpListen(): readonly string[] | undefined {
    const { httpListen, listenIsFixed, hasIpv6, ownPorts } = this.#options;
    const { http } = this.#listen;
    if (listenIsFixed) return undefined;
    if (http === 'machine') return httpListen;
    if (http === 'https')
      return [...(httpListen ?? ['127.0.0.1:54321']), `https://${hasIpv6 ? '[::]' : '0.0.0.0'}:443`];
    // An IPv6 socket on all addresses takes IPv4, too.
    return [`${hasIpv6 ? '[::]' : '0.0.0.0'}:${ownPorts()[0] ?? 54321}`];
  }

  /** @throws AppError with every problem */
  #parse(text: string): Config {
    const { file, environment } = this.#options;
    try {
      return parseConfig(text, file, environment).config;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw refusedConfig(error.lines);
    }
  }
}

/** Of a nameserver: the internet reaches public addresses alone. */
function proposedAddresses(machine: readonly IpAddress[]): readonly IpAddress[] {
  const reachable = machine.filter(isPublic);
  return reachable.length > 0 ? reachable : machine;
}

function refusedConfig(problems: readonly string[]): AppError {
  return new AppError('conflict', problems.join('\n'), { logText: 'The configuration is not valid.' });
}

function shownZone(zone: ZoneAnswer): object {
  const name = zone.zone.toString().slice(0, -1);
  if (zone.kind === 'remote') {
    const { nameserver, port, keyName, algorithm } = zone;
    return { kind: 'remote', zone: name, nameserver: nameserver.text, port, keyName: keyName.toString(), algorithm };
  }
  const { isAtRegistrar, parent, lines } = parentRecords(zone);
  return {
    kind: 'embedded',
    zone: name,
    ns: zone.ns.map(String),
    addresses: zone.glue.map(({ text }) => text),
    contact: zone.contact.replaceAll("'", ''),
    parent: { ...(parent !== undefined && { name: parent.toString() }), isAtRegistrar, lines },
  };
}

function shownListen({ http, https, dns }: ListenAnswer): object {
  return {
    http,
    ...(https !== undefined && { names: https.names.map((name) => name.toString().slice(0, -1)) }),
    ...(https?.email !== undefined && { email: https.email.replaceAll("'", '') }),
    ...(dns !== undefined && { dns }),
  };
}
