/**
 * The thread that orders a certificate: an ACME client (RFC 8555) for DNS-01 only. No other file uses acme-client and
 * @peculiar/x509: they take a second to load and 25 MiB, which is freed when the thread ends.
 */
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { Authorization, Client } from 'acme-client';
import type { ChallengeValue } from './challenges.ts';
import type { CertificateOrder, FromThread, KeyAndChain, ThreadStart } from './thread-messages.ts';

const port = parentPort;
if (port === null) throw new Error('Only ordering.ts may start ordering-thread.ts.');
const send = (message: FromThread): void => port.postMessage(message);

/** For one HTTP request; acme-client has no timeout by default. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_RESPONSE_OCTETS = 1024 * 1024;
/** Intervals at which the authority is polled: 0.5 s, 1, 2, 4, 8, 10, 10, … for about two minutes in total. */
const POLL = { backoffMin: 500, backoffMax: 10_000, backoffAttempts: 16 };

/** Old devices are slow with longer ones. */
const RSA_BITS = 2048;
const SELF_SIGNED_DAYS = 30;
const DAY_MS = 86_400_000;

async function order({ directory, email, names, keyType, accountKey }: CertificateOrder): Promise<KeyAndChain> {
  const { default: acme } = await import('acme-client');
  setUpHttp(acme);
  const client = new acme.Client({ directoryUrl: directory, accountKey, ...POLL });
  await openAccount(client, email === undefined ? undefined : [`mailto:${email}`]);
  const identifiers = names.map((value) => ({ type: 'dns', value }));
  const acmeOrder = await client.createOrder({ identifiers });
  await completeChallenges(client, await client.getAuthorizations(acmeOrder), names);
  // A new key for each certificate: a stolen key is useful until the next renewal only.
  const { privateKey } =
    keyType === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: RSA_BITS });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const [, csr] = await acme.crypto.createCsr({ altNames: [...names] }, key);
  const chain = await client.getCertificate(await client.finalizeOrder(acmeOrder, csr));
  return { key, chain };
}

/**
 * Looks up the account (RFC 8555 §7.3.1) and creates it if there is none (RFC 8555 §7.3). acme-client's createAccount
 * alone would update an existing account, and an authority may refuse an update without a change.
 */
async function openAccount(client: Client, contact: string[] | undefined): Promise<void> {
  const account = await client.createAccount({ onlyReturnExisting: true }).catch(() => undefined);
  if (account === undefined) await client.createAccount({ termsOfServiceAgreed: true, ...(contact && { contact }) });
  else if (contact !== undefined && account.contact?.join() !== contact.join()) await client.updateAccount({ contact });
}

/**
 * Switches off the retries of acme-client: they follow a Retry-After of days, and hide why there was no reply. Instead,
 * keeper.ts retries the whole order with a backoff.
 */
function setUpHttp({ axios: { defaults, interceptors } }: typeof import('acme-client')): void {
  defaults.timeout = REQUEST_TIMEOUT_MS;
  defaults.maxContentLength = MAX_RESPONSE_OCTETS;
  interceptors.response.clear();
  // acme-client's request interceptor rejects every reply, whatever its status, for those retries: pass the reply on.
  interceptors.response.use(null, (error: { readonly response?: unknown }) => error.response ?? Promise.reject(error));
}

/** Publishes all records before the first validation: the authority's resolver may cache an incomplete RRset. */
async function completeChallenges(
  client: Client,
  authorizations: readonly Authorization[],
  names: readonly string[],
): Promise<void> {
  const pending = authorizations.filter(({ status }) => status !== 'valid');
  const requested = new Set(names.map((name) => name.replace(/^\*\./, '')));
  const challenges = pending.map(({ identifier, challenges }) => {
    // The authority chooses which record we publish: never one for a name that was not requested.
    if (!requested.has(identifier.value))
      throw new Error(`The authority wants to validate '${identifier.value}', which was not requested.`);
    const challenge = challenges.find(({ type }) => type === 'dns-01');
    if (challenge === undefined) throw new Error(`The authority does not offer DNS-01 for '${identifier.value}'.`);
    return { name: identifier.value, challenge };
  });
  if (challenges.length === 0) return;
  const values = challenges.map(async ({ name, challenge }): Promise<ChallengeValue> => {
    return { name, value: await client.getChallengeKeyAuthorization(challenge) };
  });
  send({ kind: 'publish', challenges: await Promise.all(values) });
  await once(port!, 'message');
  for (const { challenge } of challenges) await client.completeChallenge(challenge);
  for (const { name, challenge } of challenges) {
    await client.waitForValidStatus(challenge).catch((cause: unknown) => {
      throw new Error(`The authority could not validate '${name}': ${textOf(cause)}`, { cause });
    });
  }
}

/** The placeholder that is served until there is a certificate. Clients do not trust it. */
async function selfSigned(names: readonly string[]): Promise<KeyAndChain> {
  const { SubjectAlternativeNameExtension, X509CertificateGenerator } = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: 'CN=dyndns without a certificate yet',
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + SELF_SIGNED_DAYS * DAY_MS),
    keys: keys as Parameters<typeof X509CertificateGenerator.createSelfSigned>[0]['keys'],
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value })))],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.match(/.{1,64}/g)!.join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { key, chain: `${certificate.toString('pem')}\n` };
}

function textOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string };
  return message || code || 'No reason was given.';
}

const start = workerData as ThreadStart;
(start.kind === 'order' ? order(start) : selfSigned(start.names)).then(
  (result) => send({ kind: 'done', ...result }),
  (error: unknown) => send({ kind: 'failed', reason: textOf(error) }),
);
