/**
 * docs/errors.md, written from tables of the code: the error codes, how each protocol reports them, and the advice for
 * each way in which a primary refuses. `npm run docs` writes the file; a test compares it with the text from here.
 */
import { ERROR_CODES, type ErrorCode } from '../core/errors.ts';
import { ORIGINAL_ERRORS } from '../core/updates/original-lines.ts';
import { DomainName } from '../dns/name.ts';
import { TsigError, TsigErrorCode, type TsigFailure } from '../dns/tsig.ts';
import { makeTsigKey } from '../dns/tsig-key.ts';
import { formatRcode, Rcode } from '../dns/wire/message.ts';
import { PROBLEMS } from '../http/api/problem.ts';
import { ACME_DNS_ERRORS } from '../http/protocols/acme-dns.ts';
import { DUCKDNS_ERRORS } from '../http/protocols/duckdns.ts';
import { DYNDNS1_ERRORS } from '../http/protocols/dyndns1.ts';
import { DYNDNS2_ERRORS } from '../http/protocols/dyndns2.ts';
import { DYNV6_ERRORS } from '../http/protocols/dynv6.ts';
import { EASYDNS_ERRORS } from '../http/protocols/easydns.ts';
import { FREEDNS_ERRORS } from '../http/protocols/freedns.ts';
import { FREEMYIP_ERRORS } from '../http/protocols/freemyip.ts';
import { HTTPREQ_ERRORS } from '../http/protocols/httpreq.ts';
import { NJALLA_ERRORS } from '../http/protocols/njalla.ts';
import { NOIP_ERRORS } from '../http/protocols/noip.ts';
import { ExchangeError } from '../net/exchange.ts';
import {
  keyRejected,
  notAuthoritative,
  type PrimaryContext,
  queryRefused,
  unknownOutcome,
  unreachable,
  updateRefused,
} from '../primary/outcome.ts';

const INTRODUCTION = `<!-- Written by \`npm run docs\` from src/core/errors.ts, src/http/protocols/ and src/primary/outcome.ts. Change it there. -->

# Errors

This page lists every error, its reply in each protocol, and what to do about it. Every failure has one code. The HTTP API replies with a status and one line, \`LEVEL: text\`; the command line prints the
same line to standard error. In the log, \`code\` names the code and \`request\` the request.

## The codes

\`PARAMETER_ERROR\` and the other levels, and the statuses from 452 to 457 and 512, are those of the original. The routes
\`/myip\` and \`/ip\` answer errors in the same way. The columns after them are the other protocols: status and body.`;

const CONTEXT: PrimaryContext = {
  zone: DomainName.parse('dyn.example.com'),
  endpoint: { host: '192.0.2.1', port: 53 },
  key: makeTsigKey(DomainName.parse('dyn.example.com'), 'hmac-sha512', Buffer.alloc(64)),
};

const NOW = 1_700_000_000;

/** A protocol without error words of its own sends a status and the error's text. */
function formatCell(error: readonly [number, string | number] | number): string {
  return typeof error === 'number' ? String(error) : `${error[0]} \`${error[1]}\``;
}

/** One column for each protocol other than the original: status and body. */
const COLUMNS: readonly (readonly [
  string,
  Readonly<Record<ErrorCode, readonly [number, string | number] | number>>,
])[] = [
  ['dyndns2', DYNDNS2_ERRORS],
  ['dyndns1', DYNDNS1_ERRORS],
  ['easyDNS', EASYDNS_ERRORS],
  ['Njalla', NJALLA_ERRORS],
  ['No-IP', NOIP_ERRORS],
  ['FreeDNS', FREEDNS_ERRORS],
  ['DuckDNS', DUCKDNS_ERRORS],
  ['dynv6', DYNV6_ERRORS],
  ['freemyip', FREEMYIP_ERRORS],
  ['acme-dns', ACME_DNS_ERRORS],
  ['httpreq', HTTPREQ_ERRORS],
];

interface Advice {
  /** What the primary answered, in terms of the protocol. */
  readonly cause: string;
  readonly error: { readonly code: ErrorCode; readonly message: string };
}

/** The text of docs/errors.md. */
export function errorDocument(): string {
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  const codeRows = codes.map((code) => {
    const { means, actor } = ERROR_CODES[code];
    const [status, level] = ORIGINAL_ERRORS[code];
    const others = COLUMNS.map(([, errors]) => formatCell(errors[code])).join(' | ');
    return `| \`${code}\` | ${means} | ${actor} | ${status} | \`${level}\` | ${others} |`;
  });
  const advice = (rows: readonly Advice[]) =>
    ['| reply | code | text |', '|---|---|---|']
      .concat(
        rows.map(({ cause, error }) => `| ${cause} | \`${error.code}\` | ${error.message.replaceAll('|', '\\|')} |`),
      )
      .join('\n');
  return `${INTRODUCTION}

| code | means | who must act | status | level | ${COLUMNS.map(([title]) => title).join(' | ')} |
|---|---|---|---|---|${COLUMNS.map(() => '---|').join('')}
${codeRows.join('\n')}

Outside of a protocol: an unknown route is 404, a method that a route does not have 405, a request that cannot be read
400, a body that is too large 413, a header that is too large 431.

A request with a wrong secret gets the same reply for every name.

## The HTTP API

[The HTTP API](api/README.md) and the [control API](operating/control-api.md) answer errors with problem documents (RFC 9457).
Their \`type\` leads here.

${problemSections()}
412 is the answer to an \`If-Match\` that does not hold (\`conflict\`), 413 to a body that is too large, 421 to a Host that the API
is not served for, 404 to an unknown path and 405 to a method that a path does not have (all \`request-malformed\`).

## When the primary refuses

The texts contain the primary, the zone and the key of the configuration. Here these are 192.0.2.1, dyn.example.com and a
key of the same name. The status is always 512.

### An update

${advice(updateAdvice())}

### The TSIG key

${advice(keyAdvice())}

### A query

Before an update, dyndns queries the current addresses unless it has them already.

${advice(queryAdvice())}

### No answer

${advice(silenceAdvice())}
`;
}

/** A heading for each code, as the target of `type`. */
function problemSections(): string {
  return (Object.keys(ERROR_CODES) as ErrorCode[])
    .map((code) => `### ${code}\n\n${PROBLEMS[code][0]}: ${PROBLEMS[code][1]}. ${ERROR_CODES[code].means}\n`)
    .join('\n');
}

function updateAdvice(): Advice[] {
  const { REFUSED, SERVFAIL, NOTAUTH, NOTZONE, NOTIMP, FORMERR, BADVERS } = Rcode;
  return [REFUSED, SERVFAIL, NOTAUTH, NOTZONE, NOTIMP, FORMERR, BADVERS].map((rcode) => ({
    cause: rcode === BADVERS ? 'any other RCODE, here BADVERS' : formatRcode(rcode),
    error: updateRefused(CONTEXT, rcode),
  }));
}

function queryAdvice(): Advice[] {
  const rcodes = [Rcode.REFUSED, Rcode.SERVFAIL, Rcode.NOTAUTH, Rcode.NOTIMP];
  const refused = rcodes.map((rcode) => ({
    cause: rcode === Rcode.NOTIMP ? 'any other RCODE, here NOTIMP' : formatRcode(rcode),
    error: queryRefused(CONTEXT, rcode),
  }));
  return [...refused, { cause: 'an answer without AA', error: notAuthoritative(CONTEXT) }];
}

function keyAdvice(): Advice[] {
  const theirs = (error: number, peerTime?: number): TsigFailure => {
    return { side: 'theirs', error, ...(peerTime === undefined ? {} : { peerTime }) };
  };
  const ours = (reason: (TsigFailure & { side: 'ours' })['reason']): TsigFailure => ({ side: 'ours', reason });
  const row = (cause: string, failure: TsigFailure, rcode: number = Rcode.NOTAUTH): Advice => {
    return { cause, error: keyRejected(CONTEXT, new TsigError(failure, rcode), NOW) };
  };
  return [
    row('BADKEY', theirs(TsigErrorCode.BADKEY)),
    row('BADSIG', theirs(TsigErrorCode.BADSIG)),
    row('BADTIME', theirs(TsigErrorCode.BADTIME, NOW - 400)),
    row('BADTIME without its time', theirs(TsigErrorCode.BADTIME)),
    row('BADTRUNC', theirs(TsigErrorCode.BADTRUNC)),
    row('a success without a signature', ours('unsigned'), Rcode.NOERROR),
    row('an error without a signature, here REFUSED', ours('unsigned'), Rcode.REFUSED),
    row('a reply signed with another key', ours('key')),
    row('a reply whose signature is wrong', ours('mac')),
    row('a reply signed long ago or too early', ours('time')),
  ];
}

function silenceAdvice(): Advice[] {
  return [
    {
      cause: 'none: no connection',
      error: unreachable(
        CONTEXT,
        new ExchangeError('unreachable', false, 'cannot connect to 192.0.2.1:53 (ECONNREFUSED)'),
      ),
    },
    {
      cause: 'none in time',
      error: unreachable(CONTEXT, new ExchangeError('timeout', true, 'no reply from 192.0.2.1:53 in time')),
    },
    {
      cause: 'not a DNS message',
      error: unreachable(
        CONTEXT,
        new ExchangeError('garbage', true, '192.0.2.1:53 sent something that is not a DNS reply'),
      ),
    },
    {
      cause: 'none to an update that was sent, and reading back failed too',
      error: unknownOutcome(CONTEXT, new Error('lost')),
    },
  ];
}
