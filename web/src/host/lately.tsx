/** The last change, refusal and failure of a name in words, and behind them everything that happened. */
import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { EventView } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { EventText } from '../components/event-text.tsx';
import { Fact, Facts, Panel } from '../components/page.tsx';
import { State, type Tone } from '../components/state.tsx';
import { ErrorBox, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import type { Loaded } from '../operation.ts';
import { useAction } from '../operation.ts';
import { texts } from '../texts.ts';

const t = texts.host.lately;
const FEW = 8;
const PAGE_SIZE = 100;
const TONES: Readonly<Record<EventView['outcome'], Tone>> = { changed: 'good', refused: 'warn', failed: 'bad' };

interface History {
  readonly events: readonly EventView[];
  readonly next?: string;
}

const COLUMNS: readonly Column<EventView>[] = [
  {
    key: 'time',
    title: t.columns.time,
    isBare: true,
    render: ({ outcome, time }) => (
      <span class="row">
        <State tone={TONES[outcome]}>{texts.events.outcomes[outcome]}</State>
        <span class="small soft">
          <Time value={time} />
        </span>
      </span>
    ),
  },
  { key: 'what', title: t.columns.what, render: (event) => <EventText event={event} /> },
  { key: 'by', title: t.columns.by, render: (event) => <span class="break">{byWhom(event)}</span> },
];

export function LatelyPanel({ host, history }: { readonly host: string; readonly history: Loaded<History> }) {
  const [older, setOlder] = useState<History>();
  const [isWhole, setWhole] = useState(false);
  const next = older === undefined ? history.data?.next : older.next;
  const more = useAction(async () => {
    const page = await call('GET /v1/hosts/{host}/history', { host, limit: PAGE_SIZE, before: next });
    setOlder((old) => ({
      events: [...(old?.events ?? []), ...page.events],
      ...(page.next !== undefined && { next: page.next }),
    }));
  });
  return (
    <Panel title={t.title}>
      <Show of={history} lines={4}>
        {({ events: newest }) => {
          const events = [...newest, ...(older?.events ?? [])];
          const shown = isWhole ? events : events.slice(0, FEW);
          return (
            <div class="stack">
              <Facts>
                <LastOf title={t.success} event={events.find(({ outcome }) => outcome === 'changed')} />
                <LastOf title={t.refusal} event={events.find(({ outcome }) => outcome === 'refused')} />
                <LastOf title={t.failure} event={events.find(({ outcome }) => outcome === 'failed')} />
              </Facts>
              {events.length > 0 && (
                <details class="fold">
                  <summary>{t.all}</summary>
                  <div class="table-frame">
                    <Table caption={t.caption} columns={COLUMNS} rows={shown} rowKey={({ id }) => id} />
                  </div>
                  <ErrorBox error={more.error} />
                  {(shown.length < events.length || next !== undefined) && (
                    <Button
                      isSmall
                      isBusy={more.isRunning}
                      onClick={() => {
                        if (shown.length < events.length) setWhole(true);
                        else void more.run();
                      }}
                    >
                      {t.more}
                    </Button>
                  )}
                </details>
              )}
            </div>
          );
        }}
      </Show>
    </Panel>
  );
}

function LastOf({ title, event }: { readonly title: string; readonly event: EventView | undefined }) {
  return (
    <Fact name={title}>
      {event === undefined ? (
        <span class="soft">{t.none}</span>
      ) : (
        <div class="name-cell">
          <span>
            <Time value={event.time} />: <EventText event={event} />
          </span>
          <span class="small soft break">{byWhom(event)}</span>
          {event.outcome !== 'changed' && event.detail !== undefined && (
            <span class="small soft break">{event.detail}</span>
          )}
        </div>
      )}
    </Fact>
  );
}

function byWhom({ actor, source, protocol }: EventView): string {
  const words: Partial<Record<string, string>> = texts.host.timeline.protocols;
  const known = words[protocol];
  if (known !== undefined && source === '') return known;
  return t.by(actor === 'master' ? t.master : actor, source);
}
