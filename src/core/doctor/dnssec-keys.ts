/** `dyndns doctor`: the keys of an embedded zone on this machine: that they are all there, and that no other user can read them. */
import { keyTag } from '../../dns/dnssec/delegation.ts';
import type { DomainName } from '../../dns/name.ts';
import type { DnskeyFields } from '../../dns/rdata.ts';
import type { Finding, FindingStatus, KeyFolder, SigningFacts } from './ports.ts';

export function finding(status: FindingStatus, text: string, advice?: string): Finding {
  return { check: 'dnssec', status, text, ...(advice === undefined ? {} : { advice }) };
}

/** @param dnskeys of the zone, those that the parent vouches for */
export function checkOwnKeys(
  zone: DomainName,
  signing: SigningFacts | undefined,
  dnskeys: readonly DnskeyFields[],
): Finding[] {
  if (signing === undefined) return [];
  const { troubles, isConfigured, folder } = signing;
  const findings = (troubles ?? []).map((text) => finding('problem', text, SEE));
  if (troubles === undefined && !isConfigured) {
    const text = `The zone '${zone}' is signed, and its option dnssec is not set.`;
    findings.push(
      finding('problem', text, "Set 'dnssec: true' again. 'dyndns zone dnssec' shows the state of the zone."),
    );
  }
  return [...findings, ...checkFolder(dnskeys, folder, findings.length === 0)];
}

const SEE = "'dyndns zone dnssec' and the log say more; docs/operating/dnssec.md says what to do.";

/** @param areUnreported whether nothing was reported of the keys yet */
function checkFolder(dnskeys: readonly DnskeyFields[], folder: KeyFolder, areUnreported: boolean): Finding[] {
  const { path } = folder;
  if (folder.kind === 'unreadable') {
    const text = `The keys in '${path}' were not checked: ${folder.reason}.`;
    return [finding('not checked', text, 'Run this as the user of the server, or as root.')];
  }
  const { files } = folder;
  const exposed = files.filter(({ mode }) => (mode & 0o077) !== 0);
  const findings = exposed.map(({ name, mode }) => {
    const text = `Other users of this machine can read '${path}/${name}' (mode ${(mode & 0o777).toString(8)}).`;
    return finding(
      'problem',
      text,
      `Close it: chmod 600 '${path}/${name}'. If others may have read it, replace the key.`,
    );
  });
  const missing = dnskeys.filter((dnskey) => !hasFiles(dnskey, files));
  if (missing.length > 0 && areUnreported) {
    const text = `The key ${missing.map(keyTag).join(', ')} of the zone is not in '${path}': its signatures cannot be renewed.`;
    findings.push(
      finding('problem', text, "Put it back from a backup ('dyndns restore FILE', with FILE.keys next to FILE)."),
    );
  }
  if (findings.length > 0 || missing.length > 0) return findings;
  const text = `The key ${dnskeys.map(keyTag).join(', ')} is in '${path}', and only its owner can read it.`;
  return [finding('ok', text)];
}

/** The names of the files end with algorithm and key tag. */
function hasFiles(dnskey: DnskeyFields, files: readonly { readonly name: string }[]): boolean {
  const id = `+${String(dnskey.algorithm).padStart(3, '0')}+${String(keyTag(dnskey)).padStart(5, '0')}`;
  return ['.key', '.private'].every((half) => files.some(({ name }) => name.endsWith(`${id}${half}`)));
}
