/**
 * Completions for bash and zsh, from the commands of the program. Words are completed: commands, the commands below them, options,
 * fixed choices, and files after an option or operand that takes one.
 */

/** "token create" -> what may follow: commands or options. The empty text is the command line without a command. */
function wordTable(
  commands,
  before = '',
  table = new Map([
    ['', { words: ['-c', '--config', '--remote', '--key-file', '--insecure-http', '-v', '--version'], commands }],
  ]),
) {
  table.get(before).words.push(...commands.map((command) => command.name()), '-h', '--help');
  for (const command of commands) {
    const path = `${before} ${command.name()}`.trim();
    table.set(path, {
      words: command.options
        .filter(({ hidden }) => !hidden)
        .flatMap(({ short, long }) => [short, long].filter(Boolean)),
      commands,
    });
    wordTable(command.commands, path, table);
  }
  return table;
}

/** Options and commands whose next word is a file. */
function takesFile(commands) {
  const options = new Set(['-c', '--config', '--key-file']);
  const paths = new Set();
  const visit = (list, before) => {
    for (const command of list) {
      const path = `${before} ${command.name()}`.trim();
      for (const { flags, short, long } of command.options) {
        if (/<file>/.test(flags)) for (const name of [short, long].filter(Boolean)) options.add(name);
      }
      if (command.registeredArguments.some((argument) => argument.name() === 'file')) paths.add(path);
      visit(command.commands, path);
    }
  };
  visit(commands, '');
  return { options: [...options], paths: [...paths] };
}

function cases(commands) {
  const table = wordTable(commands);
  return [...table]
    .map(([path, { words }]) => `    '${path}') follow='${[...new Set(words)].join(' ')}' ;;`)
    .join('\n');
}

function pathPatterns(commands) {
  return [...wordTable(commands).keys()]
    .filter((path) => path !== '')
    .map((path) => `'${path}'`)
    .join(' | ');
}

/** The part that both shells share: `at` becomes the command so far, `follow` the words that may follow. */
function wordsFunction(commands) {
  return `_dyndns_words() {
  at='' follow=''
  for word in "$@"; do
    next="\${at:+$at }$word"
    case "$next" in
    ${pathPatterns(commands)}) at="$next" ;;
    esac
  done
  case "$at" in
${cases(commands)}
  esac
}`;
}

export function bashCompletion(commands) {
  const { options, paths } = takesFile(commands);
  return `# Completion of dyndns(1) for bash; written when the package is made.

${wordsFunction(commands)}

_dyndns() {
  local at follow word next current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  COMPREPLY=()
  case "$previous" in
  ${options.join(' | ')})
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
    ;;
  esac
  _dyndns_words "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  mapfile -t COMPREPLY < <(compgen -W "$follow" -- "$current")
  case "$at" in
  ${paths.map((path) => `'${path}'`).join(' | ')})
    if [[ $current != -* ]]; then mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current"); fi
    ;;
  esac
}

complete -o filenames -F _dyndns dyndns
`;
}

export function zshCompletion(commands) {
  const { options, paths } = takesFile(commands);
  return `#compdef dyndns
# Completion of dyndns(1) for zsh; written when the package is made.

${wordsFunction(commands)}

_dyndns() {
  local at follow word next current previous
  local -a before
  current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}"
  before=("\${(@)words[2,CURRENT-1]}")
  case "$previous" in
  ${options.join(' | ')})
    _files
    return
    ;;
  esac
  _dyndns_words "\${before[@]}"
  compadd -- \${=follow}
  case "$at" in
  ${paths.map((path) => `'${path}'`).join(' | ')}) _files ;;
  esac
}

_dyndns "$@"
`;
}
