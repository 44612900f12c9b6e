/** What each nameserver answers for a name now, beside the addresses that it should have. */
import type { Result } from '../api.ts';
import type { AnswerOfANameserverView } from '../api-types.ts';
import { duration } from '../clock.ts';
import { Button } from '../components/button.tsx';
import { Address } from '../components/copy.tsx';
import { Fact, Facts, Panel } from '../components/page.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Banner, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import type { Loaded } from '../operation.ts';
import { href } from '../router.ts';
import { isAdmin } from '../session.ts';
import { texts } from '../texts.ts';

const t = texts.host.now;
export type Answers = Result<'GET /v1/hosts/{host}/answers'>;
type Server = AnswerOfANameserverView;
type Answer = Server['A'];

const COLUMNS: readonly Column<Server>[] = [
  {
    key: 'server',
    title: t.columns.server,
    isBare: true,
    render: ({ server, role, name }) => (
      <div class="name-cell">
        <span class="strong break">{role === 'this-server' ? t.thisServer : (name?.replace(/\.$/, '') ?? server)}</span>
        <span class="small soft break">
          {name !== undefined && name !== server ? `${server}, ` : ''}
          {t.roles[role]}
        </span>
      </div>
    ),
  },
  { key: 'v4', title: t.columns.v4, render: ({ A }) => <AnswerCell answer={A} /> },
  { key: 'v6', title: t.columns.v6, render: ({ AAAA }) => <AnswerCell answer={AAAA} /> },
  {
    key: 'serial',
    title: t.columns.serial,
    render: ({ serial }) => (serial === undefined ? null : <code>{serial}</code>),
  },
  {
    key: 'agrees',
    title: t.columns.agrees,
    render: (server) => (
      <div class="name-cell">
        <State tone={toneOf(server)}>{wordOf(server)}</State>
        {server.problem !== undefined && <span class="small soft break">{server.problem}</span>}
      </div>
    ),
  },
];

export function AnswersPanel({ answers }: { readonly answers: Loaded<Answers> }) {
  return (
    <Panel
      title={t.title}
      lead={t.lead}
      isFlush
      actions={
        <Button isSmall isBusy={answers.isLoading} onClick={answers.reload}>
          {t.again}
        </Button>
      }
    >
      <Show of={answers} lines={4}>
        {({ wanted, servers, zone }) => (
          <>
            <div class="panel-part stack">
              <Facts>
                <Fact name={`${t.wanted}, ${t.columns.v4}`}>
                  <WantedAddresses addresses={wanted.A} />
                </Fact>
                <Fact name={`${t.wanted}, ${t.columns.v6}`}>
                  <WantedAddresses addresses={wanted.AAAA} />
                </Fact>
              </Facts>
              <Verdict servers={servers} zone={zone} />
            </div>
            <Table
              caption={t.caption}
              columns={COLUMNS}
              rows={servers}
              rowKey={({ server, name }) => `${server} ${name}`}
            />
          </>
        )}
      </Show>
    </Panel>
  );
}

function WantedAddresses({ addresses }: { readonly addresses: readonly string[] | undefined }) {
  if (addresses === undefined) return <span class="soft">{t.unknown}</span>;
  if (addresses.length === 0) return <span class="soft">{t.none}</span>;
  return (
    <span class="row">
      {addresses.map((address) => (
        <Address key={address} value={address} />
      ))}
    </span>
  );
}

/** In a sentence, so that no one has to compare addresses. */
function Verdict({ servers, zone }: { readonly servers: readonly Server[]; readonly zone: string }) {
  const differ = servers.filter(({ agrees }) => agrees === false).length;
  const silent = servers.filter(({ problem }) => problem !== undefined).length;
  if (differ > 0) {
    return (
      <Banner tone="warn">
        {t.someDiffer(numbered(differ, t.differWords))}{' '}
        {isAdmin() ? <a href={href(['zones', zone], { tab: 'secondaries' })}>{t.ifItStays}</a> : t.ifItStaysMember}
      </Banner>
    );
  }
  if (silent > 0) return <Banner tone="warn">{t.someSilent(numbered(silent, t.silentWords))}</Banner>;
  if (servers.every(({ agrees }) => agrees === true)) return <Banner tone="good">{t.allAgree}</Banner>;
  return null;
}

function numbered(number: number, [one, many]: readonly string[]): string {
  return number === 1 ? (one ?? '') : `${number} ${many}`;
}

function AnswerCell({ answer }: { readonly answer: Answer }) {
  if (answer === undefined) return null;
  const { addresses, ttl } = answer;
  if (addresses.length === 0) return <span class="soft">{t.none}</span>;
  return (
    <div>
      {addresses.map((address) => (
        <div key={address}>
          <code class="break">{address}</code>
        </div>
      ))}
      {ttl !== undefined && <div class="small soft">{t.ttl(duration(ttl))}</div>}
    </div>
  );
}

function toneOf({ agrees, problem }: Server): Tone {
  if (problem !== undefined) return 'bad';
  return agrees === undefined ? 'idle' : agrees ? 'good' : 'warn';
}

function wordOf({ agrees, problem }: Server): string {
  if (problem !== undefined) return t.noAnswer;
  return agrees === undefined ? t.notCompared : agrees ? t.agrees : t.differs;
}
