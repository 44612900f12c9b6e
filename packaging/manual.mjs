/** The man pages dyndns(1), from the commands of the program, and dyndns.yml(5), from its table of options. */

/** roff reads a backslash everywhere, and a dot or a quote at the start of a line, as its own. */
function roff(text) {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('\u2026', '...').replaceAll('`', '');
  return escaped.replaceAll(/^(?=[.'])/gm, '\\&');
}

function page(name, section, { version, epoch }, parts) {
  const day = new Date(epoch * 1000).toISOString().slice(0, 10);
  const body = parts.map(([title, text]) => `.SH ${title}\n${text}`);
  return `.TH "${roff(name)}" ${section} ${day} "dyndns ${roff(version)}" "dyndns"\n${body.join('')}`;
}

/** The options that each command accepts before its name; src/cli/program.ts declares them. */
const COMMON_OPTIONS = [
  ['-c, --config <file>', 'the configuration file'],
  ['-v, --version', 'print the version'],
  ['-h, --help', 'print help, also after a command'],
];

function items(pairs) {
  return pairs.map(([term, text]) => `.TP\n\\fB${roff(term)}\\fR\n${roff(sentence(text))}\n`).join('');
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

function describeOption(option) {
  const choices = option.argChoices === undefined ? '' : ` (${option.argChoices.join(', ')})`;
  const preset = typeof option.defaultValue === 'string' ? ` (default: ${option.defaultValue})` : '';
  return [option.flags, `${option.description}${choices}${preset}`];
}

/** Commands that do something; those with only commands below them are left out. @returns [words, command] */
export function allCommands(commands, before = 'dyndns') {
  return commands.flatMap((command) => {
    const words = `${before} ${command.name()}`;
    const below = allCommands(command.commands, words);
    const acts = command.commands.length === 0 || command.registeredArguments.length > 0;
    return acts ? [[words, command], ...below] : below;
  });
}

/** The usage of the command itself; it may print that of a command below, too. */
function usage(command) {
  const [own] = command.usage().split('\n');
  return own.replace(/ ?\[options\]/, command.options.length > 0 ? ' [options]' : '').trimEnd();
}

function section([words, command]) {
  const head = `.SS "${roff(`${words} ${usage(command).trim()}`.trim()).replaceAll('"', '\\(dq')}"\n`;
  const text = `${roff(sentence(command.description()))}\n`;
  const operands = command.registeredArguments.map((argument) => [
    argument.name(),
    argument.description || 'an operand',
  ]);
  return head + text + items([...operands, ...command.options.map(describeOption)]);
}

/** @param commands of commander */
export function commandPage(commands, release) {
  return page('DYNDNS', 1, release, [
    ['NAME', 'dyndns \\- dynamic DNS server\n'],
    ['SYNOPSIS', '.B dyndns\n[\\-c \\fIfile\\fR] \\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]\n'],
    [
      'DESCRIPTION',
      roff(
        'dyndns takes a changed address over HTTP and changes DNS: by signed DNS UPDATE (RFC 2136) at a primary, or in zones ' +
          'that it serves itself. Without --config, the configuration is the first of these files that exists: the value of ' +
          'dyndns_CONFIG_FILE, .dyndns.yml in the working directory, /etc/dyndns.yml.\n',
      ),
    ],
    ['OPTIONS', items(COMMON_OPTIONS)],
    ['COMMANDS', allCommands(commands).map(section).join('')],
    [
      'EXIT STATUS',
      items([
        ['0', 'done'],
        ['1', 'the command failed'],
        ['2', 'wrong usage, or an invalid configuration'],
      ]),
    ],
    [
      'FILES',
      items([
        ['/etc/dyndns.yml', 'the configuration'],
        ['/var/lib/dyndns', 'the data of the server'],
        ['/usr/share/doc/dyndns/docs', 'the documentation'],
      ]),
    ],
    ['SEE ALSO', '.BR dyndns.yml (5),\n.BR systemctl (1)\n'],
  ]);
}

/** @param rows path -> option, of src/config/options @param describeDefault the function of src/config/help.ts */
export function configurationPage(rows, describeDefault, release) {
  const options = [...rows].map(([path, row]) => [
    path,
    `${row.summary} Allowed: ${sentence(row.kind.allowed)} Without it: ${sentence(describeDefault(row))}`,
  ]);
  return page('DYNDNS.YML', 5, release, [
    ['NAME', 'dyndns.yml \\- configuration of the dynamic DNS server dyndns\n'],
    [
      'DESCRIPTION',
      roff(
        'One YAML 1.2 file. Each option is named by its path: http.listen is the key listen below the key http. ' +
          "'dyndns config' prints the values in force with the origin of each, and 'dyndns reload' reads the file again.\n",
      ),
    ],
    ['OPTIONS', items(options)],
    ['FILES', items([['/usr/share/doc/dyndns/docs/dyndns.example.yml', 'every option with an example']])],
    ['SEE ALSO', '.BR dyndns (1)\n'],
  ]);
}
