/** Sessions of a user: which browser, from where, since when; each can be ended. */
import { useState } from 'preact/hooks';
import type { SessionView } from '../api-types.ts';
import { texts } from '../texts.ts';
import { browserName } from '../user-agent.ts';
import { Button } from './button.tsx';
import { ConfirmDestructive } from './dialog.tsx';
import { State } from './state.tsx';
import { type Column, Table } from './table.tsx';
import { Time } from './time.tsx';
import { toast } from './toast.tsx';

const t = texts.account.sessions;

export function SessionsTable({
  sessions,
  onEnd,
}: {
  readonly sessions: readonly SessionView[];
  /** Ends one, and reads the list again. */
  readonly onEnd: (session: SessionView) => Promise<unknown>;
}) {
  const [ended, setEnded] = useState<SessionView>();
  const columns: readonly Column<SessionView>[] = [
    {
      key: 'device',
      title: t.device,
      isBare: true,
      render: ({ userAgent, isCurrent }) => (
        <div class="name-cell">
          <span class="strong">{browserName(userAgent)}</span>
          {isCurrent && <State tone="good">{t.current}</State>}
        </div>
      ),
    },
    { key: 'used', title: t.used, render: ({ lastUsed }) => <Time value={lastUsed} /> },
    {
      key: 'from',
      title: t.from,
      render: ({ source }) => (source === '' ? null : <code class="break">{source}</code>),
    },
    { key: 'ends', title: t.ends, render: ({ expires }) => <Time value={expires} /> },
    {
      key: 'actions',
      title: texts.users.columns.actions,
      isBare: true,
      isEnd: true,
      render: (session) =>
        session.isCurrent ? null : (
          <div class="cell-actions">
            <Button isSmall label={t.endLabel(browserName(session.userAgent))} onClick={() => setEnded(session)}>
              {t.end}
            </Button>
          </div>
        ),
    },
  ];
  return (
    <>
      <Table caption={t.caption} columns={columns} rows={sessions} rowKey={({ id }) => id} />
      {ended !== undefined && (
        <ConfirmDestructive
          title={t.endTitle(browserName(ended.userAgent))}
          destroys={[t.endDestroys(browserName(ended.userAgent))]}
          action={t.end}
          onConfirm={async () => {
            await onEnd(ended);
            toast(t.ended);
          }}
          onClose={() => setEnded(undefined)}
        />
      )}
    </>
  );
}
