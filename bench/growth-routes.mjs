// @ts-check
/**
 * Every route of the HTTP application as a parser, for fuzz-growth.mjs: the text is a query, a form, a JSON body, a value of each
 * known parameter, a part of the path or a header. What the request would change is refused after it was read, so that only reading
 * is measured. The routes and the parameters come from the code: new ones are covered.
 */
import { Authenticator } from '#dist/core/access/authenticate.js';
import { GuessBudget } from '#dist/core/access/guess-budget.js';
import { AppError } from '#dist/core/errors.js';
import { ZoneTable } from '#dist/core/zones/zone.js';
import { DomainName } from '#dist/dns/name.js';
import { PROTOCOLS } from '#dist/http/app/app.js';
import { mergeParameters, parseParameters, repeatedTexts } from '#dist/http/app/parameters.js';
import { jsonParameters, parseJson } from '#dist/http/request/json-body.js';
import { PARAMETERS } from '#dist/http/request/update-parameters.js';

const SECRET = 'ofTheFuzzer';
const zone = /** @type {any} */ ({
  apex: DomainName.parse('example.com'),
  ttl: {},
  apexAllowed: true,
  wildcardAllowed: true,
  reserved: new Set(),
  addresses: { allow: [], deny: [] },
  emptyValue: 'keep',
});

/** Reads the addresses of an update, and refuses it. @param {any} update */
async function refuseUpdate(update) {
  update.choose?.(zone);
  throw new AppError('conflict', 'nothing is changed here');
}

const refuse = { run: refuseUpdate, check: refuseUpdate, publish: refuseUpdate };

/** Whatever else a route calls does nothing. @type {any} */
const nothing = new Proxy(() => undefined, { get: (_target, name) => (name === 'then' ? undefined : nothing) });

const services = /** @type {any} */ (
  new Proxy(
    {
      zones: new ZoneTable([zone]),
      authenticator: new Authenticator({ masterSecret: SECRET, guesses: new GuessBudget(() => 0), now: () => 0 }),
      record: { refuse: (/** @type {unknown} */ error) => error },
      updates: refuse,
      texts: refuse,
      acmeDns: undefined,
      checks: { run: async () => [] },
      protocolsOff: new Set(),
      unspecifiedFamily: 'keep',
    },
    { get: (target, name) => (name in target ? Reflect.get(target, name) : nothing) },
  )
);

/** A parameter of each row, and those that only one protocol has. */
const NAMES = [
  ...new Set([
    ...Object.values(PARAMETERS).map((row) => row[0]),
    ...[
      'domains',
      'record_name',
      'zone_name',
      'ip_1',
      'fqdn',
      'txt',
      'ttl',
      'requestL',
      'h[]',
      'Hostname',
      'sha',
      'dry_run',
      'subdomain',
    ],
  ]),
];

/** @param {string} query @param {string | undefined} form @param {string | undefined} json */
function parametersOf(query, form, json) {
  const fields = json === undefined ? (form === undefined ? undefined : parseParameters(form)) : jsonFields(json);
  const parameters = mergeParameters(parseParameters(query), fields);
  return { parameters, repeated: repeatedTexts(parameters), body: json ?? form, isJsonObject: json !== undefined };
}

/** @param {string} json */
function jsonFields(json) {
  const { fields } = parseJson(json);
  return fields === undefined ? undefined : jsonParameters(fields).parameters;
}

/** @param {any} route @param {object} parts of the request */
function requestOf(route, parts) {
  const path = Object.fromEntries(
    [...route.pattern.matchAll(/:(\w+)/g)].map((match) => [match[1], 'home.example.com']),
  );
  const headers = { authorization: `Bearer ${SECRET}`, 'x-api-user': 'fuzz', 'x-api-key': SECRET };
  const clientAddress = { family: 4, text: '192.0.2.1' };
  const peer = clientAddress;
  return {
    method: route.methods[0],
    headers,
    path,
    clientAddress,
    peer,
    ...parametersOf('', undefined, undefined),
    ...parts,
  };
}

/** @param {any} route @param {any} request */
async function call(route, request) {
  if (route.takes === undefined || route.takes(request)) return route.handle(request, services);
  return undefined;
}

/** @returns {import('./growth-parsers.mjs').TextParser[]} */
export function makeRoutes() {
  /** @type {import('./growth-parsers.mjs').TextParser[]} */
  const parsers = [];
  for (const { name: protocol, routes } of PROTOCOLS) {
    for (const route of routes) {
      /** @type {(place: string, parts: (text: string) => object) => void} */
      const add = (place, parts) => {
        parsers.push({
          name: `${protocol} ${route.pattern}, ${place}`,
          isRoute: true,
          read: (text) => call(route, requestOf(route, parts(text))),
        });
      };
      if (route.safe) continue;
      add('query', (text) => parametersOf(text, undefined, undefined));
      add('query without a credential', (text) => ({ headers: {}, ...parametersOf(text, undefined, undefined) }));
      if (route.methods.includes('POST')) add('form', (text) => parametersOf('', text, undefined));
      add('name of a parameter', (text) => ({ ...parametersOf('', undefined, undefined), parameters: { [text]: '' } }));
      for (const name of NAMES) {
        add(`value of ${name}`, (text) => {
          const { parameters, ...rest } = parametersOf('', undefined, undefined);
          return {
            ...rest,
            parameters: mergeParameters(parameters, { hostname: 'home.example.com', [name]: text }),
          };
        });
      }
      for (const name of ['fqdn', 'value', 'subdomain', 'txt', 'allowfrom', 'hostname', 'myip']) {
        add(`JSON value of ${name}`, (text) => parametersOf('', undefined, JSON.stringify({ [name]: text })));
      }
      add('JSON', (text) => parametersOf('', undefined, text));
      for (const [placeholder, name] of route.pattern.matchAll(/:(\w+)/g)) {
        add(`path ${placeholder}`, (text) => {
          const request = requestOf(route, {});
          return { path: { ...request.path, [name ?? '']: text } };
        });
      }
      add('user of Basic', (text) => ({
        headers: { authorization: `Basic ${Buffer.from(`${text}:${SECRET}`).toString('base64')}` },
      }));
      add('X-Api-User', (text) => ({ headers: { 'x-api-user': text, 'x-api-key': text } }));
    }
  }
  return parsers;
}
