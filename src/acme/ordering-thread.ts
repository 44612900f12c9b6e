/**
 * The thread in which a certificate is ordered: an ACME client (RFC 8555) for challenges of DNS-01 alone. The only file
 * that uses acme-client and @peculiar/x509, which take a second to load and 25 MiB; both end with the thread.
 */
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { Authorization, Client } from 'acme-client';
import type { ChallengeValue } from './challenges.ts';
import type { CertificateOrder, FromThread, KeyAndChain, ThreadStart } from './thread-messages.ts';

const port = parentPort;
if (port === null) throw new Error('ordering-thread.ts is started by ordering.ts only');
const tell = (message: FromThread): void => port.postMessage(message);

/** Of one HTTP request; acme-client itself would wait for ever. */
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_RESPONSE_OCTETS = 1024 * 1024;
/** Between looks at what the authority has to say: 0.5 s, 1, 2, 4, 8, 10, 10 … a good two minutes in all. */
const POLL = { backoffMin: 500, backoffMax: 10_000, backoffAttempts: 16 };

const SELF_SIGNED_DAYS = 30;
const DAY_MS = 86_400_000;

async function order({ directory, email, names, accountKey }: CertificateOrder): Promise<KeyAndChain> {
  const { default: acme } = await import('acme-client');
  setUpHttp(acme);
  const client = new acme.Client({ directoryUrl: directory, accountKey, ...POLL });
  await openAccount(client, email === undefined ? undefined : [`mailto:${email}`]);
  const identifiers = names.map((value) => ({ type: 'dns', value }));
  const placed = await client.createOrder({ identifiers });
  await prove(client, await client.getAuthorizations(placed), names);
  // A key of its own for each certificate: one that was read by somebody is of use until the next renewal at most.
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const [, csr] = await acme.crypto.createCsr({ altNames: [...names] }, key);
  const chain = await client.getCertificate(await client.finalizeOrder(placed, csr));
  return { key, chain };
}

/**
 * RFC 8555 §7.3.1, then §7.3. Asked for an account that exists, acme-client changes it, and an authority may refuse a change
 * that changes nothing.
 */
async function openAccount(client: Client, contact: string[] | undefined): Promise<void> {
  const found = await client.createAccount({ onlyReturnExisting: true }).catch(() => undefined);
  if (found === undefined) await client.createAccount({ termsOfServiceAgreed: true, ...(contact && { contact }) });
  else if (contact !== undefined && found.contact?.join() !== contact.join()) await client.updateAccount({ contact });
}

/**
 * acme-client repeats requests by itself: a Retry-After would hold it up for days, and in the end it hides why there was
 * no reply. What is repeated here is the whole order, with pauses that grow (keeper.ts).
 */
function setUpHttp({ axios: { defaults, interceptors } }: typeof import('acme-client')): void {
  defaults.timeout = REQUEST_TIMEOUT_MS;
  defaults.maxContentLength = MAX_RESPONSE_OCTETS;
  interceptors.response.clear();
  // By its other interceptor every reply is an error, whatever its status.
  interceptors.response.use(null, (error: { readonly response?: unknown }) => error.response ?? Promise.reject(error));
}

/** All records first, then the word to look: a resolver of the authority may remember an RRset that was not complete. */
async function prove(
  client: Client,
  authorizations: readonly Authorization[],
  names: readonly string[],
): Promise<void> {
  const pending = authorizations.filter(({ status }) => status !== 'valid');
  const asked = new Set(names.map((name) => name.replace(/^\*\./, '')));
  const challenges = pending.map(({ identifier, challenges }) => {
    // It says which record is to be published: no other than those that were asked for.
    if (!asked.has(identifier.value)) throw new Error(`the authority asks about '${identifier.value}'`);
    const challenge = challenges.find(({ type }) => type === 'dns-01');
    if (challenge === undefined) throw new Error(`the authority does not take DNS-01 for '${identifier.value}'`);
    return { name: identifier.value, challenge };
  });
  if (challenges.length === 0) return;
  const values = challenges.map(async ({ name, challenge }): Promise<ChallengeValue> => {
    return { name, value: await client.getChallengeKeyAuthorization(challenge) };
  });
  tell({ kind: 'publish', challenges: await Promise.all(values) });
  await once(port!, 'message');
  for (const { challenge } of challenges) await client.completeChallenge(challenge);
  for (const { name, challenge } of challenges) {
    await client.waitForValidStatus(challenge).catch((cause: unknown) => {
      throw new Error(`'${name}' was not proved: ${textOf(cause)}`, { cause });
    });
  }
}

/** What is served until there is a certificate. No client trusts it. */
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
  return message || code || 'no reason was given';
}

const start = workerData as ThreadStart;
(start.kind === 'order' ? order(start) : selfSigned(start.names)).then(
  (result) => tell({ kind: 'done', ...result }),
  (error: unknown) => tell({ kind: 'failed', why: textOf(error) }),
);
