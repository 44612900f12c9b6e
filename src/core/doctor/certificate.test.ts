import { expect, it } from 'vitest';
import { parseIpAddress } from '../../dns/address.ts';
import { DomainName } from '../../dns/name.ts';
import { RRClass, RRType } from '../../dns/rdata.ts';
import { checkCertificate } from './certificate.ts';
import type { CertificateFacts, Lookup } from './ports.ts';

const NAME = DomainName.parse('dyn.example.com');
const DAY_MS = 86_400_000;

/** A resolver that knows one address of every name. */
function lookupOf(address: string | undefined): Lookup {
  const answersOf = (ownerName: DomainName, type: number) =>
    address === undefined || type !== RRType.A
      ? []
      : [{ ownerName, type, class: RRClass.IN, ttl: 60, rdata: { kind: 'A', address } as const }];
  const replyOf = async (qname: DomainName, qtype: number) =>
    ({
      kind: 'reply',
      rcode: 'NOERROR',
      authoritative: false,
      recursionAvailable: true,
      edns: true,
      answers: answersOf(qname, qtype),
      authority: [],
      additional: [],
    }) as const;
  return { resolve: replyOf, query: (_address, _transport, qname, qtype) => replyOf(qname, qtype) };
}

async function findings(facts: Partial<CertificateFacts>, address?: string) {
  const machine = [parseIpAddress('8.8.8.8')!];
  const certificate = { names: [NAME], nowMs: 0, machine, isProxied: false, ...facts };
  const found = await checkCertificate(certificate, { lookup: lookupOf(address), progress: () => undefined });
  return found.map(({ status, text }) => `${status}: ${text}`);
}

it.each([
  [{ endMs: 60 * DAY_MS }, 'ok: The certificate for dyn.example.com. is valid until 1970-03-02.'],
  [{ endMs: 3 * DAY_MS }, 'warning: The certificate for dyn.example.com. expires on 1970-01-04.'],
  [{ endMs: -DAY_MS }, 'problem: The certificate for dyn.example.com. expired on 1969-12-31.'],
  [{}, 'problem: The certificate for dyn.example.com. was not issued yet: clients do not trust the server.'],
  [{ unknown: 'no server answers' }, 'not checked: The certificate for dyn.example.com.: no server answers.'],
])('the end of the certificate: %j', async (facts, expected) => {
  expect((await findings(facts, '8.8.8.8'))[0]).toBe(expected);
});

it.each([
  ['8.8.8.8', "ok: 'dyn.example.com.' leads to this machine (8.8.8.8)."],
  [
    '9.9.9.9',
    "warning: The certificate is for 'dyn.example.com.', which leads to 9.9.9.9, and this machine has 8.8.8.8: clients do not reach this server by that name.",
  ],
  [
    undefined,
    "warning: The certificate is for 'dyn.example.com.', which has no address: clients do not reach this server by that name.",
  ],
])('a name that leads to %s', async (address, expected) => {
  expect((await findings({}, address))[1]).toBe(expected);
});

it('a name that leads to a proxy is not judged; a wildcard is not resolved; without HTTPS there is nothing', async () => {
  expect((await findings({ isProxied: true }, '9.9.9.9'))[1]).toMatch(/^not checked: .* a router or a proxy must/);
  expect(await findings({ names: [DomainName.parse('*.example.com')] }, '9.9.9.9')).toHaveLength(1);
  expect(await checkCertificate(undefined, { lookup: lookupOf(undefined), progress: () => undefined })).toEqual([]);
});
