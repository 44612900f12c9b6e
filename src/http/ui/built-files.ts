/**
 * The files of the dashboard, read from dist/web into memory once. Beside a file the build writes it compressed, as FILE.gz and
 * FILE.br (scripts/web.mjs). A name with a hash of its content never changes its meaning; index.html has none.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The content codings of a file (RFC 9110 §8.4.1), the best first. */
export const CODINGS = ['br', 'gzip'] as const;
export type Coding = (typeof CODINGS)[number];

export interface BuiltFile {
  readonly contentType: string;
  /** Its name has a hash of its content. */
  readonly isHashed: boolean;
  /** A strong entity tag without its coding, in quotes. */
  readonly etag: string;
  readonly plain: Buffer;
  readonly coded: Readonly<Partial<Record<Coding, Buffer>>>;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  json: 'application/json; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
};

const SUFFIXES: Readonly<Record<Coding, string>> = { br: '.br', gzip: '.gz' };

/** As vite names files: `overview-B3dk_2Qx.js`. */
const HASHED = /-[\w-]{8}\.[a-z0-9]{2,5}$/;

/** dist/web, also where the sources run without being compiled. Undefined: it was not built. */
export function builtFolder(): string | undefined {
  const folders = ['../../web/', '../../../dist/web/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return folders.find((folder) => existsSync(join(folder, 'index.html')));
}

/** Path below the folder, with `/` -> file. */
export function readBuiltFiles(folder: string): ReadonlyMap<string, BuiltFile> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length).replaceAll('\\', '/'));
  const present = new Set(names);
  const files = names.filter((name) => TYPES[extensionOf(name)] !== undefined);
  return new Map(
    files.map((name) => {
      const plain = readFileSync(join(folder, name));
      const coded: Partial<Record<Coding, Buffer>> = {};
      for (const coding of CODINGS) {
        const other = name + SUFFIXES[coding];
        if (present.has(other)) coded[coding] = readFileSync(join(folder, other));
      }
      const etag = createHash('sha256').update(plain).digest('base64url').slice(0, 22);
      return [name, { contentType: TYPES[extensionOf(name)]!, isHashed: HASHED.test(name), etag, plain, coded }];
    }),
  );
}

function extensionOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** The best coding that a client takes (RFC 9110 §12.5.3). @param header Accept-Encoding */
export function chooseCoding(header: string | undefined, coded: BuiltFile['coded']): Coding | undefined {
  const weights = readWeights(header ?? '');
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0;
  // Without a word about it, `identity` is no better than what is named.
  const identity = weights.get('identity') ?? 0;
  return CODINGS.filter((coding) => coded[coding] !== undefined)
    .filter((coding) => weightOf(coding) > 0 && weightOf(coding) >= identity)
    .sort((a, b) => weightOf(b) - weightOf(a))[0];
}

/** The weights of a list (RFC 9110 §12.4.2): its entries in lower case, without other parameters. An unreadable weight is 0. */
export function readWeights(header: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
    const weight = parameters.find((text) => text.startsWith('q='))?.slice(2);
    if (name !== '') weights.set(name, weight === undefined ? 1 : Number(weight) || 0);
  }
  return weights;
}
