// @ts-check
/**
 * Command lines of the scripts: one description gives the usage text and the check. `--help` and `-h` print the text and end the
 * process with 0. A wrong argument prints what is wrong, and the text, to stderr and ends it with 2. Imports nothing that has to be
 * installed or built first.
 */
import { existsSync } from 'node:fs';
import { argv, exit, stderr, stdout } from 'node:process';

/**
 * @typedef {object} Argument
 * @property {string} name as the usage text shows it
 * @property {string} must completes "NAME must be"
 * @property {(text: string) => boolean} accepts
 * @property {boolean} [isNumber] a text that does not begin as a number is for a later argument
 * @property {boolean} [repeats] it may be given several times
 */
/**
 * @typedef {object} Usage
 * @property {string} command how to call it, without arguments
 * @property {string} about full sentences
 * @property {readonly Argument[]} [takes] in this order; each may be left out
 * @property {Readonly<Record<string, string>>} [options] what each means, by `--name`, or `--name=VALUE`
 * @property {string} [passesOn] any arguments and options are for another program; shown with this name
 */
/**
 * @typedef {object} Given
 * @property {(string | undefined)[]} values in the order of `takes`
 * @property {Readonly<Record<string, string>>} options by name, with an empty value where it takes none
 */

const COLUMNS = 100;

/** A whole number. @param {string} name @param {number} [least] @returns {Argument} */
export function count(name, least = 1) {
  const accepts = (/** @type {string} */ text) =>
    /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) && Number(text) >= least;
  return { name, must: `a whole number of at least ${least}`, accepts, isNumber: true };
}

/** A positive number that may have a fraction. @param {string} name @returns {Argument} */
export function amount(name) {
  const accepts = (/** @type {string} */ text) => Number(text) > 0 && Number.isFinite(Number(text));
  return { name, must: 'a positive number', accepts, isNumber: true };
}

/** One of some words. @param {readonly string[]} words @returns {Argument} */
export function word(...words) {
  return { name: words.join('|'), must: `one of ${words.join(', ')}`, accepts: (text) => words.includes(text) };
}

/** Some of the words, with commas between them. @param {readonly string[]} words @returns {Argument} */
export function words(...words) {
  const accepts = (/** @type {string} */ text) => text.split(',').every((one) => words.includes(one));
  return { name: words.join(','), must: `one or more of ${words.join(',')}`, accepts };
}

/** @param {string} name @returns {Argument} */
export function file(name) {
  return { name, must: 'a file that exists', accepts: (text) => existsSync(text) };
}

/** @param {string} name @returns {Argument} */
export function anyText(name) {
  return { name, must: 'a text', accepts: () => true };
}

/** @param {readonly Usage[]} usages */
function usageText(...usages) {
  const texts = usages.map((usage) => `  ${commandLine(usage)}\n${wrapped(usage.about)}`);
  const options = Object.entries(Object.assign({}, ...usages.map((usage) => usage.options)));
  if (options.length > 0) texts.push(options.map(([option, meaning]) => `  ${option}\n${wrapped(meaning)}`).join(''));
  return `Usage:\n${texts.join('\n')}`;
}

/**
 * Reads and checks arguments. May end the process.
 * @param {Usage} usage @param {readonly string[]} [args] @returns {Given}
 */
export function readArguments(usage, args = argv.slice(2)) {
  if (asksForHelp(usage.passesOn === undefined ? args : args.slice(0, 1))) help(usage);
  if (usage.passesOn !== undefined) return { values: [...args], options: {} };
  /** @type {Given['values']} */
  const values = [];
  /** @type {Record<string, string>} */
  const options = {};
  const takes = usage.takes ?? [];
  let next = 0;
  for (const text of args) {
    if (text.startsWith('-')) {
      const [name, value] = readOption(usage, text);
      options[name] = value;
      continue;
    }
    const at = placeOf(text, takes, next);
    const argument = takes[at];
    if (argument === undefined) refuse(`There is an argument too many: '${text}'.`, usage);
    if (!argument.accepts(text)) refuse(`[${argument.name}] must be ${argument.must}, not '${text}'.`, usage);
    if (argument.repeats) values.push(text);
    else values[at] = text;
    next = argument.repeats ? at : at + 1;
  }
  return { values, options };
}

/**
 * Which argument a text is: from `next` on, the first that can be meant.
 * @param {string} text @param {readonly Argument[]} takes @param {number} next
 */
function placeOf(text, takes, next) {
  const beginsAsNumber = /^[\d.]/.test(text);
  const found = takes.findIndex(({ isNumber = false }, index) => index >= next && (beginsAsNumber || !isNumber));
  return found < 0 ? next : found;
}

/**
 * Reads `[NAME] ARGUMENTS…` of a script that has several commands, and checks the arguments of the one that is named. May end the process.
 * @template {string} Name
 * @param {Readonly<Record<Name, Usage>>} commands @param {NoInfer<Name>} unnamed the command where no name is given
 * @returns {{name: Name, rest: readonly string[]}} the arguments of the command as they were given
 */
export function readCommand(commands, unnamed, args = argv.slice(2)) {
  const [first = '', ...others] = args;
  /** @type {readonly Usage[]} */
  const usages = Object.values(commands);
  const isNamed = Object.hasOwn(commands, first);
  if (!isNamed && asksForHelp(args)) help(...usages);
  if (!isNamed && /^[a-z]/.test(first)) {
    refuse(`There is no '${first}', only ${Object.keys(commands).join(', ')}.`, ...usages);
  }
  const name = isNamed ? /** @type {Name} */ (first) : unnamed;
  const rest = isNamed ? others : args;
  readArguments(commands[name], rest);
  return { name, rest };
}

/** @param {Usage} usage @param {string} text @returns {[name: string, value: string]} */
function readOption(usage, text) {
  const [name = '', ...parts] = text.split('=');
  const value = parts.join('=');
  const known = Object.keys(usage.options ?? {}).find((option) => option.split('=')[0] === name);
  if (known === undefined) refuse(`There is no option '${name}'.`, usage);
  if (known.includes('=') !== (value !== '')) refuse(`The option is ${known}, not '${text}'.`, usage);
  return [name, value];
}

/** @param {readonly string[]} args */
function asksForHelp(args) {
  return args.some((text) => text === '--help' || text === '-h');
}

/** @param {Usage} usage */
function commandLine({ command, takes = [], options = {}, passesOn }) {
  const values = takes.map(({ name, repeats }) => `[${name}]${repeats ? '…' : ''}`);
  const others = passesOn === undefined ? [] : [`[${passesOn}]…`];
  return [command, ...values, ...Object.keys(options).map((option) => `[${option}]`), ...others].join(' ');
}

/** @param {string} text */
function wrapped(text) {
  return text.replace(new RegExp(`(.{1,${COLUMNS - 6}})(?: |$)`, 'g'), '      $1\n');
}

/** @param {readonly Usage[]} usages @returns {never} */
function help(...usages) {
  stdout.write(usageText(...usages));
  return exit(0);
}

/** @param {string} problem a full sentence @param {readonly Usage[]} usages @returns {never} */
function refuse(problem, ...usages) {
  stderr.write(`${problem}\n${usageText(...usages)}`);
  return exit(2);
}
