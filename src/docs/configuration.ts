/**
 * docs/configuration.md and docs/dyndns.example.yml, written from the table of options. `npm run docs` writes the files;
 * a test compares them with the text from here.
 */
import { describeDefault } from '../config/help.ts';
import { isSecretKind } from '../config/kinds/kind.ts';
import type { Option } from '../config/options/option.ts';
import { environmentName, OPTION_TREE, type OptionNode, onlyOf, ROWS } from '../config/options/options.ts';

const INTRODUCTION = `<!-- Written by \`npm run docs\` from src/config/options/. Change it there. -->

# Configuration

This page lists every option of the configuration file, which is one YAML 1.2 file. A minimal configuration:

\`\`\`yaml
---
secret: '12345678'
nameserver: 127.0.0.1
port: 53
zones:
  - name: dyndns.example.com
    tsig_key: tPyvZA==
\`\`\`

[dyndns.example.yml](dyndns.example.yml) shows every option. \`dyndns config\` prints the effective configuration with
the origin of each value, and no secrets.

## Which file is used

The first of these that exists:

1. \`--config FILE\`
2. the value of the environment variable \`dyndns_CONFIG_FILE\`
3. \`./.dyndns.yml\`
4. \`/etc/dyndns.yml\`

A file that is set (1, 2) and does not exist is an error.

## How the file is read

- All problems are reported at once, with file, line and column, the option's path, and what is allowed.
- Unknown keys are errors; the message names the nearest known key.
- Text that YAML would read as a number must be quoted: \`secret: '01234567'\`.
- A second document, duplicate keys, and aliases that expand without bound are refused.
- Durations are numbers in the unit that is given for the option.
- \`dyndns reload\` reloads the file and waits for the outcome; \`SIGHUP\` reloads it as well, with the outcome in the log. An
  invalid file is refused with its problems, and the old configuration remains in effect.

## Secrets

A secret can be in this file or in a separate file: \`secret: {file: secret.txt}\`, \`tsig_key: {file: key.txt}\`. A
relative path starts at the directory of the configuration file; one line break at the end of the content is ignored. A path
may begin with \`$CREDENTIALS_DIRECTORY/\`, which systemd sets for units with \`LoadCredential=\`; the paths in
\`http.tls\` may too.

\`store\` and the \`sha256\` of a token can be set like this too. \`dyndns config\` prints a URL without its password, and the
beginning of a SHA-256.

A warning is logged if other users of the machine can read a configuration file that contains secrets.

## Environment

\`DYNDNS_\` and the option's path in capitals, with \`_\` for the dots, overrides the option: \`DYNDNS_HTTP_LISTEN\`. Entries
of a list are separated by commas; an empty value is an empty list. A secret can also be read from a file:
\`DYNDNS_SECRET_FILE\`. A value that is not allowed is an error that names the variable. Values that begin with \`tcp://\`
or \`udp://\` come from container platforms and are ignored with a warning. Zones, tokens, hosts and
webhooks can only be set in the file.
`;

const SECTIONS: readonly { readonly title: string; readonly prefix: string; readonly text: string }[] = [
  { title: 'The server', prefix: '', text: 'At the top of the file.' },
  { title: '`http`', prefix: 'http.', text: 'The listeners of the HTTP API.' },
  {
    title: '`dns`',
    prefix: 'dns.',
    text: 'The nameserver for the embedded zones. It starts only if there is such a zone.',
  },
  { title: '`metrics`', prefix: 'metrics.', text: 'A separate listener for metrics, without authentication.' },
  {
    title: '`limits`',
    prefix: 'limits.',
    text: 'Rate limits for clients. A client over a limit gets a reply with the time after which it may retry.',
  },
  {
    title: '`protocols`',
    prefix: 'protocols.',
    text:
      'Client protocols that can be disabled. A route of disabled protocols alone does not exist. dyndns2, the address echo ' +
      'and the original API cannot be disabled. A reload takes effect at once.',
  },
  {
    title: '`acme_dns`',
    prefix: 'acme_dns.',
    text: 'The accounts of acme-dns ([the protocol](protocols/acme-dns.md)). Used only with `protocols.acme_dns`.',
  },
  {
    title: '`admin`',
    prefix: 'admin.',
    text: 'The HTTP API for administration ([its pages](api/README.md)). Changes of `enabled`, `listen` and `powerdns_api` need a restart.',
  },
  {
    title: '`zones[]`',
    prefix: 'zones[].',
    text:
      'A list with at least one zone. Each zone may be listed once; case and the final dot make no difference. ' +
      '`tsig_key` has a short form, the secret alone, and a long form, a map; so does each entry of `secondaries`. ' +
      'An option that is only for the other kind of primary is an error.',
  },
  {
    title: '`tokens[]`',
    prefix: 'tokens[].',
    text:
      'A list of credentials for clients. They are valid in addition to the tokens in the store, are checked first, and do ' +
      'not need a `store`. Each name and each `sha256` must be unique; a name outside of all zones is a warning.',
  },
  {
    title: '`hosts[]`',
    prefix: 'hosts[].',
    text:
      'A list of settings for single hosts. A host without settings needs no entry. Each host may be listed once and must ' +
      'be in a zone of the file. See also [silent hosts and leases](operating/silent-hosts.md).',
  },
  {
    title: '`webhooks[]`',
    prefix: 'webhooks[].',
    text: 'A list of URLs that are notified of events over HTTP: [webhooks](operating/webhooks.md).',
  },
];

/** The text of docs/configuration.md. */
export function configurationDocument(): string {
  const paths = [...ROWS.keys()];
  const sections = SECTIONS.map(({ title, prefix, text }) => {
    const own = paths.filter((path) => (prefix === '' ? !/[.[]/.test(path) : path.startsWith(prefix)));
    return `## ${title}\n\n${text}\n\n${own.flatMap((path) => describeOption(path, prefix)).join('\n')}`;
  });
  return [INTRODUCTION, ...sections].join('\n');
}

function describeOption(path: string, prefix: string): string[] {
  const row = ROWS.get(path)!;
  const allowed = isSecretKind(row.kind) ? `${row.kind.allowed}; or \`{file: PATH}\`` : row.kind.allowed;
  const variable = environmentName(path);
  return [
    `### \`${path.slice(prefix.length)}\``,
    '',
    row.summary,
    '',
    `- Allowed: ${allowed}${row.unit === undefined ? '' : `, in ${row.unit}`}`,
    `- Without it: ${describeDefault(row)}`,
    ...(row.only === undefined ? [] : [`- Only for ${row.only === 'remote' ? 'a remote primary' : 'embedded zones'}`]),
    ...exampleOf(path.split('.').at(-1)!.replace('[]', ''), row.example),
    ...(variable === undefined ? [] : [`- Environment: \`${variable}\``]),
    '',
  ];
}

function exampleOf(key: string, example: string): string[] {
  if (!example.includes('\n')) return [`- Example: \`${key}: ${example}\``];
  return ['- Example:', '', '  ```', ...`${key}: ${example}`.split('\n').map((line) => `  ${line}`), '  ```'];
}

const EXAMPLE_HEAD = `# Configuration of dyndns. Written by \`npm run docs\` from src/config/options/.
# A line with "# " is an explanation; a line with "#" alone is an option: remove the "#" to set it.
# configuration.md has more.
---`;

/** Not commented out in the example, so that the file works like the original's. */
const ACTIVE = new Set(['secret', 'nameserver', 'port']);

/**
 * The text of docs/dyndns.example.yml: valid as it is, and valid when every `#` without a space after it is removed.
 */
export function exampleFile(): string {
  const top = [...OPTION_TREE.children.values()].filter((node) => !node.isList);
  const lists = [...OPTION_TREE.children.values()].filter((node) => node.isList && node.key !== 'zones');
  const zone = OPTION_TREE.children.get('zones')!;
  const first = ['name', 'tsig_key'].map((key) => zone.children.get(key)!);
  return `${[
    EXAMPLE_HEAD,
    ...top.flatMap((node) => exampleLines(node, '', (line) => (ACTIVE.has(node.path) ? line : commentOut(line)))),
    'zones:',
    '  # The short form: the name of the key is the name of the zone, its algorithm is hmac-sha512.',
    ...first.map((node, index) => `${index === 0 ? '  - ' : '    '}${node.key}: ${(node.row as Option).example}`),
    '',
    '  # A second zone, with every option for a zone on a remote primary.',
    '  #- name: home.example.net',
    ...exampleZone(['name'], 'embedded'),
    '  # A third zone, which dyndns serves itself.',
    '  #- name: lab.example.net',
    '    #nameserver: embedded',
    '',
    ...exampleZone(['name', 'nameserver', 'tsig_key', ...OF_EVERY_ZONE], 'remote'),
    ...lists.flatMap((node) => exampleLines(node, '', commentOut)),
  ]
    .join('\n')
    .trimEnd()}\n`;
}

/** Shown in the second zone, not again in the third. */
const OF_EVERY_ZONE = ['ttl', 'apex', 'wildcard', 'reserved', 'addresses', 'empty_value'];

/** The options of a zone, without some keys and without those for the other kind of primary. */
function exampleZone(without: readonly string[], otherKind: 'remote' | 'embedded'): string[] {
  const zone = OPTION_TREE.children.get('zones')!;
  return [...zone.children.values()]
    .filter((node) => !without.includes(node.key) && onlyOf(node) !== otherKind)
    .flatMap((node) => exampleLines(node, '    ', commentOut));
}

/** Inserts the `#` after the indentation. */
function commentOut(line: string): string {
  return line.replace(/^ */, '$&#');
}

/** For options that exclude others of the example: removing every `#` must not set them. */
function remark(line: string): string {
  return line.replace(/^ */, '$&# ');
}

function exampleLines(node: OptionNode, indent: string, comment: (line: string) => string): string[] {
  const children = [...node.children.values()];
  if (children.length > 0) {
    const inner = `${indent}${node.isList ? '    ' : '  '}`;
    const lines = children.flatMap((child) => exampleLines(child, inner, comment));
    if (node.isList) beginEntry(lines, inner);
    const put = children.every(({ row }) => row?.instead) ? remark : comment;
    return [put(`${indent}${node.key}:`), ...lines];
  }
  const row = node.row as Option;
  const facts = [
    row.unit === undefined ? '' : `In ${row.unit}. `,
    `Without it: ${describeDefault(row).replaceAll('`', '')}.`,
  ].join('');
  const text = `${row.summary.replaceAll('`', '')} ${facts}`;
  const put = row.instead ? remark : comment;
  const value = `${node.key}: ${row.example}`.split('\n').map((line) => put(`${indent}${line}`));
  return [...wrap(text, `${indent}# `, 100), ...value, ''];
}

/** Puts the dash of a list entry before its first option. */
function beginEntry(lines: string[], indent: string): void {
  const first = lines.findIndex((line) => !line.startsWith(`${indent}# `));
  lines[first] = lines[first]!.replace(`${indent}#`, `${indent.slice(2)}#- `);
}

function wrap(text: string, prefix: string, width: number): string[] {
  const lines: string[] = [];
  let line = prefix;
  for (const word of text.split(' ')) {
    if (line !== prefix && line.length + word.length > width) {
      lines.push(line.trimEnd());
      line = prefix;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()];
}
