/** ZoneDnssec of the embedded nameserver: what the published version of a zone says about its signatures, and its keys on disk. */
import type {
  AlgorithmName,
  DnssecProcedure,
  DnssecStatus,
  ExportedZoneKey,
  SignedKeyView,
  ZoneDnssec,
  ZoneKeyView,
} from '../../core/admin/zone-admin.ts';
import { AppError } from '../../core/errors.ts';
import { DnssecAlgorithm } from '../../dns/dnssec/algorithms.ts';
import { dsOfKey, isDeleteRequest, keyTag, matchDs } from '../../dns/dnssec/delegation.ts';
import { algorithmMnemonic, type KeyPair } from '../../dns/dnssec/key-file.ts';
import type { DomainName } from '../../dns/name.ts';
import { formatRdata } from '../../dns/presentation/rdata-text.ts';
import { type DnskeyFields, type DsFields, RRType } from '../../dns/rdata.ts';
import { timeText } from '../../dns/time-text.ts';
import type { KeyStore } from '../keys/key-store.ts';
import { KeyStoreError } from '../keys/key-store-error.ts';
import { cdsOf, dnskeysOf, isSameKey, keyProblem } from '../keys/missing-keys.ts';
import { SignatureTally } from '../zone/signature-tally.ts';
import type { ZoneVersion } from '../zone/zone-version.ts';
import { TimeSlices } from './time-slices.ts';

/** A slow change of a signed zone (key-procedure.ts), where it is in progress, and its commands. Errors: AppError, KeyStoreError. */
export interface ZoneProcedure {
  /** Times are seconds since 1970. */
  readonly state:
    | (Pick<DnssecProcedure, 'kind' | 'step' | 'text'> & { readonly since: number; readonly until?: number })
    | undefined;
  roll(algorithm: number | undefined): Promise<void>;
  forceRoll(): Promise<void>;
  leave(isForced: boolean): Promise<void>;
  stay(): Promise<void>;
}

export interface ZoneDnssecParts {
  /** The version that is served; undefined for a zone that is not served. @throws AppError name-invalid */
  readonly find: (apex: DomainName) => ZoneVersion | undefined;
  readonly keys: KeyStore;
  /** Undefined: the zone is not signed, or lacks keys. */
  readonly procedureOf?: (apex: DomainName) => ZoneProcedure | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
}

const ALGORITHMS: Readonly<Record<AlgorithmName, number>> = {
  ecdsap256sha256: DnssecAlgorithm.ECDSAP256SHA256,
  ed25519: DnssecAlgorithm.ED25519,
};

export class EmbeddedZoneDnssec implements ZoneDnssec {
  readonly #parts: ZoneDnssecParts;

  constructor(parts: ZoneDnssecParts) {
    this.#parts = parts;
  }

  async status(apex: DomainName): Promise<DnssecStatus> {
    const { find, keys, now } = this.#parts;
    const version = find(apex);
    if (version === undefined) throw new AppError('primary-refused', `The zone '${apex}' is not served.`);
    const { serial, chain } = version;
    const zone = apex.toString();
    if (chain === undefined) return { zone, state: 'unsigned', serial, keys: [] };
    const dnskeys = dnskeysOf(version);
    const announced = cdsOf(version);
    const procedure = this.#parts.procedureOf?.(apex)?.state;
    const problem = keyProblem(version, keys);
    return {
      zone,
      state: announced.some(isDeleteRequest) ? 'leaving' : 'signed',
      serial,
      keys: dnskeys.map((dnskey) => signedKey(apex, dnskey, announced)).sort((a, b) => a.keyTag - b.keyTag),
      chain,
      ...(await countSignatures(version, now())),
      ...(procedure !== undefined && { procedure: procedureView(procedure) }),
      ...(problem !== undefined && { problem }),
    };
  }

  async roll(apex: DomainName, algorithm: AlgorithmName | undefined, isForced: boolean): Promise<DnssecStatus> {
    await this.#proceed(apex, (procedure) =>
      isForced ? procedure.forceRoll() : procedure.roll(algorithm && ALGORITHMS[algorithm]),
    );
    return this.status(apex);
  }

  async leave(apex: DomainName, isForced: boolean): Promise<DnssecStatus> {
    await this.#proceed(apex, (procedure) => procedure.leave(isForced));
    return this.status(apex);
  }

  async stay(apex: DomainName): Promise<DnssecStatus> {
    await this.#proceed(apex, (procedure) => procedure.stay());
    return this.status(apex);
  }

  async #proceed(apex: DomainName, task: (procedure: ZoneProcedure) => Promise<void>): Promise<void> {
    const procedure = this.#parts.procedureOf?.(apex);
    if (procedure === undefined) {
      const { state, problem } = await this.status(apex);
      const why = state === 'unsigned' ? `The zone '${apex}' is not signed.` : problem;
      throw new AppError('conflict', why ?? `The zone '${apex}' is not signed by this server.`);
    }
    try {
      await task(procedure);
    } catch (error) {
      withKeys(() => {
        throw error;
      });
    }
  }

  async keys(apex: DomainName): Promise<readonly ZoneKeyView[]> {
    const version = this.#parts.find(apex);
    return withKeys(() => this.#parts.keys.load(apex).map((pair) => keyView(pair, version)));
  }

  async exportKey(apex: DomainName, tag: number): Promise<ExportedZoneKey> {
    this.#parts.find(apex);
    return withKeys(() => this.#parts.keys.exportKey(apex, tag));
  }

  async importKey(apex: DomainName, publicText: string, privateText: string): Promise<ZoneKeyView> {
    const { find, keys } = this.#parts;
    const version = find(apex);
    const dnskeys = version === undefined ? [] : dnskeysOf(version);
    return withKeys(() => {
      const pair = keys.read(apex, publicText, privateText);
      if (dnskeys.length > 0 && !isAmong(dnskeys, pair)) {
        const tags = dnskeys.map(keyTag).join(', ');
        throw new AppError(
          'conflict',
          `The zone '${apex}' is signed with the key ${tags}. Resolvers would refuse signatures of the key ${pair.key.keyTag}, because the parent has no DS record of it.`,
        );
      }
      return keyView(keys.importKey(apex, publicText, privateText), version);
    });
  }
}

function procedureView({ since, until, ...rest }: NonNullable<ZoneProcedure['state']>): DnssecProcedure {
  return { ...rest, since: timeText(since), ...(until !== undefined && { until: timeText(until) }) };
}

function keyView({ key, times }: KeyPair, version: ZoneVersion | undefined): ZoneKeyView {
  const { keyTag, dnskey } = key;
  const published = version !== undefined && isAmong(dnskeysOf(version), { key });
  const created = times.Created === undefined ? {} : { created: timeText(times.Created) };
  return { keyTag, algorithm: dnskey.algorithm, mnemonic: algorithmMnemonic(dnskey.algorithm), published, ...created };
}

function isAmong(dnskeys: readonly DnskeyFields[], { key }: Pick<KeyPair, 'key'>): boolean {
  return dnskeys.some((dnskey) => isSameKey(dnskey, key.dnskey));
}

function signedKey(apex: DomainName, dnskey: DnskeyFields, announced: readonly DsFields[]): SignedKeyView {
  const { flags, protocol, algorithm, publicKey } = dnskey;
  const ds = dsOfKey(apex, dnskey);
  const dsText = formatRdata(RRType.DS, { kind: 'DS', ...ds });
  const isAnnounced = announced.some((cds) => matchDs(apex, dnskey, cds) === 'match');
  return {
    keyTag: ds.keyTag,
    algorithm,
    mnemonic: algorithmMnemonic(algorithm),
    dnskey: {
      flags,
      protocol,
      algorithm,
      publicKey: Buffer.from(publicKey).toString('base64'),
      record: `${apex} IN DNSKEY ${formatRdata(RRType.DNSKEY, { kind: 'DNSKEY', flags, protocol, algorithm, publicKey })}`,
    },
    ...(isAnnounced && {
      ds: {
        keyTag: ds.keyTag,
        algorithm: ds.algorithm,
        digestType: ds.digestType,
        digest: Buffer.from(ds.digest).toString('hex').toUpperCase(),
        record: `${apex} IN DS ${dsText}`,
      },
    }),
  };
}

async function countSignatures(version: ZoneVersion, now: number): Promise<Pick<DnssecStatus, 'signatures'>> {
  const slices = new TimeSlices();
  const tally = new SignatureTally(now);
  for (const node of version.nodes.values()) {
    tally.add(node);
    if (slices.over) await slices.next();
  }
  const { count, expired, firstExpiration, lastExpiration } = tally;
  if (firstExpiration === undefined || lastExpiration === undefined) return {};
  const times = { earliestExpiration: timeText(firstExpiration), latestExpiration: timeText(lastExpiration) };
  return { signatures: { count, ...times, expired } };
}

/** @throws AppError in place of KeyStoreError */
export function withKeys<Result>(task: () => Result): Result {
  try {
    return task();
  } catch (error) {
    if (!(error instanceof KeyStoreError)) throw error;
    throw new AppError(error.reason === 'unknown' ? 'name-invalid' : 'request-malformed', error.message, {
      cause: error,
    });
  }
}
