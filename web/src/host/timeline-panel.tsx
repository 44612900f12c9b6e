/** Which addresses a name had, and how long: a picture and a table for each family. */
import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { SpanOfTimeWithTheSameAddressesView } from '../api-types.ts';
import { duration } from '../clock.ts';
import { Button } from '../components/button.tsx';
import { Panel } from '../components/page.tsx';
import { ErrorBox, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { ExactTime } from '../components/time.tsx';
import { Timeline } from '../components/timeline.tsx';
import { useAction, useOperation } from '../operation.ts';
import { texts } from '../texts.ts';

const t = texts.host.timeline;
const PAGE_SIZE = 200;
/** Rows of a table at first. */
const FEW = 5;
const DAYS = 90;

type Span = SpanOfTimeWithTheSameAddressesView;

const COLUMNS: readonly Column<Span>[] = [
  {
    key: 'address',
    title: t.columns.address,
    isBare: true,
    render: ({ addresses }) =>
      addresses.length === 0 ? (
        <span class="soft">{t.none}</span>
      ) : (
        addresses.map((address) => (
          <div key={address}>
            <code class="break">{address}</code>
          </div>
        ))
      ),
  },
  {
    key: 'how',
    title: t.columns.how,
    render: ({ seconds, until }) => (until === undefined ? t.untilNow(duration(seconds)) : duration(seconds)),
  },
  { key: 'from', title: t.columns.from, render: ({ from }) => <ExactTime value={from} /> },
  { key: 'by', title: t.columns.by, render: (span) => <span class="break">{setBy(span)}</span> },
];

function setBy({ actor, protocol }: Span): string {
  const words: Partial<Record<string, string>> = t.protocols;
  return words[protocol] ?? (actor === 'master' ? texts.host.lately.master : actor);
}

export function TimelinePanel({ host }: { readonly host: string }) {
  return (
    <Panel title={t.title} lead={t.lead}>
      <FamilyTimeline host={host} family="A" />
      <FamilyTimeline host={host} family="AAAA" />
    </Panel>
  );
}

function FamilyTimeline({ host, family }: { readonly host: string; readonly family: 'A' | 'AAAA' }) {
  const first = useOperation('GET /v1/hosts/{host}/timeline', { host, family, limit: PAGE_SIZE });
  const [older, setOlder] = useState<{ readonly spans: readonly Span[]; readonly next: string | undefined }>();
  const [isWhole, setWhole] = useState(false);
  const next = older === undefined ? first.data?.next : older.next;
  const more = useAction(async () => {
    const page = await call('GET /v1/hosts/{host}/timeline', { host, family, limit: PAGE_SIZE, before: next });
    setOlder((old) => ({ spans: [...(old?.spans ?? []), ...page.spans], next: page.next }));
  });
  const name = t.families[family];
  return (
    <section class="stack family-part">
      <h3>{name}</h3>
      <Show of={first} lines={2}>
        {({ spans: newest }) => {
          const spans = [...newest, ...(older?.spans ?? [])];
          if (spans.length === 0) return <p class="soft">{t.empty(name)}</p>;
          const shown = isWhole ? spans : spans.slice(0, FEW);
          return (
            <>
              <Timeline family={family} spans={spans} days={DAYS} />
              <div class="table-frame">
                <Table caption={t.caption(name)} columns={COLUMNS} rows={shown} rowKey={({ id }) => id} />
              </div>
              <ErrorBox error={more.error} />
              {(shown.length < spans.length || next !== undefined) && (
                <div>
                  <Button
                    isSmall
                    isBusy={more.isRunning}
                    label={`${t.older}: ${name}`}
                    onClick={() => {
                      if (shown.length < spans.length) setWhole(true);
                      else void more.run();
                    }}
                  >
                    {t.older}
                  </Button>
                </div>
              )}
            </>
          );
        }}
      </Show>
    </section>
  );
}
