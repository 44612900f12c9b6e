/**
 * The settings of a router or an update client for one host: the fields as its own screen names them, and the text of its
 * files. docs/clients, `dyndns token create --for` and the HTTP API come from the same rows (devices.ts).
 */
import { parseHostName } from '../../dns/host-name.ts';
import { NameError } from '../../dns/name.ts';
import { AppError } from '../errors.ts';
import { urlText } from './formats.ts';

/** What a row makes its settings from. */
export interface DeviceValues {
  /** The URL of the server without a path: `https://dyndns.example.com`, `http://192.0.2.1:8080`. */
  readonly url: string;
  /** Host and port: `dyndns.example.com`, `[2001:db8::1]:8443`. */
  readonly authority: string;
  readonly hostname: string;
  readonly isHttps: boolean;
  /** The name to update, without a final dot. It is also the user name: some devices do not send the host. */
  readonly host: string;
  /** The host, then other names for devices that take several. */
  readonly hosts: readonly string[];
  readonly secret: string;
  /** `https://dyndns.example.com/nic/update?hostname=NAME` and more of the query, which the row has escaped. */
  updateUrl(hostname?: string, more?: string): string;
}

export interface Field {
  /** As the device's screen names it. */
  readonly name: string;
  readonly value: string;
  /** The value is an entry of a list or a switch, and not a text to enter. */
  readonly isChoice?: true;
  readonly note?: string;
  /** The fence of the text that is the value; there may be alternatives to it. */
  readonly text?: string;
}

export interface FieldsSection {
  readonly kind: 'fields';
  /** Unique among the sections of the device: `fields account`. */
  readonly id: string;
  /** A sentence without its colon, which says where to enter the fields. */
  readonly title: string;
  readonly fields: readonly Field[];
}

export interface TextSection {
  readonly kind: 'text';
  /** A language and a word, as in the page's code block: `conf inadyn`. */
  readonly id: string;
  /** A sentence without its colon, which says where the text belongs. */
  readonly title: string;
  /** Where it is a file of the device: its path. */
  readonly file?: string;
  /** Where it is a file with a secret: `0600`. */
  readonly mode?: string;
  /** Complete lines. */
  readonly text: string;
}

export type Section = FieldsSection | TextSection;

export interface Device {
  /** Lower-case letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  /** Other words for it, in the form of `plainWord`. */
  readonly aliases?: readonly string[];
  /** The file in docs/clients. */
  readonly page: string;
  /** Its settings take several names. */
  readonly takesSeveral?: true;
  /** It has no way to use `http://`. */
  readonly needsHttps?: true;
  sections(values: DeviceValues): readonly Section[];
  /** What the device gets wrong, one sentence or two each. Code is in backticks. */
  readonly warnings: readonly string[];
}

export interface InstructionsRequest {
  /** The URL at which clients reach the server: scheme, host and port. Absent: `https://SERVER`, to be replaced. */
  readonly server?: string | undefined;
  /** The full name of one host, with or without the final dot. */
  readonly host: string;
  /** Other full names that the token may change. */
  readonly otherHosts?: readonly string[] | undefined;
  readonly tokenName: string;
  /** RR types that the token may change; absent: A and AAAA. */
  readonly types?: readonly string[] | undefined;
  /** Absent: `TOKEN`, to be replaced. */
  readonly secret?: string | undefined;
}

export interface Instructions {
  readonly client: string;
  readonly title: string;
  /** Path of the page in the documentation. */
  readonly page: string;
  readonly server: string;
  readonly host: string;
  readonly token: string;
  readonly sections: readonly Section[];
  readonly warnings: readonly string[];
}

export const SERVER_PLACEHOLDER = 'https://SERVER';
const SECRET_PLACEHOLDER = 'TOKEN';

/**
 * The settings of a device for one host.
 * @throws AppError request-malformed (the server is not such a URL, the secret is not printable ASCII), name-invalid
 */
export function instructionsFor(device: Device, request: InstructionsRequest): Instructions {
  const { server = SERVER_PLACEHOLDER, host, otherHosts = [], tokenName, secret = SECRET_PLACEHOLDER } = request;
  const hosts = [host, ...otherHosts].map(singleName);
  const values = deviceValues(server, hosts, secret);
  return {
    client: device.id,
    title: device.title,
    page: `docs/clients/${device.page}`,
    server: values.url,
    host: values.host,
    token: tokenName,
    sections: device.sections(values),
    warnings: [...warningsOf(device, values, request.types), ...device.warnings],
  };
}

/** What is wrong with these values for this device. */
function warningsOf(device: Device, values: DeviceValues, types: readonly string[] = ['A', 'AAAA']): string[] {
  const { url, isHttps, host, hosts } = values;
  const warnings: string[] = [];
  if (url === SERVER_PLACEHOLDER) warnings.push('Replace `SERVER` by the name at which clients reach the server.');
  if (!isHttps && device.needsHttps) {
    warnings.push('It uses HTTPS only: these settings need a server whose URL begins with `https://`.');
  } else if (!isHttps) warnings.push('Without HTTPS, everyone on the path can read the token.');
  if (hosts.length > 1 && !device.takesSeveral) {
    warnings.push(`These settings are for ${host}. Repeat them for each other name of the token.`);
  }
  const families = ['A', 'AAAA'].filter((type) => types.includes(type));
  if (families.length === 0)
    warnings.push('The token may not change addresses, so the server will refuse its updates.');
  if (families.length === 1) {
    const version = families[0] === 'A' ? 'IPv4' : 'IPv6';
    warnings.push(`The token may change ${families[0]} only: send the ${version} address alone.`);
  }
  return warnings;
}

function deviceValues(server: string, hosts: readonly string[], secret: string): DeviceValues {
  if (!/^[\x21-\x7e]{1,256}$/.test(secret)) {
    throw new AppError('request-malformed', 'The secret must be 1 to 256 printable ASCII characters without spaces.');
  }
  const parsed = parseServer(server);
  if (parsed === undefined) {
    throw new AppError(
      'request-malformed',
      "'server' must be a URL without a path, like https://dyndns.example.com or http://192.0.2.1:8080.",
    );
  }
  const host = hosts[0]!;
  const { url } = parsed;
  return {
    ...parsed,
    isHttps: url.startsWith('https:'),
    host,
    hosts,
    secret,
    updateUrl: (name = urlText(host), more = '') => `${url}/nic/update?hostname=${name}${more}`,
  };
}

/** The URL of a server without a path; undefined: it is none. No character of it is special in any format of formats.ts. */
export function parseServer(text: string): Pick<DeviceValues, 'url' | 'authority' | 'hostname'> | undefined {
  if (text === SERVER_PLACEHOLDER) return { url: text, authority: 'SERVER', hostname: 'SERVER' };
  if (text.length > 512 || !URL.canParse(text)) return undefined;
  const { protocol, host, hostname, pathname, username, password, search, hash } = new URL(text);
  if (!/^https?:$/.test(protocol) || !/^\[?[a-z0-9._:-]{1,255}\]?$/.test(hostname)) return undefined;
  if (pathname !== '/' || `${username}${password}${search}${hash}` !== '') return undefined;
  return { url: `${protocol}//${host}`, authority: host, hostname };
}

function singleName(text: string): string {
  let name: string;
  try {
    name = String(parseHostName(text)).replace(/\.$/, '');
  } catch (error) {
    if (error instanceof NameError) throw new AppError('name-invalid', error.message);
    throw error;
  }
  if (!name.startsWith('*')) return name;
  throw new AppError('request-malformed', `'host' must be the full name of one host, and '${name}' is a pattern.`);
}
