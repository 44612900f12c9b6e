/** One zone: its records, its secondaries, whether the world reaches it, and its file. */
import type { ComponentChildren } from 'preact';
import { Page } from '../components/page.tsx';
import { Banner, Show } from '../components/states.tsx';
import { useOperation } from '../operation.ts';
import { href } from '../router.ts';
import type { ScreenProps } from '../screen-props.ts';
import { texts } from '../texts.ts';
import { Delegation } from '../zones/delegation.tsx';
import { ZoneFile } from '../zones/file.tsx';
import { Records } from '../zones/records.tsx';
import { Secondaries } from '../zones/secondaries.tsx';
import { Signatures } from '../zones/signatures.tsx';

const t = texts.zones;
const TABS = ['records', 'secondaries', 'delegation', 'file'] as const;
type Tab = (typeof TABS)[number];

export default function ZoneScreen({ params, query }: ScreenProps) {
  const { zone = '' } = params;
  const zones = useOperation('GET /v1/zones', {});
  return (
    <Show of={zones} lines={6}>
      {({ zones: embedded, remote }) => {
        const found = embedded.find((one) => same(one.zone, zone));
        const other = remote.find((one) => same(one.zone, zone));
        if (found === undefined) {
          return (
            <Frame zone={zone} lead={other === undefined ? undefined : t.elsewhere(other.primary)}>
              {other !== undefined && <Banner tone="idle">{t.records.remote}</Banner>}
              <Delegation zone={zone} />
            </Frame>
          );
        }
        const wanted = TABS.find((one) => one === query.get('tab')) ?? 'records';
        return (
          <Frame zone={zone} lead={t.version(found.serial)}>
            {found.notServed !== undefined && (
              <Banner tone="bad" title={t.notServed}>
                {found.notServed}
              </Banner>
            )}
            {wanted !== 'delegation' && (found.signing?.troubles.length ?? 0) > 0 && (
              <Banner tone="bad" title={t.signatures.trouble}>
                {found.signing?.troubles[0]}{' '}
                <a href={href(['zones', zone], { tab: 'delegation' })}>{t.signatures.more}</a>
              </Banner>
            )}
            <Tabs zone={zone} shown={wanted} />
            {wanted === 'records' && <Records zone={found.zone} query={query} />}
            {wanted === 'secondaries' && <Secondaries zone={found} reload={zones.reload} />}
            {wanted === 'delegation' && (
              <>
                <Signatures zone={found} />
                <Delegation zone={found.zone} />
              </>
            )}
            {wanted === 'file' && <ZoneFile zone={found.zone} onImport={zones.reload} />}
          </Frame>
        );
      }}
    </Show>
  );
}

function Frame({
  zone,
  lead,
  children,
}: {
  readonly zone: string;
  readonly lead: string | undefined;
  readonly children: ComponentChildren;
}) {
  return (
    <Page
      title={zone.replace(/\.$/, '')}
      lead={
        <>
          <a href={href(['zones'])}>{t.back}</a>
          {lead !== undefined && ` · ${lead}`}
        </>
      }
    >
      {children}
    </Page>
  );
}

function Tabs({ zone, shown }: { readonly zone: string; readonly shown: Tab }) {
  return (
    <nav class="tabs" aria-label={t.tabs.label}>
      {TABS.map((tab) => (
        <a
          key={tab}
          class="tab"
          href={href(['zones', zone], { tab: tab === 'records' ? undefined : tab })}
          aria-current={tab === shown ? 'page' : undefined}
        >
          {t.tabs[tab]}
        </a>
      ))}
    </nav>
  );
}

function same(one: string, other: string): boolean {
  return one.toLowerCase().replace(/\.$/, '') === other.toLowerCase().replace(/\.$/, '');
}
