/** The text that shows a new token, once: its secret, and examples for clients. */
import { formatYamlText } from '../config/kinds/kind.ts';
import type { NewTokenView } from '../core/admin/token-operations.ts';

/** In place of a URL that this machine does not know. */
const UNKNOWN_SERVER = 'https://SERVER';

/** The best of the URLs at which HTTP is served, as `dyndns status` prints them. */
export function serverUrl(http: readonly string[]): string {
  const usable = http.filter((address) => /^https?:/.test(address) && !/\/\/(0\.0\.0\.0|\[::\])|:0$/.test(address));
  return usable.find((address) => address.startsWith('https:')) ?? usable[0] ?? UNKNOWN_SERVER;
}

export function formatNewToken(created: NewTokenView, server: string, isStored: boolean): string {
  const { token, secret, sha256, freednsUser } = created;
  const { name, hosts, types, addresses, sources, expires, maxUnusedDays, register } = token;
  const allowed =
    typeof addresses === 'string' ? { any: 'any address', own: 'its own address' }[addresses] : addresses.join(', ');
  return `${isStored ? 'The token' : 'A token that is not stored:'} '${name}' may change ${types.join(', ')} of ${hosts.map(plain).join(', ')}
to ${allowed}${sources === undefined ? '' : `, only from ${sources.join(', ')}`}${expires === undefined ? '' : `, until the end of ${expires} (UTC)`}${maxUnusedDays === undefined ? '' : `, until it was not used for ${maxUnusedDays} days`}.${register ? ' It may create accounts of acme-dns.' : ''} This is its ${freednsUser === undefined ? 'secret' : `password for the FreeDNS user '${freednsUser}'`}, shown this once:

${secret}
${freednsUser === undefined ? clientLines(token, secret, server) : freednsLines(token, secret, server, freednsUser)}
${isStored ? 'To keep it in the configuration file instead (then revoke the stored one with `dyndns token revoke`)' : 'For the configuration file'}:

${configurationEntry(token, sha256)}`;
}

function clientLines({ name, hosts, types }: NewTokenView['token'], secret: string, server: string): string {
  if (!types.includes('A') && !types.includes('AAAA')) return '';
  const literal = hosts.filter((host) => !host.startsWith('*'));
  // For a pattern: a name that it covers.
  const names = (literal.length > 0 ? literal : hosts.slice(0, 1).map((host) => host.replace('*', 'home'))).map(plain);
  const [host = ''] = names;
  const { protocol, host: authority } = new URL(server.replace('SERVER', 'server'));
  const reached = server === UNKNOWN_SERVER ? 'SERVER' : authority;
  const update = `/nic/update?hostname=${host}`;
  const header = `${name.replace(/[^\w.-]+/g, '-').replace(/^[-.]+/, '')}.header`;
  const note =
    server === UNKNOWN_SERVER
      ? ' Replace SERVER by the address at which clients reach this server, or use --server URL.'
      : '';
  return `
Routers and other clients of dyndns2: any user name, and the secret as password. As one URL:${note}

${protocol}//${host}:${secret}@${reached}${update}

ddclient, in /etc/ddclient.conf (mode 0600):

protocol=dyndns2
use=web, web=${protocol}//${reached}/myip
server=${reached}
ssl=${protocol === 'https:' ? 'yes' : 'no'}
login=${host}
password='${secret}'
${names.join(',')}

curl, with the secret in a file, because every user of the machine can read command lines:

( umask 077; printf 'Authorization: Bearer %s\\n' ${secret} > ${header} )
curl -s -H @${header} '${protocol}//${reached}${update}'
`;
}

function freednsLines({ hosts }: NewTokenView['token'], secret: string, server: string, user: string): string {
  const names = hosts.filter((host) => !host.startsWith('*')).map(plain);
  const reached = server === UNKNOWN_SERVER ? 'SERVER' : new URL(server).host;
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
    `    hosts: ${list(hosts.map(plain))}`,
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
function plain(ownerName: string): string {
  return ownerName.replace(/\.$/, '');
}
