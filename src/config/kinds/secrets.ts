/** Kinds for secrets, TSIG keys and tokens. Their texts are never quoted in an error. */
import { DomainName } from '../../dns/name.ts';
import { TSIG_ALGORITHMS, type TsigAlgorithm } from '../../dns/tsig-key.ts';
import { SECRET_MASK, Secret } from '../secret.ts';
import { type ScalarKind, scalar, ValueError } from './kind.ts';
import { shortText } from './words.ts';

export function secret<T extends string | Uint8Array>(
  allowed: string,
  parse: (text: string) => T | undefined,
): ScalarKind<Secret<T>> {
  const parseSecret = (text: string) => {
    const value = parse(text);
    return value === undefined ? undefined : new Secret(value);
  };
  return {
    ...scalar(allowed, parseSecret, () => `'${SECRET_MASK}'`),
    secret: true,
    unread: (problem) => new Secret<T>(undefined, problem),
  };
}

/** The original's rule for the master secret. */
export const masterSecret = secret('at least 8 characters, only A-Z, a-z and 0-9', (text) =>
  /^[A-Za-z0-9]{8,}$/.test(text) ? text : undefined,
);

/** What a reverse proxy sends with each request, so that no one else can name a user. */
export const proxySecret = secret('at least 16 characters without spaces', (text) =>
  /^[\x21-\x7e]{16,256}$/.test(text) ? text : undefined,
);

/** Of an OAuth client (RFC 6749 §A.2). */
export const clientSecret = secret('a text of printable characters', (text) =>
  /^[\x20-\x7e]{1,512}$/.test(text) ? text : undefined,
);

/** Strict base64 with its padding (RFC 4648 §4). */
export const base64Secret = secret<Uint8Array>('a base64 text that is not empty, as tsig-keygen prints it', (text) => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  return new Uint8Array(Buffer.from(text, 'base64'));
});

export const tsigKeyName: ScalarKind<DomainName> = scalar('the name of the key, as the other server has it', (text) =>
  /^[\x21-\x7e]+$/.test(text) ? DomainName.parse(text) : undefined,
);

/** In the spelling of named.conf; the long name of RFC 8945 §6 is accepted for hmac-md5 too. */
export const tsigAlgorithm: ScalarKind<TsigAlgorithm> = scalar(
  `one of ${Object.keys(TSIG_ALGORITHMS).join(', ')}`,
  (text) => {
    const name = text.toLowerCase().replace(/\.$/, '');
    if (name === 'hmac-md5.sig-alg.reg.int') return 'hmac-md5';
    return Object.hasOwn(TSIG_ALGORITHMS, name) ? (name as TsigAlgorithm) : undefined;
  },
);

/** The name of a token in the log and the history, where the master secret is called `master`. */
export const tokenName: ScalarKind<string> = scalar(
  'a text of 1 to 64 octets without control characters, other than master',
  (text) => (text.toLowerCase() === 'master' || text.trim() !== text ? undefined : shortText(64).parse(text)),
);

/** The hash of zero octets: the result of a pipe that lost the token. */
const SHA256_OF_NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** In lower case. Not secret itself, but the token may be pasted here by mistake, so that errors do not quote it. */
export const tokenSha256: ScalarKind<string> = {
  ...scalar(
    'the SHA-256 of the token in 64 hexadecimal digits, as `dyndns token create` prints it',
    (text) => {
      const digits = text.toLowerCase();
      if (digits === SHA256_OF_NOTHING) throw new ValueError('this is the SHA-256 of an empty text.');
      return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
    },
    (sha256) => `'${sha256.slice(0, 8)}…'`,
  ),
  secret: true,
  isConfidential: () => false,
};

/** Signs the deliveries of a webhook. */
export const webhookSecret = secret('a text of 8 to 255 octets without control characters', (text) =>
  Buffer.byteLength(text) < 8 ? undefined : shortText(255).parse(text),
);
