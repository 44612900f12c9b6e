/**
 * Reads a YAML document by the table of options: unknown keys, wrong types, `{file: PATH}` secrets.
 * Collects all problems instead of stopping at the first. Left out: rules that concern two options; resolve/ has them.
 */
import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { NameError } from '../dns/name.ts';
import { type EntryMap, isSecretKind, type PlainKind, plainKind, type ScalarKind, ValueError } from './kinds/kind.ts';
import type { Option } from './options/option.ts';
import { OPTION_TREE, type OptionNode, ROWS } from './options/options.ts';
import { nearest, type Origin, type Problem, quoteValue } from './problem.ts';
import { Scope, type Settings } from './settings.ts';
import { describeNode, type YamlSource } from './yaml-source.ts';

/** Files of `{file: PATH}`. */
export interface SecretFiles {
  /** Reads the file, without the last line break. @throws UnreadFileError */
  read(path: string): string;
  /** Called for each file whose content is confidential: no hash, no URL without a password. */
  markConfidential(path: string): void;
  /** Called for each file that cannot be read. @returns true if the secret may be left out */
  leavesOut(option: string, error: UnreadFileError): boolean;
}

/** The file of a secret cannot be read. */
export class UnreadFileError extends Error {
  readonly file: string;
  /** A clause. */
  readonly reason: string;
  /** Only the service can read it: it is one of its credentials, or this user has no permission. */
  readonly isForService: boolean;

  constructor(file: string, reason: string, isForService: boolean) {
    super(`the file '${file}' cannot be read: ${reason}`);
    this.file = file;
    this.reason = reason;
    this.isForService = isForService;
  }
}

export function readSettings(yaml: YamlSource, file: string, secretFiles: SecretFiles, problems: Problem[]): Settings {
  const start: Origin = { kind: 'file', file, line: 1, column: 1 };
  const reader = new Reader(yaml, secretFiles, problems, start);
  if (isMap(yaml.root)) {
    reader.readMap(yaml.root, OPTION_TREE, reader.root);
  } else if (yaml.problems.length === 0) {
    const message = `the file must be a map of options, not ${describeNode(yaml.root)}.`;
    problems.push({ origin: start, path: '', message });
  }
  return { file, root: reader.root, zones: reader.root.items('zones[]'), holdsSecrets: reader.holdsSecrets };
}

class Reader {
  readonly root: Scope;
  holdsSecrets = false;
  readonly #yaml: YamlSource;
  readonly #secretFiles: SecretFiles;
  readonly #problems: Problem[];

  constructor(yaml: YamlSource, secretFiles: SecretFiles, problems: Problem[], start: Origin) {
    this.#yaml = yaml;
    this.#secretFiles = secretFiles;
    this.#problems = problems;
    this.root = new Scope(start);
  }

  readMap(map: YAMLMap, parent: OptionNode, scope: Scope): void {
    for (const { key, value } of map.items) {
      const origin = this.#yaml.originOf(key);
      const name = isScalar(key) ? String(key.value) : undefined;
      const node = name === undefined ? undefined : parent.children.get(name);
      if (node === undefined)
        this.#refuse(origin, scope.pathText(parent.path), unknownKey(name, !isEmpty(value), parent));
      else this.#readNode(this.#yaml.target(value), node, scope, origin);
    }
  }

  /** @param origin of the key */
  #readNode(value: unknown, node: OptionNode, scope: Scope, origin: Origin): void {
    scope.mention(node.path, origin);
    const path = scope.pathText(node.path);
    const row = node.row;
    if (node.isList) {
      this.#readList(value, node, scope, origin);
    } else if (row !== undefined && isMap(value) && isSecretKind(row.kind) && value.has('file')) {
      this.#readSecretFile(value, row, node.path, scope, origin);
    } else if (node.children.size > 0 && isMap(value)) {
      scope.markMap(node.path);
      this.readMap(value, node, scope);
    } else if (row !== undefined) {
      this.#readValue(value, row, node.path, scope, origin);
    } else if (!isEmpty(value)) {
      const message = `must be a map with the keys ${knownKeys(node)}, not ${describeNode(value)}.`;
      this.#refuse(this.#at(value, origin), path, message);
    }
  }

  #readList(value: unknown, node: OptionNode, scope: Scope, origin: Origin): void {
    const isZones = node.path === 'zones[]';
    if (!isSeq(value) || (isZones && value.items.length === 0)) {
      const message = isZones
        ? 'must be a list with at least one zone.'
        : `must be a list; it is ${describeNode(value)}.`;
      this.#refuse(this.#at(value, origin), scope.pathText(node.path), message);
      return;
    }
    value.items.forEach((item, index) => {
      const at = this.#yaml.originOf(item);
      const content = this.#yaml.target(item);
      const row = node.row;
      if (isMap(content)) {
        const entry = scope.addItem(node.path, index, at);
        entry.markMap(node.path);
        this.readMap(content, node, entry);
      } else if (row !== undefined && isScalar(content)) {
        this.#readValue(content, row, node.path, scope.addItem(node.path, index, at), at);
      } else {
        const short = row === undefined ? '' : `${row.kind.allowed}, or `;
        const keys = isZones ? 'at least the key name' : `the keys ${knownKeys(node)}`;
        const label = `${scope.pathText(node.path)}[${index}]`;
        this.#refuse(at, label, `must be ${short}a map with ${keys}, not ${describeNode(content)}.`);
      }
    });
  }

  #readSecretFile(map: YAMLMap, row: Option, path: string, scope: Scope, origin: Origin): void {
    const text = scope.pathText(path);
    const file = this.#yaml.target(map.get('file', true));
    if (map.items.length > 1) {
      this.#refuse(origin, text, "a secret as {file: PATH} must have no key but 'file'.");
    } else if (!isScalar(file) || typeof file.value !== 'string' || file.value === '') {
      this.#refuse(this.#at(file, origin), `${text}.file`, 'must be the path of a file.');
    } else {
      readOption(plainKind(row.kind, false), path, scope, [file.value], origin, this.#problems, this.#secretFiles);
    }
  }

  #readValue(value: unknown, row: Option, path: string, scope: Scope, origin: Origin): void {
    const kind = plainKind(row.kind, isSeq(value));
    const at = this.#at(value, origin);
    if (kind.form === 'list') {
      if (!isSeq(value)) {
        this.#refuse(at, scope.pathText(path), `must be ${kind.allowed}; it is ${describeNode(value)}.`);
        return;
      }
      const texts = value.items.map((item) => this.#scalarText(item, kind.item, scope.pathText(path), at));
      if (texts.every((item) => item !== undefined)) {
        const origins = value.items.map((item) => this.#yaml.originOf(item));
        readOption(kind, path, scope, texts, at, this.#problems, undefined, origins);
      }
    } else {
      const text = this.#scalarText(value, kind, scope.pathText(path), at);
      if (text !== undefined) readOption(kind, path, scope, [text], at, this.#problems);
      const found = scope.find(path);
      if (kind.secret && found !== undefined && (kind.isConfidential?.(found.value) ?? true)) this.holdsSecrets = true;
    }
  }

  /** The text of a scalar of the YAML type that the kind needs; undefined after a problem was reported. */
  #scalarText(node: unknown, kind: ScalarKind<unknown>, path: string, origin: Origin): string | undefined {
    const value = this.#yaml.target(node);
    const at = this.#at(node, origin);
    if (isMap(value) && kind.map !== undefined) return this.#mapText(value, kind.map, path, at);
    if (!isScalar(value) || value.value === null) {
      this.#refuse(at, path, `must be ${kind.allowed}; it is ${describeNode(value)}.`);
      return undefined;
    }
    if (kind.reads === 'text' && typeof value.value !== 'string') {
      const read = typeof value.value === 'boolean' ? 'true or false' : 'a number';
      this.#refuse(
        at,
        path,
        `YAML reads this as ${read}, but a text is expected: quote it. It must be ${kind.allowed}.`,
      );
      return undefined;
    }
    return typeof value.value === 'string' ? value.value : (value.source ?? String(value.value));
  }

  /** The text of a list entry that is a map; undefined after a problem was reported. */
  #mapText(map: YAMLMap, { keys, required, toText }: EntryMap, path: string, origin: Origin): string | undefined {
    const texts: Record<string, string> = {};
    let isValid = true;
    const refuse = (at: Origin, at_: string, message: string) => {
      isValid = false;
      this.#refuse(at, at_, message);
    };
    for (const { key, value } of map.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const kind = Object.hasOwn(keys, name) ? keys[name] : undefined;
      const at = this.#yaml.originOf(key);
      if (kind === undefined) {
        refuse(at, path, `unknown key ${quoteValue(name)}. Allowed here: ${Object.keys(keys).join(', ')}.`);
        continue;
      }
      const text = this.#scalarText(value, kind, `${path}.${name}`, at);
      if (text === undefined) isValid = false;
      else if (kind.parse(text) === undefined) {
        refuse(this.#at(value, at), `${path}.${name}`, `must be ${kind.allowed}, not ${quoteValue(text)}.`);
      } else texts[name] = text;
    }
    if (isValid && texts[required] === undefined) refuse(origin, path, `an entry that is a map needs '${required}'.`);
    return isValid ? toText(texts) : undefined;
  }

  #at(node: unknown, fallback: Origin): Origin {
    return (node as Node | null | undefined)?.range ? this.#yaml.originOf(node) : fallback;
  }

  #refuse(origin: Origin, path: string, message: string): void {
    this.#problems.push({ origin, path, message });
  }
}

/**
 * Parses the texts of one option (one text unless it is a list) and puts the value into the scope.
 * @param secretFiles set if the text is the path of a file with the secret
 * @param itemOrigins of each entry of a list
 */
export function readOption(
  kind: PlainKind,
  path: string,
  scope: Scope,
  texts: readonly string[],
  origin: Origin,
  problems: Problem[],
  secretFiles?: SecretFiles,
  itemOrigins: readonly Origin[] = [],
): void {
  scope.mention(path, origin);
  const item = kind.form === 'list' ? kind.item : kind;
  const values: unknown[] = [];
  const pathText = scope.pathText(path);
  const refuse = (message: string, at = origin) => problems.push({ origin: at, path: pathText, message });
  texts.forEach((text, index) => {
    const at = itemOrigins[index] ?? origin;
    try {
      const value = item.parse(secretFiles === undefined ? text : secretFiles.read(text));
      if (value !== undefined && (item.isConfidential?.(value) ?? true)) secretFiles?.markConfidential(text);
      const given = item.secret ? '' : `, not ${quoteValue(text)}`;
      const inFile = secretFiles === undefined ? '' : ` (in the file ${quoteValue(text)})`;
      if (value === undefined) refuse(`must be ${item.allowed}${given}${inFile}.`, at);
      else values.push(value);
    } catch (error) {
      if (error instanceof UnreadFileError) {
        if (secretFiles?.leavesOut(pathText, error) !== true) refuse(`${error.message}.`, at);
        else if (item.unread !== undefined) scope.set(path, item.unread(`${pathText}: ${error.message}.`), origin);
        return;
      }
      if (!(error instanceof ValueError || error instanceof NameError)) throw error;
      refuse(`${error.message} It must be ${item.allowed}.`, at);
    }
  });
  if (values.length < texts.length) return;
  if (kind.form === 'list' && values.length < kind.atLeast) refuse(`must be ${kind.allowed}; it is empty.`);
  else scope.set(path, kind.form === 'list' ? values : values[0], origin);
}

/** A key without a value is an empty map: all keys below it may be commented out. */
function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (isScalar(value) && value.value === null);
}

/**
 * Quotes the key only if it looks like an option. It may be a secret with a typing error: `{secret:abc}`,
 * `tsig_key: {dGhlIGtleQ}` and `{tsig_key: ,dGhlIGtleQ}` all make a key of it.
 */
function unknownKey(name: string | undefined, hasValue: boolean, parent: OptionNode): string {
  const keys = [...parent.children.keys()];
  const near = name === undefined ? undefined : nearest(name, keys);
  const likeAnOption = parent.row === undefined && hasValue && /^[a-z][a-z_]{0,39}$/.test(name ?? '');
  const quoted = likeAnOption || (near !== undefined && near.distance <= 2) ? ` ${quoteValue(name ?? '')}` : '';
  const elsewhere = [...ROWS.keys()].filter((path) => path.endsWith(`.${name}`)).map((path) => `'${path}'`);
  return (
    `unknown key${quoted}; ` +
    `the nearest known key is '${near?.name ?? keys[0]}'.` +
    (elsewhere.length > 0 ? ` Options of this name: ${elsewhere.join(', ')}.` : '') +
    ` Allowed here: ${knownKeys(parent)}.`
  );
}

function knownKeys(node: OptionNode): string {
  return [...node.children.keys()].join(', ');
}
