/** The 128 bits of an IPv6 address as a ruler: the prefix of the provider, the subnet, and the part of the device. */

import type { AddressParts } from '../ipv6.ts';
import { texts } from '../texts.ts';
import { Fact, Facts } from './page.tsx';

const t = texts.site.prefix;
const BITS = 128;
const UNIT = 8;
const HEIGHT = 44;

export function PrefixRuler({ parts, length }: { readonly parts: AddressParts; readonly length: number }) {
  const subnetBits = 64 - length;
  const rect = (from: number, to: number) =>
    `M${from * UNIT} 0h${(to - from) * UNIT}v${HEIGHT}h-${(to - from) * UNIT}z`;
  const ticks = Array.from({ length: 7 }, (_, index) => `M${(index + 1) * 16 * UNIT} ${HEIGHT - 10}v10`).join('');
  return (
    <div class="stack ruler-parts">
      <svg
        class="ruler"
        role="img"
        aria-label={t.ruler(t.bits(length), t.bits(subnetBits), t.bits(64))}
        viewBox={`0 0 ${BITS * UNIT} ${HEIGHT}`}
        preserveAspectRatio="none"
      >
        <path class="ruler-prefix" d={rect(0, length)} />
        {subnetBits > 0 && <path class="ruler-subnet" d={rect(length, 64)} />}
        <path class="ruler-device" d={rect(64, BITS)} />
        <path class="ruler-ticks" d={ticks} />
      </svg>
      <Facts>
        <Fact name={t.prefix}>
          <Key kind="prefix" />
          <code class="strong">{parts.prefix}</code> <span class="soft">{`${t.bits(length)}, ${t.fromProvider}`}</span>
        </Fact>
        <Fact name={t.subnet}>
          {parts.subnet === undefined ? (
            <span class="soft">{t.noSubnet}</span>
          ) : (
            <>
              <Key kind="subnet" />
              <code class="strong">{parts.subnet}</code>{' '}
              <span class="soft">{`${t.bits(subnetBits)}, ${t.ofNetwork}`}</span>
            </>
          )}
        </Fact>
        <Fact name={t.id}>
          <Key kind="device" />
          <code class="strong">{parts.id}</code> <span class="soft">{`${t.bits(64)}, ${t.ofDevice}`}</span>
        </Fact>
      </Facts>
    </div>
  );
}

function Key({ kind }: { readonly kind: 'prefix' | 'subnet' | 'device' }) {
  return (
    <svg class="ruler-key" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      <path class={`ruler-${kind}`} d="M0 0h12v12H0z" />
    </svg>
  );
}
