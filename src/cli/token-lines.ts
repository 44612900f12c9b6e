/** The text that shows a new token, once: its secret, and examples for clients. */
import { formatYamlText } from '../config/kinds/kind.ts';
import type { NewTokenView } from '../core/admin/token-operations.ts';
import {
  type Device,
  type Instructions,
  instructionsFor,
  parseServer,
  SERVER_PLACEHOLDER,
} from '../core/devices/device.ts';
import { DEVICE_IDS, getDevice } from '../core/devices/devices.ts';
import { formatInstructions } from './instructions-text.ts';
import { wrapText } from './table.ts';

/** The best of the URLs at which HTTP is served, as `dyndns status` prints them. */
export function serverUrl(http: readonly string[]): string {
  const usable = http.filter(
    (address) => parseServer(address) !== undefined && !/\/\/(0\.0\.0\.0|\[::\])|:0$/.test(address),
  );
  return usable.find((address) => address.startsWith('https:')) ?? usable[0] ?? SERVER_PLACEHOLDER;
}

/** The settings of a device with the new secret. @throws AppError as `instructionsFor` */
export function instructionsForToken(device: Device, { token, secret }: NewTokenView, server: string): Instructions {
  const [host = '', ...otherHosts] = exampleNames(token.hosts);
  return instructionsFor(device, { server, host, otherHosts, tokenName: token.name, types: token.types, secret });
}

/** @param device its settings, in place of the examples */
export function formatNewToken(created: NewTokenView, server: string, isStored: boolean, device?: Device): string {
  const { token, secret, sha256, freednsUser } = created;
  const { name, hosts, types, addresses, sources, expires, maxUnusedDays, register } = token;
  const allowed =
    typeof addresses === 'string' ? { any: 'any address', own: 'its own address' }[addresses] : addresses.join(', ');
  return `${isStored ? 'The token' : 'A token that is not stored:'} '${name}' may change ${types.join(', ')} of ${hosts.map(plainName).join(', ')}
to ${allowed}${sources === undefined ? '' : `, only from ${sources.join(', ')}`}${expires === undefined ? '' : `, until the end of ${expires} (UTC)`}${maxUnusedDays === undefined ? '' : `, until it was not used for ${maxUnusedDays} days`}.${register ? ' It may create accounts of acme-dns.' : ''} This is its ${freednsUser === undefined ? 'secret' : `password for the FreeDNS user '${freednsUser}'`}, shown this once:

${secret}
${device !== undefined ? `\n${formatInstructions(instructionsForToken(device, created, server))}` : freednsUser === undefined ? clientLines(created, server) : freednsLines(token, secret, server, freednsUser)}
${isStored ? 'To keep it in the configuration file instead (then revoke the stored one with `dyndns token revoke`)' : 'For the configuration file'}:

${configurationEntry(token, sha256)}`;
}

function clientLines(created: NewTokenView, server: string): string {
  const { token, secret } = created;
  if (!token.types.includes('A') && !token.types.includes('AAAA')) return '';
  const [host = ''] = exampleNames(token.hosts);
  const ddclient = instructionsForToken(getDevice('ddclient'), created, server).sections[0];
  const update = `/nic/update?hostname=${host}`;
  const header = `${token.name.replace(/[^\w.-]+/g, '-').replace(/^[-.]+/, '')}.header`;
  const note =
    server === SERVER_PLACEHOLDER
      ? ' Replace SERVER by the address at which clients reach this server, or use --server URL.'
      : '';
  return `
Routers and other clients of dyndns2: any user name, and the secret as password. As one URL:${note}

${server.replace('//', `//${host}:${secret}@`)}${update}

ddclient 3.11 and later, in /etc/ddclient.conf (mode 0600):

${ddclient?.kind === 'text' ? ddclient.text : ''}
curl, with the secret in a file, because every user of the machine can read command lines:

( umask 077; printf 'Authorization: Bearer %s\\n' ${secret} > ${header} )
curl -s -H @${header} '${server}${update}'

The option --for prints the settings of one device:
${wrapText(`${DEVICE_IDS.join(', ')}.`, 79).join('\n')}
`;
}

/** The names of a token, without patterns; of patterns alone, a name that the first one covers. */
function exampleNames(hosts: readonly string[]): readonly string[] {
  const literal = hosts.filter((host) => !host.startsWith('*'));
  return (literal.length > 0 ? literal : hosts.slice(0, 1).map((host) => host.replace('*', 'home'))).map(plainName);
}

function freednsLines({ hosts }: NewTokenView['token'], secret: string, server: string, user: string): string {
  const names = hosts.filter((host) => !host.startsWith('*')).map(plainName);
  const reached = server === SERVER_PLACEHOLDER ? 'SERVER' : new URL(server).host;
  return `
Only for clients of FreeDNS version 1, together with the user name. ddclient, in /etc/ddclient.conf (mode 0600):

protocol=freedns
use=no
usev4=webv4, webv4=https://${reached}/myip
server=${reached}
ssl=yes
login=${user}
password='${secret}'
${names.join(',')}
`;
}

/** One entry of \`tokens:\`. */
function configurationEntry(
  { name, hosts, types, addresses, sources, expires, maxUnusedDays, register }: NewTokenView['token'],
  sha256: string,
): string {
  const list = (items: readonly string[]) => `[${items.map(formatYamlText).join(', ')}]`;
  const lines = [
    `  - name: ${formatYamlText(name)}`,
    `    sha256: '${sha256}'`,
    `    hosts: ${list(hosts.map(plainName))}`,
    ...(types.join() === 'A,AAAA' ? [] : [`    types: ${list(types)}`]),
    ...(addresses === 'any' ? [] : [`    addresses: ${typeof addresses === 'string' ? addresses : list(addresses)}`]),
    ...(sources === undefined ? [] : [`    sources: ${list(sources)}`]),
    ...(register ? ['    register: true'] : []),
    ...(maxUnusedDays === undefined ? [] : [`    max_unused_days: ${maxUnusedDays}`]),
    ...(expires === undefined ? [] : [`    expires: ${expires}`]),
  ];
  return `tokens:\n${lines.join('\n')}\n`;
}

/** Without the final dot, as clients write names. */
export function plainName(ownerName: string): string {
  return ownerName.replace(/\.$/, '');
}
