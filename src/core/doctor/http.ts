/**
 * `dyndns doctor`: what can be told from the configuration and from this machine. Whose word on client addresses is
 * believed, whether HTTP is encrypted and listens, on which port the own nameserver is; and what only the outside can see.
 */
import { formatIpPrefix, type IpAddress, type IpPrefix, parseIpAddress } from '../../dns/address.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';
import { isLocalPrefix, isLoopback, whyLocal } from './addresses.ts';
import { specialUse } from './delegation.ts';
import type { DoctorSubject, DoctorTools, Finding, HttpFacts, HttpListen, PrimaryFacts } from './ports.ts';

/** Prefixes shorter than these hold more than one network. */
const SHORT_PREFIX = { 4: 16, 6: 32 } as const;

export async function checkHttp({ http }: DoctorSubject, tools: DoctorTools): Promise<Finding[]> {
  tools.progress('looking at the HTTP listeners');
  const listeners = await Promise.all(http.listen.map((listen) => checkListener(listen, tools)));
  return [...listeners.flat(), ...checkTrust(http)];
}

async function checkListener(listen: HttpListen, tools: DoctorTools): Promise<Finding[]> {
  const check = 'http';
  const place = formatListen(listen);
  const findings: Finding[] = [];
  if (listen.kind === 'tcp' && listen.port === 0) {
    const text = `${place}: the system chooses the port; whether it listens is not known.`;
    findings.push({ check, status: 'not checked', text, advice: 'Look into the log for the port, or write one down.' });
  } else {
    const failure = await tools.connect(listen);
    findings.push(
      failure === undefined
        ? { check, status: 'ok', text: `Something listens on ${place}.` }
        : {
            check,
            status: 'problem',
            text: `Nothing can be reached on ${place} (${failure}): updates over HTTP fail.`,
            advice:
              "Start 'dyndns serve' with this configuration; if it runs, its log says why it does not listen there.",
          },
    );
  }
  if (listen.kind === 'tcp' && !listen.tls && !isLoopback(listen.host)) {
    const text = `${place} takes requests of other machines without TLS: secrets can be read on the way.`;
    const advice =
      "Listen on an 'https://' address with http.tls, or listen on 127.0.0.1 behind a reverse proxy with TLS (deploy/nginx).";
    findings.push({ check, status: 'warning', text, advice });
  }
  return findings;
}

export function checkTrust({ listen, trustedProxies, lenient }: HttpFacts): Finding[] {
  const check = 'http';
  const findings = trustedProxies.flatMap((prefix) => checkPrefix(prefix));
  if (trustedProxies.length > 0 && findings.length === 0) {
    const text = `http.trusted_proxies holds ${trustedProxies.map(formatIpPrefix).join(' ')}.`;
    findings.push({ check, status: 'ok', text });
  }
  if (lenient && listen.some(({ kind }) => kind === 'unix')) {
    const text =
      'http.lenient is on with a unix socket: a request that the proxy reads in another way could be smuggled in.';
    const advice = 'Give lenient clients a listener of their own, and set http.lenient: false here.';
    findings.push({ check, status: 'warning', text, advice });
  }
  const tcp = listen.filter((each) => each.kind === 'tcp');
  if (trustedProxies.length === 0 && tcp.length > 0 && tcp.every(({ host }) => isLoopback(host))) {
    const text =
      'Only this machine can connect, and no proxy is trusted: a proxy here would be taken for the client of every request.';
    const advice =
      "If a reverse proxy passes requests on, add 127.0.0.1 (or '::1') to http.trusted_proxies. Without one there is nothing to do.";
    findings.push({ check, status: 'not checked', text, advice });
  }
  return findings;
}

function checkPrefix(prefix: IpPrefix): Finding[] {
  const check = 'http';
  const text = formatIpPrefix(prefix);
  const advice = 'Name the addresses of your proxies and nothing else in http.trusted_proxies.';
  if (prefix.length === 0) {
    const claim = `http.trusted_proxies holds ${text}: everybody may claim any client address.`;
    return [{ check, status: 'problem', text: claim, advice }];
  }
  if (prefix.length >= SHORT_PREFIX[prefix.family] || isLocalPrefix(prefix)) return [];
  const wide = `http.trusted_proxies holds ${text}, a large part of the internet: each machine in it may claim any client address.`;
  return [{ check, status: 'warning', text: wide, advice }];
}

/** Whether the own nameserver can be found by resolvers, and what nobody here can see. */
export function checkOutside(subject: DoctorSubject, nameservers: readonly IpAddress[]): Finding[] {
  const check = 'outside';
  const { zone, primary } = subject;
  const findings = primary.kind === 'embedded' ? checkDnsListen(primary) : [];
  // The delegation's finding says that the outside does not even look for it.
  if (specialUse(zone) !== undefined) return findings;
  const reachable = nameservers.filter((each) => whyLocal(each) === undefined);
  const local = [...new Map(nameservers.map((each) => [each.text, whyLocal(each)]))].filter(
    ([, why]) => why !== undefined,
  );
  if (local.length > 0) {
    const list = local.map(([text, why]) => `${text} ${why}`).join(', ');
    const text = `Addresses of nameservers that nobody outside can reach: ${list}.`;
    const advice = 'For a zone that the internet sees, give the nameservers public addresses.';
    findings.push({ check, status: 'warning', text, advice });
  }
  const address = (reachable[0] ?? nameservers[0])?.text ?? 'ADDRESS-OF-THE-NAMESERVER';
  findings.push({
    check,
    status: 'not checked',
    text: 'Whether the internet reaches the nameservers: nothing outside of this machine asked them.',
    advice: `Ask from another network, like a phone's:\n  dig @${address} ${zone} SOA +norecurse\n  dig @${address} ${zone} SOA +norecurse +tcp`,
  });
  return findings;
}

function checkDnsListen({ listen }: Extract<PrimaryFacts, { kind: 'embedded' }>): Finding[] {
  const check = 'outside';
  const places = listen.map(formatEndpoint).join(' ');
  const on53 = listen.filter(({ port }) => port === 53);
  if (on53.length === 0) {
    const text = `The nameserver listens on ${places}; resolvers ask port 53 only.`;
    const advice =
      'Set dns.listen to port 53, or redirect port 53 to it. As a hidden primary, whose secondaries are told the port, it may stay.';
    return [{ check, status: 'warning', text, advice }];
  }
  if (on53.every(({ host }) => isLoopback(host))) {
    const text = `The nameserver listens on ${places}: only this machine can ask it.`;
    return [
      {
        check,
        status: 'warning',
        text,
        advice: "Set dns.listen to '0.0.0.0:53' and '[::]:53', or to a public address.",
      },
    ];
  }
  const hosts = on53.map(({ host }) => parseIpAddress(host)).filter((host) => host !== undefined);
  if (hosts.every((host) => !isUnspecified(host) && whyLocal(host) !== undefined)) {
    const text = `The nameserver listens on ${places}: the address ${whyLocal(hosts[0]!)}.`;
    const advice =
      'Behind a router with NAT, forward port 53, UDP and TCP, to this machine; the NS names need the public address.';
    return [{ check, status: 'warning', text, advice }];
  }
  return [{ check, status: 'ok', text: `The nameserver listens on port 53 (${places}).` }];
}

function isUnspecified({ text }: IpAddress): boolean {
  return text === '0.0.0.0' || text === '::';
}

function formatListen(listen: HttpListen): string {
  if (listen.kind === 'unix') return `unix:${listen.path}`;
  return `${listen.tls ? 'https' : 'http'}://${formatEndpoint(listen)}`;
}
