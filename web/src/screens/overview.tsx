/** The overview: every name with its state in words, its addresses with their age, and the last 90 days. The server makes the pages. */
import { useEffect, useRef } from 'preact/hooks';
import type { Input, Result } from '../api.ts';
import type { HostInTheOverviewView } from '../api-types.ts';
import { count, duration, formatNumber, nowMs, relative } from '../clock.ts';
import { Button, ButtonLink } from '../components/button.tsx';
import { Address, HostName } from '../components/copy.tsx';
import { Page, Panel } from '../components/page.tsx';
import { Pager, usePaging } from '../components/pager.tsx';
import { Search } from '../components/search.tsx';
import { ServerBanners } from '../components/server-banners.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Empty, Show } from '../components/states.tsx';
import { ChangeStrip } from '../components/strip.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Age, Time } from '../components/time.tsx';
import { useEvents } from '../events.ts';
import { plainName } from '../names.ts';
import { useOperation } from '../operation.ts';
import { href, setQuery } from '../router.ts';
import type { ScreenProps } from '../screen-props.ts';
import { isAdmin, me } from '../session.ts';
import { texts } from '../texts.ts';

type Host = HostInTheOverviewView;
type HostState = Host['state'];
type Counts = Result<'GET /v1/overview/counts'>;

const t = texts.overview;
const PAGE_SIZE = 50;
/** Between two readings because of events: many may arrive in a second. */
const RELOAD_MS = 1_000;
/** Silence begins without an event. */
const REFRESH_MS = 60_000;

const TONES: Readonly<Record<HostState, Tone>> = {
  fresh: 'good',
  silent: 'bad',
  waiting: 'warn',
  'lease-ended': 'warn',
  disabled: 'idle',
  never: 'idle',
};
/** In the order of the filter: what needs attention first. */
const STATES = Object.keys({ silent: 1, waiting: 1, 'lease-ended': 1, never: 1, disabled: 1, fresh: 1 }) as HostState[];
const SORTS = ['name', 'state', 'seen', 'changed'] as const;

const COLUMNS: readonly Column<Host>[] = [
  { key: 'name', title: t.columns.name, isBare: true, render: (host) => <NameCell host={host} /> },
  { key: 'v4', title: t.columns.v4, render: ({ A }) => <AddressCell known={A} /> },
  { key: 'v6', title: t.columns.v6, render: ({ AAAA }) => <AddressCell known={AAAA} /> },
  {
    key: 'days',
    title: t.columns.days,
    render: ({ changes, faults }) => <ChangeStrip changes={changes} faults={faults} />,
  },
];

export default function Overview({ query }: ScreenProps) {
  const search = query.get('q') ?? '';
  const state = STATES.find((one) => one === query.get('state'));
  const sort = SORTS.find((one) => one === query.get('sort')) ?? 'name';
  const filter: Input<'GET /v1/overview'> = { search: search || undefined, state, sort, limit: PAGE_SIZE };
  const paging = usePaging(JSON.stringify(filter));
  const hosts = useOperation('GET /v1/overview', { ...filter, cursor: paging.cursor });
  const counts = useOperation('GET /v1/overview/counts', {});
  const shown = new Set(hosts.data?.hosts.map(({ host }) => plainName(host).toLowerCase()));
  useLiveReload(
    () => {
      hosts.reload();
      counts.reload();
    },
    (host) => shown.has(host) || shown.size < PAGE_SIZE,
  );
  const isFiltered = search !== '' || state !== undefined;
  const total = counts.data?.total;
  const mayConnect = isAdmin() || me().claims.length > 0 || (total ?? 0) > 0;
  return (
    <Page
      title={t.title}
      actions={
        mayConnect && (
          <ButtonLink kind="primary" icon="plus" href={href(['connect'])}>
            {t.connect}
          </ButtonLink>
        )
      }
    >
      {isAdmin() && <ServerBanners />}
      {(total !== 0 || isFiltered) && <Tools search={search} sort={sort} state={state} counts={counts.data} />}
      <Panel isFlush>
        <Show of={hosts} lines={8}>
          {({ hosts: rows, next }) =>
            rows.length === 0 ? (
              <NoHosts isFiltered={isFiltered} mayConnect={mayConnect} />
            ) : (
              <>
                <Table caption={t.caption} columns={COLUMNS} rows={rows} rowKey={({ host }) => host} />
                <Pager paging={paging} next={next} text={t.page(count(rows.length, t.words.names))} />
              </>
            )
          }
        </Show>
      </Panel>
    </Page>
  );
}

/** Reads again after events of hosts, at most once a second, and from time to time. */
function useLiveReload(reload: () => void, concerns: (host: string) => boolean): void {
  const latest = useRef(reload);
  latest.current = reload;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const later = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current();
    }, RELOAD_MS);
  };
  useEvents({ event: ({ host }) => concerns(plainName(host).toLowerCase()) && later() });
  useEffect(() => {
    const refresh = setInterval(() => document.visibilityState === 'visible' && latest.current(), REFRESH_MS);
    return () => {
      clearInterval(refresh);
      clearTimeout(timer.current);
    };
  }, []);
}

function Tools({
  search,
  sort,
  state,
  counts,
}: {
  readonly search: string;
  readonly sort: (typeof SORTS)[number];
  readonly state: HostState | undefined;
  readonly counts: Counts | undefined;
}) {
  const offered = STATES.filter((one) => one === state || (counts?.states[one] ?? 0) > 0);
  return (
    <div class="stack">
      <div class="toolbar">
        <Search label={t.search} value={search} />
        <label class="toolbar-choice">
          <span class="soft small">{t.sort}</span>
          <select class="input" value={sort} onChange={(event) => setQuery({ sort: event.currentTarget.value })}>
            {SORTS.map((one) => (
              <option key={one} value={one}>
                {t.sorts[one]}
              </option>
            ))}
          </select>
        </label>
      </div>
      {offered.length > 1 || state !== undefined ? (
        <fieldset class="chips">
          <legend class="hidden-text">{t.filter}</legend>
          <Chip isOn={state === undefined} number={counts?.total} onClick={() => setQuery({ state: '' })}>
            {t.all}
          </Chip>
          {offered.map((one) => (
            <Chip key={one} isOn={one === state} number={counts?.states[one]} onClick={() => setQuery({ state: one })}>
              {t.states[one]}
            </Chip>
          ))}
        </fieldset>
      ) : null}
    </div>
  );
}

function Chip({
  isOn,
  number,
  onClick,
  children,
}: {
  readonly isOn: boolean;
  readonly number: number | undefined;
  readonly onClick: () => void;
  readonly children: string;
}) {
  return (
    <button type="button" class="chip" aria-pressed={isOn} onClick={onClick}>
      {children}
      {number !== undefined && <span class="chip-number">{formatNumber(number)}</span>}
    </button>
  );
}

function NoHosts({ isFiltered, mayConnect }: { readonly isFiltered: boolean; readonly mayConnect: boolean }) {
  if (isFiltered) {
    return (
      <Empty
        title={t.noMatch.title}
        action={<Button onClick={() => setQuery({ q: '', state: '' })}>{t.noMatch.action}</Button>}
      >
        {t.noMatch.text}
      </Empty>
    );
  }
  if (!mayConnect) return <Empty title={t.emptyMember.title}>{t.emptyMember.text}</Empty>;
  return (
    <Empty
      title={t.empty.title}
      action={
        <ButtonLink kind="primary" icon="plug" href={href(['connect'])}>
          {t.connect}
        </ButtonLink>
      }
    >
      {t.empty.text}
    </Empty>
  );
}

function NameCell({ host }: { readonly host: Host }) {
  const { state, fault, lastSeen } = host;
  const isNewFault = fault !== undefined && (lastSeen === undefined || Date.parse(fault.time) > Date.parse(lastSeen));
  return (
    <div class="name-cell">
      <a class="name-link" href={href(['hosts', plainName(host.host)])}>
        <HostName name={host.host} />
      </a>
      <div class="row">
        <State tone={TONES[state]}>{t.states[state]}</State>
        <span class="small soft">
          <StateText host={host} />
        </span>
      </div>
      {fault !== undefined && (
        <p class={`small break ${isNewFault ? 'bad-text' : 'soft'}`}>
          {t.problem[fault.outcome]} <Time value={fault.time} />: {fault.text}
        </p>
      )}
    </div>
  );
}

/** The state in a sentence. */
function StateText({ host }: { readonly host: Host }) {
  const { state, since, lastSeen } = host;
  const seconds = since === undefined ? 0 : (nowMs.value - Date.parse(since)) / 1000;
  switch (state) {
    case 'fresh':
      return <>{t.stateText.fresh(lastSeen === undefined ? undefined : relative(Date.parse(lastSeen), nowMs.value))}</>;
    case 'never':
      return (
        <>
          {t.stateText.never}.{' '}
          {host.access !== 'view' && <a href={href(['connect', plainName(host.host)])}>{t.connectThis}</a>}
        </>
      );
    case 'disabled':
      return <>{t.stateText.disabled}</>;
    default:
      return <>{t.stateText[state](duration(seconds))}</>;
  }
}

function AddressCell({ known }: { readonly known: Host['A'] }) {
  if (known === undefined) return null;
  const { addresses, since } = known;
  return (
    <div>
      {addresses.length === 0 && <span class="soft">{t.noAddress}</span>}
      {addresses.map((address) => (
        <div key={address}>
          <Address value={address} />
        </div>
      ))}
      {since !== undefined && (
        <div class="small soft">
          {t.since} <Age since={since} />
        </div>
      )}
    </div>
  );
}
