/**
 * docs/configuration.md, docs/dyndns.example.yml and the option list of the help text, all written from the table.
 * `node scripts/docs.mjs` puts them into files; a test compares the files with this text.
 */
import { isSecretKind } from '../config/kinds/kinds.ts';
import { environmentName, OPTION_TREE, type Option, type OptionNode, onlyOf, ROWS } from '../config/options/options.ts';
import { formatValue } from '../config/show.ts';

const INTRODUCTION = `<!-- Written by \`npm run docs\` from src/config/options/options.ts. Change it there. -->

# Configuration

One YAML 1.2 file. This is enough:

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

## Where the file is looked for

The first of these that exists counts:

1. \`--config FILE\`
2. the file that the environment variable \`dyndns_CONFIG_FILE\` names
3. \`./.dyndns.yml\`
4. \`/etc/dyndns.yml\`

A file that was named (1, 2) and does not exist is an error.

## How it is read

- Every problem is reported at once, with file, line and column, the option's path, and what is allowed.
- Unknown keys are errors; the message names the nearest known key.
- Text that YAML would read as a number must be quoted: \`secret: '01234567'\`.
- A second document, a key that stands twice, and aliases that expand without bound are refused.
- Durations are numbers in the unit that the table says.
- \`dyndns reload\` reloads the file and waits for the outcome; \`SIGHUP\` reloads it too, with the outcome in the log. An
  invalid file is refused with its problems, and the old configuration stays in force.

## Secrets

A secret can stand in the file, or in a file of its own: \`secret: {file: secret.txt}\`, \`tsig_key: {file: key.txt}\`. The
path starts from the directory of the configuration file; one line break at the end of the content is left out. A path
may begin with \`$CREDENTIALS_DIRECTORY/\`, which systemd sets for units with \`LoadCredential=\`; the paths in
\`http.tls\` may too.

\`store\` and the \`sha256\` of a token can be given so too. Of a URL with a password \`dyndns config\` prints the rest, of
a SHA-256 the beginning.

A warning says so when other users of the machine can read a configuration file that holds secrets.

## Environment

\`DYNDNS_\` and the option's path in capitals, with \`_\` for the dots, overrides the option: \`DYNDNS_HTTP_LISTEN\`. Lists
are separated by commas; an empty value is an empty list. A secret can also be read from a file:
\`DYNDNS_SECRET_FILE\`. A value that is not allowed is an error that names the variable. Values that begin with \`tcp://\`
or \`udp://\` come from container platforms and are ignored with a warning. Zones, tokens, hosts and
webhooks have no overrides.
`;

const SECTIONS: readonly { readonly title: string; readonly prefix: string; readonly text: string }[] = [
  { title: 'The server', prefix: '', text: 'At the top of the file.' },
  { title: '`http`', prefix: 'http.', text: 'The listeners of the HTTP API.' },
  {
    title: '`dns`',
    prefix: 'dns.',
    text: 'The nameserver that serves the embedded zones. It is opened only if there is one.',
  },
  { title: '`metrics`', prefix: 'metrics.', text: 'A listener of its own for metrics, without a credential.' },
  {
    title: '`limits`',
    prefix: 'limits.',
    text: 'How much one client may do. Whoever is over a limit is told when to come back.',
  },
  {
    title: '`protocols`',
    prefix: 'protocols.',
    text:
      'Client protocols that can be switched on and off; a route that only one has that is off is unknown. dyndns2, the ' +
      'address echo and the original API are always on. A reload counts at once.',
  },
  {
    title: '`acme_dns`',
    prefix: 'acme_dns.',
    text: 'Accounts of acme-dns ([the protocol](protocols/acme-dns.md)). Counts where `protocols.acme_dns` is on.',
  },
  {
    title: '`zones[]`',
    prefix: 'zones[].',
    text:
      'A list with at least one zone. No zone may stand twice; case and the final dot make no difference. ' +
      '`tsig_key` has a short form, the secret alone, and a long form, a map; so has each entry of `secondaries`. ' +
      'An option for another kind of primary than that of the zone is an error.',
  },
  {
    title: '`tokens[]`',
    prefix: 'tokens[].',
    text:
      'A list of credentials for clients. They count beside the tokens in the store, before them, and without a `store` ' +
      'too. No name and no `sha256` may stand twice; a name in no zone of the file is a warning.',
  },
  {
    title: '`hosts[]`',
    prefix: 'hosts[].',
    text:
      'A list of settings of single hosts. A host that has none needs no entry. No host may stand twice, and each lies in ' +
      'a zone of the file. [Silent hosts and leases](operating/silent-hosts.md) are explained on a page of their own.',
  },
  {
    title: '`webhooks[]`',
    prefix: 'webhooks[].',
    text: 'A list of addresses that are told of events over HTTP: [webhooks](operating/webhooks.md).',
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
    `- Without it: ${withoutIt(row, true)}`,
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

function withoutIt(row: Option, markdown: boolean): string {
  const code = (text: string) => (markdown ? `\`${text}\`` : text);
  if (row.required) return 'an error';
  if (row.inherits !== undefined) return `the ${code(row.inherits)} at the top of the file`;
  if (row.default !== undefined) return code(formatValue(row, row.default));
  return markdown ? row.otherwise! : row.otherwise!.replaceAll('`', '');
}

/** One line for each option: path, what is allowed, what counts without it. For the help text of the command line. */
export function optionsHelp(): string {
  const lines = [...ROWS].map(
    ([path, row]) => `  ${path}\n      ${row.kind.allowed}; without it: ${withoutIt(row, false)}`,
  );
  return `${lines.join('\n')}\n`;
}

const EXAMPLE_HEAD = `# Configuration of dyndns. Written by \`npm run docs\` from src/config/options/options.ts.
# A "#" with a space after it explains; one without is an option to switch on by taking the "#" away.
# More is in configuration.md.
---`;

/** Active in the example, so that the file works as the original's does; everything else is commented out. */
const ACTIVE = new Set(['secret', 'nameserver', 'port']);

/**
 * The text of docs/dyndns.example.yml: valid as it is, and valid with every `#` without a space after it taken away.
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
    '  # The short form: the name of the key is the name of the zone, its algorithm hmac-sha512.',
    ...first.map((node, index) => `${index === 0 ? '  - ' : '    '}${node.key}: ${(node.row as Option).example}`),
    '',
    '  # A second zone, with everything that a zone on a remote primary can say.',
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

/** Shown in the second zone and not again in the third. */
const OF_EVERY_ZONE = ['ttl', 'apex', 'wildcard', 'reserved', 'addresses', 'empty_value'];

/** What a zone can say, without some keys and without what belongs to another kind of primary. */
function exampleZone(without: readonly string[], otherKind: 'remote' | 'embedded'): string[] {
  const zone = OPTION_TREE.children.get('zones')!;
  return [...zone.children.values()]
    .filter((node) => !without.includes(node.key) && onlyOf(node) !== otherKind)
    .flatMap((node) => exampleLines(node, '    ', commentOut));
}

/** Puts the `#` behind the indentation. */
function commentOut(line: string): string {
  return line.replace(/^ */, '$&#');
}

/** What excludes other options of the example is not for switching on by itself. */
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
  const facts = [row.unit === undefined ? '' : `In ${row.unit}. `, `Without it: ${withoutIt(row, false)}.`].join('');
  const text = `${row.summary.replaceAll('`', '')} ${facts}`;
  const put = row.instead ? remark : comment;
  const value = `${node.key}: ${row.example}`.split('\n').map((line) => put(`${indent}${line}`));
  return [...wrap(text, `${indent}# `, 100), ...value, ''];
}

/** Makes the first option of an entry of a list the one with the dash. */
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
