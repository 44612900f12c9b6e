/** The answers of the wizard's steps: read from the JSON of the page, with the same rules as those of `dyndns init`. */
import { ipAddress } from '../config/kinds/addresses.ts';
import { dnsEndpoint } from '../config/kinds/endpoints.ts';
import { base64Secret, tsigAlgorithm, tsigKeyName } from '../config/kinds/secrets.ts';
import type { Secret } from '../config/secret.ts';
import { MAX_PASSWORD, MIN_PASSWORD } from '../core/sign-in/password.ts';
import type { IpAddress } from '../dns/address.ts';
import { formatEndpoint } from '../dns/endpoint.ts';
import type { DomainName } from '../dns/name.ts';
import type { TsigAlgorithm } from '../dns/tsig-key.ts';
import { Fields } from './fields.ts';
import {
  AnswerError,
  readAnswer,
  readCertificateNames,
  readContact,
  readGlue,
  readNameservers,
  readNewZone,
  splitAnswer,
} from './plan/answers.ts';
import type { HttpsPlan } from './plan/configuration.ts';

export interface EmbeddedZone {
  readonly kind: 'embedded';
  readonly zone: DomainName;
  readonly ns: readonly DomainName[];
  readonly glue: readonly IpAddress[];
  /** As YAML. */
  readonly contact: string;
}

export interface RemoteZone {
  readonly kind: 'remote';
  readonly zone: DomainName;
  readonly nameserver: IpAddress;
  readonly port: number;
  readonly keyName: DomainName;
  readonly algorithm: TsigAlgorithm;
  readonly key: Secret<Uint8Array>;
}

export type ZoneAnswer = EmbeddedZone | RemoteZone;

export interface ListenAnswer {
  /** Who reaches the server over HTTP: this machine, the network without TLS, or everyone with HTTPS. */
  readonly http: 'machine' | 'network' | 'https';
  /** With `https`. */
  readonly https?: HttpsPlan;
  /** `dns.listen`, as texts; absent: the default. */
  readonly dns?: readonly string[];
}

type Body = Readonly<Record<string, unknown>>;

/** @throws InputError */
export function readZone(body: Body): ZoneAnswer {
  return body['kind'] === 'remote' ? readRemote(body) : readEmbedded(body);
}

function readEmbedded(body: Body): EmbeddedZone {
  const fields = new Fields(body, ['kind', 'zone', 'ns', 'addresses', 'contact']);
  fields.read('kind', () => {
    if (body['kind'] !== 'embedded') throw new AnswerError('It must be embedded or remote.');
  });
  const zone = fields.read('zone', () => readNewZone(fields.text('zone')));
  const name = zone?.toString().slice(0, -1) ?? '';
  const ns = zone && fields.read('ns', () => readNameservers(fields.text('ns') || `ns1.${name}`, zone));
  const addresses = fields.text('addresses');
  const first = ns?.[0];
  const hasGlue = zone !== undefined && first?.isAtOrBelow(zone) === true;
  const glue = hasGlue ? fields.read('addresses', () => readGlue(addresses, first)) : [];
  const contact = zone && fields.read('contact', () => readContact(fields.text('contact') || `hostmaster@${name}`));
  fields.check();
  return { kind: 'embedded', zone: zone!, ns: ns!, glue: glue!, contact: contact! };
}

const DNS_PORT = 53;

function readRemote(body: Body): RemoteZone {
  const fields = new Fields(body, ['kind', 'zone', 'nameserver', 'port', 'keyName', 'algorithm', 'key']);
  const zone = fields.read('zone', () => readNewZone(fields.text('zone')));
  const nameserver = fields.read('nameserver', () => readAnswer(fields.text('nameserver'), ipAddress));
  const port = fields.optional('port', readPort) ?? DNS_PORT;
  const keyName = fields.optional('keyName', (text) => readAnswer(text, tsigKeyName)) ?? zone;
  const algorithm = fields.optional('algorithm', (text) => readAnswer(text, tsigAlgorithm)) ?? 'hmac-sha512';
  const key = fields.read('key', () => {
    const secret = fields.text('key');
    const parsed = base64Secret.parse(secret);
    // The text of a secret is never repeated.
    if (parsed === undefined) throw new AnswerError(`The key must be ${base64Secret.allowed}.`);
    return parsed;
  });
  fields.check();
  return {
    kind: 'remote',
    zone: zone!,
    nameserver: nameserver!,
    port,
    keyName: keyName!,
    algorithm,
    key: key!,
  };
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new AnswerError('It must be a port number, 1 to 65535.');
}

const HTTP_CHOICES = ['machine', 'network', 'https'] as const;

/** @throws InputError */
export function readListen(body: Body): ListenAnswer {
  const fields = new Fields(body, ['http', 'names', 'email', 'dns']);
  const http = fields.read('http', () => {
    const text = fields.text('http') || 'machine';
    const choice = HTTP_CHOICES.find((each) => each === text);
    if (choice === undefined) throw new AnswerError(`It must be one of ${HTTP_CHOICES.join(', ')}.`);
    return choice;
  });
  const email = fields.optional('email', readContact);
  const names = http === 'https' ? fields.read('names', () => readCertificateNames([fields.text('names')])) : undefined;
  const dns = fields.optional('dns', (text) =>
    splitAnswer(text).map((each) => formatEndpoint(readAnswer(each, dnsEndpoint))),
  );
  fields.check();
  return {
    http: http!,
    ...(names !== undefined && { https: { names, email } }),
    ...(dns !== undefined && dns.length > 0 && { dns }),
  };
}

const USER_NAME = /^[a-z0-9._@+-]{1,64}$/;

export interface Administrator {
  readonly name: string;
  readonly password: string;
}

/** @throws InputError */
export function readAdministrator(body: Body): Administrator {
  const fields = new Fields(body, ['name', 'password']);
  const name = fields.text('name');
  fields.read('name', () => {
    if (USER_NAME.test(name)) return;
    throw new AnswerError('It must be 1 to 64 lower-case letters, digits and the signs . _ @ + -');
  });
  const password = fields.exactText('password');
  fields.read('password', () => {
    const { length } = [...password];
    if (length < MIN_PASSWORD || length > MAX_PASSWORD) {
      throw new AnswerError(`It must have ${MIN_PASSWORD} to ${MAX_PASSWORD} characters.`);
    }
    if (password.toLowerCase() === name) throw new AnswerError('It must not be the name of the user.');
  });
  fields.check();
  return { name, password };
}
