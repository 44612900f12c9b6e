/** Kinds for URLs: the store, webhooks, an ACME directory. A password in one is a secret. */
import { formatStoreUrl, type StoreConfig } from '../config.ts';
import { SECRET_MASK, Secret } from '../secret.ts';
import { pathAfter } from './endpoints.ts';
import { formatYamlText, type ScalarKind, scalar, ValueError } from './kind.ts';
import { secret } from './secrets.ts';

/** The path of `sqlite:` may still be relative. The URL of PostgreSQL is shown without its password. */
export const storeUrl: ScalarKind<StoreConfig> = {
  ...scalar<StoreConfig>(
    'sqlite:PATH or postgres://USER@HOST/DATABASE',
    (text) => {
      if (/^postgres(ql)?:/.test(text)) return parsePostgresUrl(text);
      const path = pathAfter('sqlite:', text);
      return path === undefined ? undefined : { kind: 'sqlite', path };
    },
    (store) => formatYamlText(formatStoreUrl(store)),
  ),
  secret: true,
  unread: (problem) => ({ kind: 'postgres', url: new Secret<string>(undefined, problem) }),
  isConfidential: (store) => store.kind === 'postgres' && new URL(store.url.reveal()).password !== '',
};

function parsePostgresUrl(text: string): StoreConfig | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  // A `/`, `?` or `#` in a password ends it early: the rest would then be shown as the name of the database.
  if (!/^\/[^/@]+$/.test(url.pathname) || url.hash !== '') return undefined;
  if ([...url.searchParams.keys()].some((name) => /pass/i.test(name))) {
    throw new ValueError('write the password before the @, as in postgres://USER:PASSWORD@HOST/DATABASE.');
  }
  return { kind: 'postgres', url: new Secret(url.href) };
}

/** Without a user, a password and a fragment. */
export const httpsUrl: ScalarKind<string> = scalar('an https:// URL', (text) => {
  if (!URL.canParse(text)) return undefined;
  const { protocol, username, password, hash, href } = new URL(text);
  return protocol === 'https:' && username === '' && password === '' && hash === '' ? href : undefined;
});

/** As it is written: an issuer is compared letter by letter (OpenID Connect Core §2). */
export const webUrl: ScalarKind<string> = scalar('a URL that begins with https:// or http://', (text) => {
  if (!/^https?:\/\/[^\s?#@]+$/.test(text) || !URL.canParse(text)) return undefined;
  return text;
});

/** Scheme, host and port, as a browser sends them in `Origin` (RFC 6454 §6.2). */
export const webOrigin: ScalarKind<string> = scalar(
  'a web origin like https://admin.example.com, without a path',
  (text) => (/^https?:\/\/[^\s/?#@\\*]+$/i.test(text) && URL.canParse(text) ? new URL(text).origin : undefined),
);

/** Everything but scheme and host may be a secret. */
export const webhookUrl: ScalarKind<Secret> = {
  ...secret('a URL that begins with https://, or with http:// (not encrypted)', (text) => {
    if (!/^https?:\/\/[^\s\p{Cc}]+$/iu.test(text) || text.includes('#') || !URL.canParse(text)) return undefined;
    return new URL(text).href;
  }),
  isConfidential: (url) => url.reveal() !== `${new URL(url.reveal()).origin}/`,
  format: (url) => {
    if (url.unread !== undefined) return `'${SECRET_MASK}'`;
    const { origin, href } = new URL(url.reveal());
    return formatYamlText(href === `${origin}/` ? href : `${origin}/${SECRET_MASK}`);
  },
};
