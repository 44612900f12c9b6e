/**
 * `dyndns doctor`: the certificate of HTTPS, as the running server or its files show it, and whether its names lead to this
 * machine.
 */
import type { DomainName } from '../../dns/name.ts';
import { whyNotHere } from '../zones/leads-here.ts';
import { findAddresses } from './addresses.ts';
import type { CertificateFacts, DoctorTools, Finding } from './ports.ts';

/** ACME renews a certificate of 90 days a month before its end. */
const WARNING_DAYS = 14;
const DAY_MS = 86_400_000;
/** Limit of names that are resolved. */
const MAX_NAMES = 10;

export async function checkCertificate(
  certificate: CertificateFacts | undefined,
  tools: Pick<DoctorTools, 'lookup' | 'progress'>,
): Promise<Finding[]> {
  if (certificate === undefined) return [];
  tools.progress('checking the certificate');
  const names = certificate.names.filter(({ isWildcard }) => !isWildcard).slice(0, MAX_NAMES);
  const places = await Promise.all(names.map((name) => checkName(name, certificate, tools)));
  return [judgeEnd(certificate), ...places];
}

function judgeEnd({ names, endMs, nowMs, unknown }: CertificateFacts): Finding {
  const check = 'http';
  const subject = `The certificate for ${names.join(', ')}`;
  if (unknown !== undefined) return { check, status: 'not checked', text: `${subject}: ${unknown}.` };
  if (endMs === undefined) {
    const advice =
      "Its log says why. 'dyndns doctor' of the zone with the challenge shows whether the internet can see it.";
    return {
      check,
      status: 'problem',
      text: `${subject} was not issued yet: clients do not trust the server.`,
      advice,
    };
  }
  const day = new Date(endMs).toISOString().slice(0, 10);
  const advice = 'Renew it. One of http.tls.acme is renewed a month before its end: the log says why it was not.';
  if (endMs <= nowMs) return { check, status: 'problem', text: `${subject} expired on ${day}.`, advice };
  if (endMs - nowMs < WARNING_DAYS * DAY_MS) {
    return { check, status: 'warning', text: `${subject} expires on ${day}.`, advice };
  }
  return { check, status: 'ok', text: `${subject} is valid until ${day}.` };
}

async function checkName(
  name: DomainName,
  { machine, isProxied }: CertificateFacts,
  { lookup }: Pick<DoctorTools, 'lookup'>,
): Promise<Finding> {
  const check = 'http';
  const { addresses, failure } = await findAddresses(lookup, name);
  const list = addresses.map(({ text }) => text).join(', ');
  if (failure !== undefined && addresses.length === 0) {
    return { check, status: 'not checked', text: `The addresses of '${name}' could not be resolved: ${failure}.` };
  }
  const problem = whyNotHere(addresses, isProxied && addresses.length > 0 ? [] : machine);
  if (problem !== undefined) {
    const text = `The certificate is for '${name}', which ${problem}: clients do not reach this server by that name.`;
    return { check, status: 'warning', text, advice: `Give '${name}' an address of this server.` };
  }
  const isOwn = addresses.some(({ text }) => machine.some((own) => own.text === text));
  if (isOwn) return { check, status: 'ok', text: `'${name}' leads to this machine (${list}).` };
  return {
    check,
    status: 'not checked',
    text: `'${name}' leads to ${list}, which no interface of this machine has: a router or a proxy must forward to it.`,
  };
}
