/**
 * `dyndns doctor`: the chain of trust of a zone from its parent down (RFC 4035 §5): the DS records at each nameserver of the parent, the
 * DNSKEY records that they name, and the signatures that each nameserver of the zone serves; then what is known here of the keys.
 * Left out: the chain above the parent, and signatures of other names than the apex.
 */
import { matchDs } from '../../dns/dnssec/delegation.ts';
import { ZoneKeys } from '../../dns/dnssec/verify.ts';
import type { DomainName } from '../../dns/name.ts';
import type { DnskeyFields, DsFields } from '../../dns/rdata.ts';
import type { ParentServers } from './delegation.ts';
import { checkOwnKeys, finding } from './dnssec-keys.ts';
import { askParent, type ParentView } from './dnssec-parent.ts';
import { type ServerView, viewServers } from './dnssec-servers.ts';
import { describeSignature } from './dnssec-signature.ts';
import type { NameserverAt } from './nameservers.ts';
import type { DoctorSubject, DoctorTools, Finding } from './ports.ts';

/** @param parent undefined if its nameservers are not known */
export async function checkDnssec(
  { zone, signing }: DoctorSubject,
  parent: ParentServers | undefined,
  servers: readonly NameserverAt[],
  { lookup, now }: DoctorTools,
): Promise<Finding[]> {
  const nowSeconds = now();
  const [above, views] = await Promise.all([
    parent && askParent(zone, parent, lookup, nowSeconds),
    viewServers(zone, servers, lookup),
  ]);
  const dnskeys = distinct(views.flatMap((view) => view.dnskeys));
  const ds = above?.ds ?? [];
  if (dnskeys.length === 0 && ds.length === 0 && signing?.isConfigured !== true) return [];
  if (views.length === 0) {
    const text = 'The signatures were not checked, because no nameserver of the zone answered.';
    return [...(above?.findings ?? []), finding('not checked', text, 'Fix the problems above first.')];
  }
  if (dnskeys.length === 0) return [...(above?.findings ?? []), unsigned(zone, above, signing?.isConfigured === true)];
  const chain = judgeDs(zone, above, dnskeys, views);
  return [
    ...(above?.findings ?? []),
    ...chain.findings,
    ...views.map((view) => judgeServer(zone, view, chain.keys, nowSeconds)),
    ...checkOwnKeys(zone, signing, chain.keys),
  ];
}

function distinct(dnskeys: readonly DnskeyFields[]): DnskeyFields[] {
  const text = ({ flags, algorithm, publicKey }: DnskeyFields) =>
    `${flags} ${algorithm} ${Buffer.from(publicKey).toString('base64')}`;
  return [...new Map(dnskeys.map((dnskey) => [text(dnskey), dnskey])).values()];
}

/** With a DS record but no DNSKEY, validating resolvers answer SERVFAIL for the whole zone. */
function unsigned(zone: DomainName, above: ParentView | undefined, isConfigured: boolean): Finding {
  if (above === undefined || above.ds.length === 0) {
    const text = `The option dnssec of '${zone}' is set, but its nameservers serve it without signatures.`;
    const advice =
      "It may not be signed yet: 'dyndns zone dnssec' shows it. Else check that its secondaries transfer it.";
    return finding('warning', text, advice);
  }
  const text = `'${above.name}' has a DS record for '${zone}', but the zone is not signed: validating resolvers answer SERVFAIL for the whole zone.`;
  const remove = `Remove the DS record from '${above.name}'.`;
  return finding(
    'problem',
    text,
    isConfigured ? `${remove} Or look into the log of dyndns: it says why the zone is not signed.` : remove,
  );
}

/** The keys that the parent vouches for; all of them if it vouches for none. */
function judgeDs(
  zone: DomainName,
  above: ParentView | undefined,
  dnskeys: readonly DnskeyFields[],
  views: readonly ServerView[],
): { readonly findings: readonly Finding[]; readonly keys: readonly DnskeyFields[] } {
  if (above === undefined) {
    const text = 'The DS records were not checked, because no nameserver of the parent zone answered for them.';
    return { findings: [finding('not checked', text, 'Fix the problems of the delegation first.')], keys: dnskeys };
  }
  const { name, ds } = above;
  if (ds.length === 0) return { findings: [unsecured(zone, name, views)], keys: dnskeys };
  const outcomes = ds.map((one) => dnskeys.map((dnskey) => matchDs(zone, dnskey, one)));
  const keys = dnskeys.filter((_, at) => outcomes.some((ofDs) => ofDs[at] === 'match'));
  const tags = (of: readonly DsFields[]) => [...new Set(of.map(({ keyTag }) => keyTag))].join(', ');
  if (keys.length === 0) {
    if (outcomes.flat().includes('unsupported')) {
      const text = `The DS record ${tags(ds)} at '${name}' has a digest type that is not known here.`;
      return {
        findings: [finding('not checked', text, 'Give the parent a DS record of type 2 (SHA-256).')],
        keys: dnskeys,
      };
    }
    const text = `The DS record at '${name}' is of the key ${tags(ds)}, which the zone '${zone}' does not have: validating resolvers answer SERVFAIL for the whole zone.`;
    const advice = `Replace it at '${name}':\n${dsLines(zone, views)}`;
    return { findings: [finding('problem', text, advice.trimEnd())], keys: dnskeys };
  }
  const other = ds.filter((_, at) => !outcomes[at]!.some((outcome) => outcome !== 'different'));
  const matching = finding(
    'ok',
    `The DS record at '${name}' is of the key ${tags(ds.filter((one) => !other.includes(one)))} of the zone.`,
  );
  if (other.length === 0) return { findings: [matching], keys };
  const text = `'${name}' has a DS record of the key ${tags(other)} too, which the zone does not have.`;
  const advice =
    'After a rollover this is normal until the parent has removed it. If it stays so, have it removed there.';
  return { findings: [matching, finding('warning', text, advice)], keys };
}

/** Signed, and no resolver verifies it. */
function unsecured(zone: DomainName, parent: DomainName, views: readonly ServerView[]): Finding {
  const text = `The zone '${zone}' is signed, but '${parent}' has no DS record for it: resolvers do not verify the signatures yet.`;
  const lines = dsLines(zone, views);
  const advice =
    lines === ''
      ? 'The zone does not announce a DS record for the parent yet (CDS), or requests its deletion. Leave the parent as it is.'
      : `Give this DS record to the operator of '${parent}', or enter it at the registrar:\n${lines}`;
  return finding('warning', text, advice.trimEnd());
}

/** The DS records that the zone announces as CDS (RFC 7344 §4.1): only these may be given to the parent. */
function dsLines(zone: DomainName, views: readonly ServerView[]): string {
  const announced = views.flatMap(({ cds }) => cds).filter(({ algorithm }) => algorithm !== 0);
  const lines = announced.map(({ keyTag, algorithm, digestType, digest }) => {
    return `  ${zone} IN DS ${keyTag} ${algorithm} ${digestType} ${Buffer.from(digest).toString('hex').toUpperCase()}\n`;
  });
  return [...new Set(lines)].join('');
}

/** @param keys those that the parent vouches for */
function judgeServer(zone: DomainName, view: ServerView, keys: readonly DnskeyFields[], now: number): Finding {
  const { at, dnskeys } = view;
  if (dnskeys.length === 0) {
    const text = `${at} serves '${zone}' without DNSKEY records, while other nameservers have it signed.`;
    return finding(
      'problem',
      text,
      'It has an older version, or does not support DNSSEC: check its transfers, or replace it.',
    );
  }
  const ofKeys = describeSignature(new ZoneKeys(zone, keys), view.dnskeyRRset, now);
  const ofSoa = describeSignature(new ZoneKeys(zone, dnskeys), view.soaRRset, now);
  for (const [what, { status, text, advice }] of [
    ['DNSKEY RRset', ofKeys],
    ['SOA record', ofSoa],
  ] as const) {
    if (status !== 'ok') return finding(status, `${at}: the ${what} ${text}.`, advice);
  }
  return finding('ok', `${at}: the signatures of DNSKEY and SOA are valid; that of the SOA record ${ofSoa.text}.`);
}
