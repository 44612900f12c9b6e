/** The secondaries of a zone: what each serves, how far it is behind, and the versions as a ladder. */
import { useEffect } from 'preact/hooks';
import type { EmbeddedZoneView, SecondaryView } from '../api-types.ts';
import { duration } from '../clock.ts';
import { Address } from '../components/copy.tsx';
import { Ladder } from '../components/ladder.tsx';
import { Panel } from '../components/page.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Empty } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { texts } from '../texts.ts';

const t = texts.zones.secondaries;
const REFRESH_MS = 5_000;

const TONES: Readonly<Record<NonNullable<SecondaryView['state']>, Tone>> = {
  unknown: 'idle',
  'up-to-date': 'good',
  sent: 'good',
  behind: 'warn',
  refused: 'bad',
  ahead: 'bad',
  'not-answering': 'bad',
  'not-serving': 'bad',
};

const COLUMNS: readonly Column<SecondaryView>[] = [
  {
    key: 'server',
    title: t.columns.server,
    isBare: true,
    render: ({ endpoint }) => <Address value={endpoint} />,
  },
  {
    key: 'state',
    title: t.columns.state,
    render: ({ state = 'unknown', text, problem }) => (
      <div class="name-cell">
        <State tone={TONES[state]}>{t.states[state]}</State>
        {text !== undefined && state !== 'up-to-date' && <span class="small soft break">{sentence(text)}</span>}
        {problem !== undefined && <span class="small soft break">{sentence(problem)}</span>}
      </div>
    ),
  },
  {
    key: 'serial',
    title: t.columns.serial,
    render: ({ serial }) => (serial === undefined ? <span class="soft">{t.unknown}</span> : <code>{serial}</code>),
  },
  {
    key: 'lag',
    title: t.columns.lag,
    render: ({ behindSeconds, serial }) =>
      behindSeconds !== undefined ? (
        duration(behindSeconds)
      ) : (
        <span class="soft">{serial === undefined ? t.unknown : t.notBehind}</span>
      ),
  },
  {
    key: 'answer',
    title: t.columns.answer,
    render: ({ answerSeconds }) =>
      answerSeconds === undefined ? <span class="soft">{t.never}</span> : texts.time.ago(duration(answerSeconds)),
  },
  {
    key: 'transfer',
    title: t.columns.transfer,
    render: ({ transfer }) =>
      transfer === undefined ? (
        <span class="soft">{t.unknown}</span>
      ) : (
        t.transferred(t.transfer[transfer.kind], transfer.serial, duration(transfer.seconds))
      ),
  },
];

export function Secondaries({ zone, reload }: { readonly zone: EmbeddedZoneView; readonly reload: () => void }) {
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && reload(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [reload]);
  if (zone.secondaries.length === 0) {
    return (
      <Panel>
        <Empty title={t.empty.title}>{t.empty.text}</Empty>
      </Panel>
    );
  }
  return (
    <>
      <Panel title={t.title} lead={t.lead} isFlush>
        <Table caption={t.caption} columns={COLUMNS} rows={zone.secondaries} rowKey={({ endpoint }) => endpoint} />
      </Panel>
      <Panel title={t.ladder} lead={t.ladderLead}>
        <Ladder serial={zone.serial} secondaries={zone.secondaries} />
      </Panel>
    </>
  );
}

/** "is behind by 2 changes" -> "Is behind by 2 changes". */
function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
}
