/**
 * Malformed requests to the routes with a JSON body (httpreq, acme-dns), for malformed.test.ts. Each has an error that
 * random values cannot repair. The credentials are valid for one challenge each, unless they are the malformed part.
 */
import type { Random } from '../differential/random.ts';

export interface WrongTexts {
  noise(length: number): string;
  host(): string;
  secret(): string;
}

export interface GoodTexts {
  /** The challenge name that the token covers. */
  readonly fqdn: string;
  readonly token: string;
  readonly user: string;
  readonly key: string;
  readonly subdomain: string;
}

const CHALLENGE = 'LHDhK3oGRvkiefQnx7OOczTY5Tic_xZ6HcMOc_gmtoM';

export function jsonRequest(pattern: string, random: Random, wrong: WrongTexts, good: GoodTexts): string {
  const isRegister = pattern === '/register';
  const isUpdate = pattern === '/update';
  const defects = ['body', 'body', 'name', 'value', 'value', 'secret', 'method', 'path'] as const;
  const drawn = random.chance(0.04) ? 'type' : random.pick(defects);
  const hasOnlyBody = isRegister && (drawn === 'name' || drawn === 'value' || drawn === 'secret');
  const defect = hasOnlyBody ? 'body' : drawn;
  const names = isUpdate ? ['subdomain', 'txt'] : ['fqdn', 'value'];
  const fields: Record<string, unknown> = isUpdate
    ? { subdomain: good.subdomain, txt: CHALLENGE }
    : { fqdn: good.fqdn, value: CHALLENGE };
  if (defect === 'name') fields[names[0]!] = random.pick([() => wrongType(random), () => decoded(wrong.host())])();
  if (defect === 'value') fields[names[1]!] = wrongValue(random, isUpdate);
  const text = defect === 'body' ? wrongBody(random, wrong, isRegister) : JSON.stringify(fields);
  const secret = defect === 'secret' ? decoded(wrong.secret()).replace(/[^!-~]/g, 'x') : undefined;
  const headers = [`X-Forwarded-For: ${[0, 0, 0].map(() => random.below(256)).join('.')}.7`];
  if (isUpdate) headers.push(...updateKeys(random, good, secret));
  else if (!isRegister) {
    const credential = secret ?? good.token;
    const basic = `Basic ${Buffer.from(`x:${credential}`, 'latin1').toString('base64')}`;
    const isMissing = secret !== undefined && random.chance(0.2);
    if (!isMissing) headers.push(`Authorization: ${random.pick([basic, `Bearer ${credential}`])}`);
  }
  if (random.chance(0.1)) headers.push(`X-${wrong.noise(5).replace(/[^a-z]/gi, 'y')}: ${wrong.noise(40)}`);
  const types = [
    'application/json',
    'application/x-www-form-urlencoded',
    'text/plain',
    '',
    'x',
    '/',
    ';',
    'application/xml',
  ];
  headers.push(`Content-Type: ${defect === 'type' ? 'multipart/form-data' : random.pick(types)}`);
  headers.push(`Content-Length: ${Buffer.byteLength(text, 'latin1')}`);
  const method = defect === 'method' ? random.pick(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'FOO']) : 'POST';
  const path = defect === 'path' ? `${pattern}/${wrong.noise(9)}/x` : pattern;
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers.join('\r\n')}\r\n\r\n${text}`;
}

/** @param secret undefined: the correct one */
function updateKeys(random: Random, good: GoodTexts, secret: string | undefined): string[] {
  const { user, key } = good;
  if (secret === undefined) return [`X-Api-User: ${user}`, `X-Api-Key: ${key}`];
  return random.pick([
    () => [`X-Api-User: ${user}`, `X-Api-Key: ${secret}`],
    () => [`X-Api-User: ${secret}`, `X-Api-Key: ${key}`],
    () => [`X-Api-User: ${secret}`, `X-Api-Key: ${good.token}`],
    () => [`X-Api-User: ${user}`],
    () => ['X-Api-User: ', `X-Api-Key: ${key}`],
    () => [`X-Api-User: ${user}`, `X-Api-Key: ${secret}`, `Authorization: Bearer ${key}`],
    () => [`X-Api-User: ${user}`, 'X-Api-User: x', `X-Api-Key: ${key}`],
  ])();
}

function wrongType(random: Random): unknown {
  return random.pick<unknown>([1, -0.5, true, false, null, [], {}, ['a'], { toString: 'x' }, [[[]]], 1e308]);
}

function wrongValue(random: Random, isChallenge: boolean): unknown {
  const control = String.fromCharCode(random.below(32));
  const values = [
    () => wrongType(random),
    () => '',
    () => 'x'.repeat(1025 + random.below(30_000)),
    () => `${CHALLENGE}${control}`,
    () => `${control}${CHALLENGE.slice(1)}`,
    () => '\ud800',
    () => '\u007f'.repeat(43),
  ];
  const noChallenges = [
    () => CHALLENGE.slice(1),
    () => `${CHALLENGE}x`,
    () => `${CHALLENGE.slice(1)}${random.pick([...'=+/ ."\\\u00e4'])}`,
    () => CHALLENGE.toUpperCase().replaceAll('-', '+').replaceAll('_', '/'),
  ];
  return random.pick(isChallenge ? [...values, ...noChallenges] : values)();
}

/** Not JSON, or JSON without a required field; for /register, with an invalid field. */
function wrongBody(random: Random, { noise }: WrongTexts, isRegister: boolean): string {
  const prefix = () =>
    random.pick<unknown>(['192.0.2.1/', '192.0.2.0/33', 'x/8', '/', '::/129', '', 8, null, {}, [[]]]);
  const registers = [
    () => JSON.stringify({ allowfrom: wrongType(random) ?? 1 }).replace(/\[\]|\["a"\]|\[\[\[\]\]\]/, '"x"'),
    () => JSON.stringify({ allowfrom: [prefix()] }),
    () => JSON.stringify({ allowfrom: ['192.0.2.0/24', prefix(), '2001:db8::/32'] }),
    () => JSON.stringify({ allowfrom: ['192.0.2.0/24'], [noise(9)]: ['192.0.2.0/24'] }),
    () => JSON.stringify({ AllowFrom: ['192.0.2.0/24'], allowfrom: ['192.0.2.0/24'] }),
    () => JSON.stringify({ allowfrom: Array.from({ length: 101 + random.below(900) }, () => '192.0.2.0/24') }),
  ];
  const objects = [
    () => '{}',
    () => '{"__proto__":{"fqdn":"x","value":"x","subdomain":"x","txt":"x"}}',
    () => JSON.stringify({ [noise(9)]: noise(9) }),
    () => JSON.stringify({ fqdn: null, value: null, domain: null, subdomain: null }),
  ];
  return random.pick([
    () => `g${noise(random.below(60))}`,
    () => `{${noise(random.below(60))}`,
    () => `{"fqdn":"a","value":"b"`,
    () => `{"fqdn":"a" "value":"b"}`,
    () => "{'subdomain':'a','txt':'b'}",
    () => '{"txt":"\\u12"}',
    () => '['.repeat(1 + random.below(20_000)),
    () => `${'{"a":'.repeat(1 + random.below(5_000))}1`,
    () => JSON.stringify(random.pick<unknown>([1, 'x', ...(isRegister ? [] : [null]), true, [], [{}]])),
    () => '\u00ff\u00fe{}',
    ...(isRegister ? registers : objects),
  ])();
}

function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
