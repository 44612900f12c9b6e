/**
 * The folder of the server's own certificates: `certificate.pem` (P-256, key and chain), `certificate-rsa.pem`,
 * `account-key.pem`, and `challenges.json`, which lists the records that are published for the order in flight. Files are replaced atomically.
 */
import { generateKeyPair } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KeyType } from './certificate.ts';

const CERTIFICATES = { ec: 'certificate.pem', rsa: 'certificate-rsa.pem' } as const satisfies Record<KeyType, string>;
const ACCOUNT_KEY = 'account-key.pem';
const CHALLENGES = 'challenges.json';

/** The values that we added to one TXT RRset; names in presentation form. */
export interface PublishedChallenge {
  readonly zone: string;
  readonly ownerName: string;
  readonly values: readonly string[];
}

export class AcmeFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** The path of a certificate. */
  certificateFile(keyType: KeyType): string {
    return join(this.path, CERTIFICATES[keyType]);
  }

  /** Creates the folder with mode 0700 if it does not exist. @throws NodeJS.ErrnoException */
  async create(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
  }

  findCertificate(keyType: KeyType): Promise<string | undefined> {
    return this.#find(CERTIFICATES[keyType]);
  }

  writeCertificate(keyType: KeyType, text: string): Promise<void> {
    return this.#replace(CERTIFICATES[keyType], text);
  }

  /** The private key of the ACME account (PEM, P-256), created at the first call. It identifies the account. */
  async accountKey(): Promise<string> {
    const stored = await this.#find(ACCOUNT_KEY);
    if (stored !== undefined) return stored;
    const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    await this.#replace(ACCOUNT_KEY, key);
    return key;
  }

  /** Entries that are not valid are ignored: the list is needed only after a crash. */
  async challenges(): Promise<readonly PublishedChallenge[]> {
    try {
      const listed: unknown = JSON.parse((await this.#find(CHALLENGES)) ?? '[]');
      return Array.isArray(listed) ? listed.filter(isChallenge) : [];
    } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  }

  async writeChallenges(challenges: readonly PublishedChallenge[]): Promise<void> {
    if (challenges.length > 0) await this.#replace(CHALLENGES, `${JSON.stringify(challenges, null, 2)}\n`);
    else await rm(join(this.path, CHALLENGES), { force: true });
  }

  async #find(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.path, name), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Durable when it resolves: the content is synced before the rename, and the directory after it. */
  async #replace(name: string, text: string): Promise<void> {
    const file = join(this.path, name);
    const temporary = `${file}.new`;
    await rm(temporary, { force: true });
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    const folder = await open(this.path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

function isChallenge(entry: unknown): entry is PublishedChallenge {
  const { zone, ownerName, values } = (entry ?? {}) as Partial<Record<keyof PublishedChallenge, unknown>>;
  const isText = (text: unknown) => typeof text === 'string';
  return isText(zone) && isText(ownerName) && Array.isArray(values) && values.every(isText);
}
