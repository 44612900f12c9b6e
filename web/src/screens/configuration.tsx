/** The configuration in effect: each value with where it is from. It is changed in its file. */
import type { OptionInEffectView } from '../api-types.ts';
import { SearchField } from '../components/field.tsx';
import { Page, Panel } from '../components/page.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Empty, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useOperation } from '../operation.ts';
import { setQuery } from '../router.ts';
import type { ScreenProps } from '../screen-props.ts';
import { texts } from '../texts.ts';

const t = texts.configuration;
const ORIGINS = ['all', 'set', 'default'] as const;
const TONES: Readonly<Record<OptionInEffectView['origin']['kind'], Tone>> = {
  file: 'good',
  environment: 'good',
  default: 'idle',
};

const COLUMNS: readonly Column<OptionInEffectView>[] = [
  {
    key: 'path',
    title: t.columns.option,
    isBare: true,
    render: ({ path }) => <code class="strong option-path">{path}</code>,
  },
  { key: 'value', title: t.columns.value, render: ({ value }) => <code class="break">{value}</code> },
  {
    key: 'origin',
    title: t.columns.origin,
    render: ({ origin }) => (
      <div class="name-cell">
        <State tone={TONES[origin.kind]}>{t.kinds[origin.kind]}</State>
        {origin.kind !== 'default' && <span class="small soft break">{origin.text}</span>}
      </div>
    ),
  },
];

export default function Configuration({ query }: ScreenProps) {
  const config = useOperation('GET /v1/config', {});
  const search = query.get('q') ?? '';
  const origin = ORIGINS.find((one) => one === query.get('from')) ?? 'all';
  const isShown = ({ path, value, origin: { kind } }: OptionInEffectView) =>
    (origin === 'all' || (origin === 'default') === (kind === 'default')) &&
    `${path} ${value}`.toLowerCase().includes(search.trim().toLowerCase());
  return (
    <Page title={t.title} lead={config.data?.file === undefined ? t.lead : t.leadFile(config.data.file)}>
      <div class="toolbar">
        <SearchField label={t.search} value={search} onValue={(q) => setQuery({ q })} />
        <label class="toolbar-choice">
          <span class="soft small">{t.show}</span>
          <select class="input" value={origin} onChange={(event) => setQuery({ from: event.currentTarget.value })}>
            {ORIGINS.map((one) => (
              <option key={one} value={one}>
                {t.origins[one]}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Panel isFlush>
        <Show of={config} lines={10}>
          {({ options }) => {
            const rows = options.filter(isShown);
            if (rows.length === 0) return <Empty title={t.noMatch} />;
            return <Table caption={t.caption} columns={COLUMNS} rows={rows} rowKey={({ path }) => path} />;
          }}
        </Show>
      </Panel>
    </Page>
  );
}
