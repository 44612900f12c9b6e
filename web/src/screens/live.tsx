/** Live: events as they arrive, with filter and pause, and the updates of each second as a line. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../api.ts';
import { count, nowMs } from '../clock.ts';
import { Button } from '../components/button.tsx';
import { AddressText, HostName } from '../components/copy.tsx';
import { EventText } from '../components/event-text.tsx';
import { SearchField } from '../components/field.tsx';
import { Page, Panel } from '../components/page.tsx';
import { RateLine } from '../components/rate-line.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Banner, Empty, ErrorBox, Loading } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { type HostEvent, onResync, type Rate, type StreamState, streamState, useEvents } from '../events.ts';
import { plainName } from '../names.ts';
import { href } from '../router.ts';
import { texts } from '../texts.ts';

const t = texts.live;
const MOST_EVENTS = 200;
const FIRST_EVENTS = 50;
/** Seconds that the line shows. */
const SECONDS = 120;

const STREAM_TONES: Readonly<Record<StreamState, Tone>> = {
  off: 'idle',
  connecting: 'idle',
  open: 'good',
  lost: 'warn',
};
const OUTCOME_TONES: Readonly<Record<HostEvent['outcome'], Tone>> = { changed: 'good', refused: 'warn', failed: 'bad' };
const OUTCOMES = ['all', 'changed', 'refused', 'failed'] as const;

const COLUMNS: readonly Column<HostEvent>[] = [
  { key: 'time', title: t.columns.time, render: ({ time }) => <Time value={time} /> },
  {
    key: 'host',
    title: t.columns.host,
    isBare: true,
    render: ({ host }) => (
      <a class="name-link" href={href(['hosts', plainName(host)])}>
        <HostName name={host} />
      </a>
    ),
  },
  {
    key: 'what',
    title: t.columns.what,
    render: (event) => (
      <div class="live-what">
        <State tone={OUTCOME_TONES[event.outcome]}>{texts.events.outcomes[event.outcome]}</State>
        <EventText event={event} />
      </div>
    ),
  },
  {
    key: 'actor',
    title: t.columns.actor,
    render: ({ actor }) => <span class="break">{actor === 'master' ? t.master : actor}</span>,
  },
  {
    key: 'source',
    title: t.columns.source,
    render: ({ source }) => (source === '' ? null : <AddressText value={source} />),
  },
];

export default function Live() {
  const [shown, setShown] = useState<readonly HostEvent[]>();
  const [held, setHeld] = useState<readonly HostEvent[]>([]);
  const [error, setError] = useState<unknown>();
  const [isPaused, setPaused] = useState(false);
  const [text, setText] = useState('');
  const [outcome, setOutcome] = useState<(typeof OUTCOMES)[number]>('all');
  const [rates, setRates] = useState<readonly Rate[]>([]);
  const paused = useRef(isPaused);
  paused.current = isPaused;

  const read = () => {
    call('GET /v1/history', { limit: FIRST_EVENTS }).then(({ events }) => {
      setShown((old = []) => merged(events, old));
      setError(undefined);
    }, setError);
  };
  useEffect(read, []);
  useEffect(() => onResync(read), []);
  useEvents({
    event: (event) => {
      if (paused.current) setHeld((old) => merged([event], old));
      else setShown((old = []) => merged([event], old));
    },
    rate: (rate) => setRates((old) => [...old.slice(1 - SECONDS), rate]),
  });
  const resume = () => {
    setShown((old = []) => merged(held, old));
    setHeld([]);
    setPaused(false);
  };
  const wanted = text.trim().toLowerCase();
  const rows = shown?.filter((event) => (outcome === 'all' || event.outcome === outcome) && matches(event, wanted));
  return (
    <Page
      title={t.title}
      lead={t.lead}
      actions={
        <>
          <StreamBadge />
          <Button icon={isPaused ? 'play' : 'pause'} onClick={() => (isPaused ? resume() : setPaused(true))}>
            {isPaused ? t.resume : t.pause}
          </Button>
        </>
      }
    >
      <RateLine rates={rates} seconds={SECONDS} nowMs={nowMs.value} />
      {rates.at(-1)?.events === 'watched' && <Banner tone="idle">{t.many}</Banner>}
      <div class="toolbar">
        <SearchField label={t.filter} value={text} onValue={setText} />
        <label class="toolbar-choice">
          <span class="soft small">{t.outcome}</span>
          <select
            class="input"
            value={outcome}
            onChange={(event) => setOutcome(OUTCOMES.find((one) => one === event.currentTarget.value) ?? 'all')}
          >
            {OUTCOMES.map((one) => (
              <option key={one} value={one}>
                {t.outcomes[one]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <ErrorBox error={error} onRetry={read} />
      <Panel isFlush>
        {held.length > 0 && (
          <div class="held">
            <Button isSmall onClick={resume}>
              {t.waiting(count(held.length, t.newEvents))}
            </Button>
          </div>
        )}
        {rows === undefined ? (
          error === undefined && <Loading lines={6} />
        ) : rows.length === 0 ? (
          <Empty title={shown?.length === 0 ? t.empty.title : t.noMatch.title}>
            {shown?.length === 0 ? t.empty.text : t.noMatch.text}
          </Empty>
        ) : (
          <Table caption={t.caption} columns={COLUMNS} rows={rows} rowKey={({ id }) => id} />
        )}
      </Panel>
    </Page>
  );
}

function StreamBadge() {
  const { value } = streamState;
  return (
    <span class="row" role="status">
      <State tone={STREAM_TONES[value]}>{t.states[value]}</State>
    </span>
  );
}

/** Newest first, each once. */
function merged(news: readonly HostEvent[], old: readonly HostEvent[]): readonly HostEvent[] {
  const byId = new Map([...old, ...news].map((event) => [event.id, event]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, MOST_EVENTS);
}

function matches({ host, actor, source, A, AAAA }: HostEvent, wanted: string): boolean {
  if (wanted === '') return true;
  const addresses = [A, AAAA].flatMap((step) => [...(step?.before ?? []), ...(step?.after ?? [])]);
  return [host, actor, source, ...addresses].some((one) => one.toLowerCase().includes(wanted));
}
