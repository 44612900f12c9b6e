/** What a token may do: each rule on the way of an update, with the reason in words. Nothing is changed, and nothing counts as a use. */
import type { IpAddress } from '../../dns/address.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRRType, RRType } from '../../dns/rdata.ts';
import { checkTokenAddress, type ListedToken, tokenCovers } from '../access/token.ts';
import { AppError } from '../errors.ts';
import type { HostSettings } from '../hosts/host.ts';
import { ownerMayChange } from '../hosts/host-access.ts';
import { type AddressPolicy, checkAddress } from '../zones/address-policy.ts';
import type { TokenRule } from './token-operations.ts';
import { listedState } from './views.ts';

export interface TokenQuestion {
  readonly host: DomainName;
  readonly type: number;
  /** What would be published; undefined: it is not asked about. */
  readonly address: IpAddress | undefined;
}

export interface TokenFacts {
  readonly token: ListedToken;
  /** Of the host; undefined: it has none. */
  readonly settings: HostSettings | undefined;
  /** Of the zone; undefined: the name is in no zone. */
  readonly zone: { readonly apex: DomainName; readonly addresses?: AddressPolicy } | undefined;
  readonly nowMs: number;
}

export interface TokenReason {
  readonly rule: TokenRule;
  readonly passed: boolean;
  /** A full sentence. */
  readonly text: string;
}

const STATES = {
  valid: 'The token is valid.',
  expired: 'The token has expired.',
  revoked: 'The token was revoked.',
  unused: 'The token has ended because it was not used for too long.',
} as const;

/** One entry for each rule, in their order; the update is allowed if all of them pass. */
export function checkToken({ host, type, address }: TokenQuestion, facts: TokenFacts): readonly TokenReason[] {
  const { token, settings, zone, nowMs } = facts;
  const state = listedState(token, nowMs);
  const typeName = formatRRType(type);
  const hasType = token.types.includes(type);
  // The name alone: as if it had every type.
  const covers = tokenCovers({ hosts: token.hosts, types: hasType ? token.types : [...token.types, type] }, host, type);
  const reasons: TokenReason[] = [
    { rule: 'state', passed: state === 'valid', text: STATES[state] },
    {
      rule: 'name',
      passed: covers,
      text: covers
        ? `'${host}' is among its names.`
        : `'${host}' is not among its names: ${token.hosts.map((name) => `'${name}'`).join(', ')}.`,
    },
    {
      rule: 'type',
      passed: hasType,
      text: hasType
        ? `${typeName} records are among its types.`
        : `${typeName} records are not among its types: ${token.types.map(formatRRType).join(', ')}.`,
    },
    {
      rule: 'zone',
      passed: zone !== undefined,
      text: zone === undefined ? `'${host}' is in no zone of this server.` : `The name is in the zone '${zone.apex}'.`,
    },
  ];
  if (token.owner !== undefined) {
    const isAble = !token.owner.isDisabled && ownerMayChange(settings, token.owner);
    const who = `'${token.owner.name}', to whom the token belongs,`;
    reasons.push({
      rule: 'owner',
      passed: isAble,
      text: isAble
        ? `The user ${who} may change the host.`
        : token.owner.isDisabled
          ? `The user ${who} is disabled.`
          : `The user ${who} may not change the host.`,
    });
  }
  const isEnabled = settings?.enabled !== false;
  reasons.push({
    rule: 'host',
    passed: isEnabled,
    text: isEnabled ? 'The host accepts updates.' : 'Updates of the host are disabled.',
  });
  if (address !== undefined && (type === RRType.A || type === RRType.AAAA)) {
    const why = refusalOf(address, facts);
    reasons.push({
      rule: 'address',
      passed: why === undefined,
      text: why ?? `The address '${address.text}' may be published.`,
    });
  } else if (token.addresses !== 'any') {
    const text =
      token.addresses === 'own'
        ? 'It may publish only the address that the request comes from.'
        : 'It may publish only addresses of its prefixes.';
    reasons.push({ rule: 'address', passed: true, text });
  }
  return reasons;
}

function refusalOf(address: IpAddress, { token, settings, zone }: TokenFacts): string | undefined {
  try {
    // Of `own` only a request can show what it is.
    if (token.addresses !== 'own') checkTokenAddress(token, address, undefined);
    const policies = [zone?.addresses, settings?.addresses].filter((policy) => policy !== undefined);
    checkAddress(policies, address);
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}
