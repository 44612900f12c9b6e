// @ts-check
/**
 * Random changes of a signed zone, for the campaign of its secondaries: addresses, texts, wildcards, delegations with and without DS,
 * aliases and empty non-terminals that come and go. Some are refused, such as data below a delegation.
 */
import { DomainName } from '#dist/dns/name.js';
import { parseRdata } from '#dist/dns/presentation/rdata-text.js';
import { RRType } from '#dist/dns/rdata.js';

/** @typedef {import('#dist/dns/zone-change.js').ZoneEdit} ZoneEdit */

const TTLS = [0, 60, 60, 60, 300, 86_400];
const HOSTS = 150;
const OTHERS = 12;
const BACKGROUND = 1000;

/** @param {DomainName} apex @param {{below: (limit: number) => number}} numbers */
export function makeChanges(apex, { below }) {
  const oneOf = (/** @type {readonly string[]} */ texts) => texts[below(texts.length)] ?? '';
  const named = (/** @type {string} */ text) => (text === '@' ? apex : DomainName.parse(text, apex));

  /** @param {string} owner @param {keyof typeof RRType} type @param {string} rdata @returns {ZoneEdit} */
  function add(owner, type, rdata) {
    const rrset = {
      ownerName: named(owner),
      type: RRType[type],
      ttl: TTLS[below(TTLS.length)] ?? 60,
      rdatas: [parseRdata(RRType[type], rdata, apex)],
    };
    return { kind: below(3) === 0 ? 'replace-rrset' : 'add-to-rrset', rrset };
  }
  /** @param {string} owner @returns {ZoneEdit} */
  const remove = (owner) => ({ kind: 'delete-name', ownerName: named(owner) });

  /** A name of data. Those below `e` and `x` make and remove empty non-terminals. */
  function owner() {
    const [host, other] = [below(HOSTS), below(OTHERS)];
    const kinds = [
      `h${host}`,
      `h${host}`,
      `H${host}`,
      `a.b.e${other}`,
      `z${host}.e${other}`,
      `p.q.r.s.x${other}`,
      `*.w${other}`,
      `*.e${other}`,
      `*.*.w${other}`,
      `under.h${host}`,
      `in.sub${other}`,
      `\\000.e${other}`,
      `\\255\\.-.e${other}`,
      '@',
    ];
    return oneOf(kinds);
  }

  /** @returns {ZoneEdit} */
  function dataEdit() {
    const name = owner();
    if (below(5) < 2 && name !== '@') return remove(name);
    if (below(5) === 0) {
      const type = oneOf(['A', 'AAAA', 'TXT']);
      return { kind: 'delete-rrset', ownerName: named(name), type: RRType[/** @type {'A'} */ (type)] };
    }
    const kind = below(8);
    if (kind < 4) return add(name, 'A', `192.0.2.${below(250)}`);
    if (kind < 6) return add(name, 'AAAA', `2001:db8::${below(65_536).toString(16)}`);
    if (kind === 6) return add(name, 'TXT', `"text ${below(9)}" "${'x'.repeat(below(200))}"`);
    return add(name, 'MX', `${below(50)} H${below(HOSTS)}`);
  }

  /** @returns {ZoneEdit[]} */
  function delegationEdits() {
    const name = `sub${below(OTHERS)}`;
    if (below(2) === 0) return [remove(`ns.${name}`), remove(`in.${name}`), remove(name)];
    const edits = [
      remove(`in.${name}`),
      add(name, 'NS', oneOf([`ns.${name}`, 'ns.example.net.'])),
      add(`ns.${name}`, 'A', `192.0.2.${below(250)}`),
    ];
    if (below(2) === 0) edits.push(add(name, 'DS', `${below(65_536)} 13 2 ${below(16).toString(16).repeat(64)}`));
    return edits;
  }

  /** @returns {ZoneEdit[]} */
  function aliasEdits() {
    const name = oneOf(['c', 'd']) + below(OTHERS);
    if (below(2) === 0) return [remove(name)];
    return [remove(name), name.startsWith('c') ? add(name, 'CNAME', `h${below(HOSTS)}`) : add(name, 'DNAME', 'w1')];
  }

  return {
    /** Names that no change concerns: IXFR of many changes is then smaller than the zone. @returns {ZoneEdit[]} */
    background: () => Array.from({ length: BACKGROUND }, (_, index) => add(`fixed${index}`, 'A', '192.0.2.1')),
    /** The edits of one UPDATE. @returns {ZoneEdit[]} */
    next() {
      const kind = below(20);
      if (kind === 0) return delegationEdits();
      if (kind === 1) return aliasEdits();
      return Array.from({ length: kind === 2 ? 1 + below(40) : 1 + below(3) }, dataEdit);
    },
  };
}
