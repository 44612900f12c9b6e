/**
 * `dyndns doctor`: checks of the HTTP listeners, of `http.trusted_proxies`, and of the port of the embedded nameserver;
 * and the commands for what only another network can check.
 */
import { formatIpPrefix, type IpAddress, type IpPrefix, parseIpAddress } from '../../dns/address.ts';
import { formatEndpoint } from '../../dns/endpoint.ts';
import { isInBlock } from '../zones/special-addresses.ts';
import { isLoopback, whyLocal } from './addresses.ts';
import { specialUse } from './delegation.ts';
import type { DoctorSubject, DoctorTools, Finding, HttpFacts, HttpListen, PrimaryFacts } from './ports.ts';

/** A shorter prefix contains networks of several operators. */
const SHORT_PREFIX = { 4: 16, 6: 32 } as const;

export async function checkHttp({ http }: DoctorSubject, tools: DoctorTools): Promise<Finding[]> {
  tools.progress('checking the HTTP listeners');
  const listeners = await Promise.all(http.listen.map((listen) => checkListener(listen, tools)));
  return [...listeners.flat(), ...checkTrust(http)];
}

async function checkListener(listen: HttpListen, tools: DoctorTools): Promise<Finding[]> {
  const check = 'http';
  const place = formatListen(listen);
  const findings: Finding[] = [];
  if (listen.kind === 'tcp' && listen.port === 0) {
    const text = `${place}: the operating system chooses the port, so it cannot be checked.`;
    findings.push({
      check,
      status: 'not checked',
      text,
      advice: 'See the log for the port, or configure a fixed one.',
    });
  } else {
    const failure = await tools.connect(listen);
    findings.push(
      failure === undefined
        ? { check, status: 'ok', text: `Something listens on ${place}.` }
        : {
            check,
            status: 'problem',
            text: `Cannot connect to ${place} (${failure}): updates over HTTP fail.`,
            advice: "Start 'dyndns serve' with this configuration. If it is running, see its log for the reason.",
          },
    );
  }
  if (listen.kind === 'tcp' && !listen.tls && !isLoopback(listen.host)) {
    const text = `${place} accepts requests from other machines without TLS: secrets can be intercepted.`;
    const advice =
      "Listen on an 'https://' address with http.tls, or on 127.0.0.1 behind a reverse proxy with TLS (deploy/nginx).";
    findings.push({ check, status: 'warning', text, advice });
  }
  return findings;
}

export function checkTrust({ listen, trustedProxies, lenient }: HttpFacts): Finding[] {
  const check = 'http';
  const findings = trustedProxies.flatMap((prefix) => checkPrefix(prefix));
  if (trustedProxies.length > 0 && findings.length === 0) {
    const text = `http.trusted_proxies is ${trustedProxies.map(formatIpPrefix).join(' ')}.`;
    findings.push({ check, status: 'ok', text });
  }
  if (lenient && listen.some(({ kind }) => kind === 'unix')) {
    const text =
      'http.lenient is on for a unix socket: request smuggling is possible where the proxy parses a request differently.';
    const advice = 'Set http.lenient: false, and serve lenient clients on a separate listener.';
    findings.push({ check, status: 'warning', text, advice });
  }
  const tcp = listen.filter((each) => each.kind === 'tcp');
  if (trustedProxies.length === 0 && tcp.length > 0 && tcp.every(({ host }) => isLoopback(host))) {
    const text =
      'Only this machine can connect, and http.trusted_proxies is empty: behind a reverse proxy, every request would appear to come from the proxy.';
    const advice =
      "If there is a reverse proxy, add its address (127.0.0.1 or '::1') to http.trusted_proxies. Otherwise there is nothing to do.";
    findings.push({ check, status: 'not checked', text, advice });
  }
  return findings;
}

function checkPrefix(prefix: IpPrefix): Finding[] {
  const check = 'http';
  const text = formatIpPrefix(prefix);
  const advice = 'List only the addresses of your proxies in http.trusted_proxies.';
  if (prefix.length === 0) {
    const claim = `http.trusted_proxies contains ${text}: anyone can claim any client address.`;
    return [{ check, status: 'problem', text: claim, advice }];
  }
  if (prefix.length >= SHORT_PREFIX[prefix.family] || isInBlock(prefix)) return [];
  const wide = `http.trusted_proxies contains ${text}, a large part of the internet: every machine in it can claim any client address.`;
  return [{ check, status: 'warning', text: wide, advice }];
}

/** Whether resolvers can reach the nameservers, as far as this machine can tell. */
export function checkOutside(subject: DoctorSubject, nameservers: readonly IpAddress[]): Finding[] {
  const check = 'outside';
  const { zone, primary } = subject;
  const findings = primary.kind === 'embedded' ? checkDnsListen(primary) : [];
  // The delegation check has reported that the internet cannot find this zone.
  if (specialUse(zone) !== undefined) return findings;
  const reachable = nameservers.filter((each) => whyLocal(each) === undefined);
  const local = [...new Map(nameservers.map((each) => [each.text, whyLocal(each)]))].filter(
    ([, reason]) => reason !== undefined,
  );
  if (local.length > 0) {
    const list = local.map(([text, reason]) => `${text} ${reason}`).join(', ');
    const text = `The internet cannot reach these addresses of nameservers: ${list}.`;
    const advice = 'Give the nameservers public addresses if the zone is for the internet.';
    findings.push({ check, status: 'warning', text, advice });
  }
  const address = (reachable[0] ?? nameservers[0])?.text ?? 'ADDRESS-OF-THE-NAMESERVER';
  findings.push({
    check,
    status: 'not checked',
    text: 'Only a machine in another network can check whether the internet reaches the nameservers.',
    advice: `Run from another network, for example over a mobile phone:\n  dig @${address} ${zone} SOA +norecurse\n  dig @${address} ${zone} SOA +norecurse +tcp`,
  });
  return findings;
}

function checkDnsListen({ listen }: Extract<PrimaryFacts, { kind: 'embedded' }>): Finding[] {
  const check = 'outside';
  const places = listen.map(formatEndpoint).join(' ');
  const on53 = listen.filter(({ port }) => port === 53);
  if (on53.length === 0) {
    const text = `The nameserver listens on ${places}, but resolvers query port 53 only.`;
    const advice =
      'Set dns.listen to port 53, or redirect port 53 to it. Keep the port if this is a hidden primary whose secondaries are configured with it.';
    return [{ check, status: 'warning', text, advice }];
  }
  if (on53.every(({ host }) => isLoopback(host))) {
    const text = `The nameserver listens on ${places}: only this machine can query it.`;
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
      'Behind a router with NAT, forward port 53 (UDP and TCP) to this machine, and give the NS names the public address.';
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
