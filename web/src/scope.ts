/** What a token may do, in a user's words. */
import type { TokenView } from './api-types.ts';
import { plainName } from './names.ts';
import { texts } from './texts.ts';

const t = texts.scope;
const ADDRESS_TYPES = new Set(['A', 'AAAA']);

/** "home.example.com and every name below lab.example.com". */
export function namesInWords(hosts: readonly string[], limit = 3): string {
  const words = hosts.map(plainName).map((host) => (host.startsWith('*.') ? t.below(host.slice(2)) : host));
  return inWords(words.length <= limit ? words : [...words.slice(0, limit), t.more(words.length - limit)]);
}

/** "the addresses", "the IPv4 address and TXT records". */
export function typesInWords(types: readonly string[]): string {
  const families = types.filter((type) => ADDRESS_TYPES.has(type));
  const others = types.filter((type) => !ADDRESS_TYPES.has(type));
  const words = [
    ...(families.length === 2 ? [t.addresses] : families.map((type) => (type === 'A' ? t.v4 : t.v6))),
    ...others.map((type) => (type === 'TXT' ? t.txt : t.records(type))),
  ];
  return words.length === 0 ? t.nothing : inWords(words);
}

/** One sentence: what it may change. */
export function scopeInWords({ hosts, types }: Pick<TokenView, 'hosts' | 'types'>): string {
  return t.sentence(typesInWords(types), namesInWords(hosts));
}

/** What limits it, each in a sentence. */
export function limitsInWords({ addresses, sources, expires, maxUnusedDays, register }: TokenView): string[] {
  return [
    ...(addresses === 'own'
      ? [t.ownAddress]
      : addresses === 'any'
        ? [t.anyAddress]
        : [t.theseAddresses(inWords(addresses))]),
    sources === undefined ? t.anySource : t.theseSources(inWords(sources)),
    expires === undefined ? t.noEnd : t.end(expires),
    ...(maxUnusedDays === undefined ? [] : [t.unused(maxUnusedDays)]),
    ...(register === true ? [t.register] : []),
  ];
}

function inWords(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${texts.common.and} ${words.at(-1)}`;
}
