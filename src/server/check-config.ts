/**
 * Checks of a configuration that a start would make after it was read, without opening or changing anything: the
 * `records` of embedded zones and the certificate of HTTPS. Left out: addresses that are in use, disks, other servers.
 */
import type { Config } from '../config/config.ts';
import { isCredential } from '../config/environment.ts';
import type { DomainName } from '../dns/name.ts';
import { RRType } from '../dns/rdata.ts';
import { rrsetAddresses } from '../dns/rrset.ts';
import { ListenError } from '../http/app/listen.ts';
import { readTlsFiles } from '../http/app/tls.ts';
import { ZoneDraft } from '../nameserver/zone/draft.ts';
import { newVersion, replaceStatics, type StaticContent } from '../nameserver/zone/static-records.ts';
import { unreachableNames } from './reachable-names.ts';
import { contentOfZone, ZONE_ERRORS } from './zones.ts';

export interface ConfigCheck {
  /** What a start would refuse; full sentences. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** What this user may not read, and a server may. */
  readonly notChecked: readonly string[];
}

export async function checkConfig(config: Config): Promise<ConfigCheck> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const notChecked: string[] = [];
  const contents = new Map<string, StaticContent>();
  for (const zone of config.zones) {
    if (zone.primary.kind !== 'embedded') continue;
    try {
      const content = contentOfZone(zone, zone.primary, (text) => warnings.push(text));
      replaceStatics(new ZoneDraft(newVersion(content, 1)), content);
      contents.set(zone.apex.key, content);
    } catch (error) {
      if (!(error instanceof Error) || !ZONE_ERRORS.some(([errorClass]) => error instanceof errorClass)) throw error;
      problems.push(error.message);
    }
  }
  checkTls(config, problems, notChecked);
  if (problems.length > 0) return { problems, warnings, notChecked };
  // Which addresses clients have published is not known here.
  const found = await unreachableNames(config, (name, zone) => {
    const records = contents.get(zone.key)?.records ?? [];
    const covers = records.filter(({ ownerName }) => ownerName.equals(name) || isWildcardFor(ownerName, name));
    if (covers.some(({ type }) => type === RRType.CNAME)) return undefined;
    return rrsetAddresses(covers.map(({ rdata }) => rdata));
  });
  return { problems, warnings: [...warnings, ...found], notChecked };
}

function isWildcardFor(ownerName: DomainName, name: DomainName): boolean {
  return ownerName.isWildcard && name.isAtOrBelow(ownerName.parent()!);
}

function checkTls({ http }: Config, problems: string[], notChecked: string[]): void {
  if (http.tls === undefined) return;
  try {
    readTlsFiles(http);
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    const { code, path = '' } = (error.cause ?? {}) as NodeJS.ErrnoException;
    const isForService = code === 'EACCES' || (code === 'ENOENT' && isCredential(path));
    (isForService ? notChecked : problems).push(error.message);
  }
}
