/** Users and invitations, for administrators: who may sign in, with which role and limits. */

import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { InvitationView, UserView } from '../api-types.ts';
import { formatNumber } from '../clock.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { ConfirmDestructive, Dialog } from '../components/dialog.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { DialogActions, Form } from '../components/form.tsx';
import { Page, Panel } from '../components/page.tsx';
import { Pager, usePaging } from '../components/pager.tsx';
import { Search } from '../components/search.tsx';
import { SessionsTable } from '../components/sessions-table.tsx';
import { State } from '../components/state.tsx';
import { Banner, Empty, ErrorBox, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { toast } from '../components/toast.tsx';
import { useAction, useOperation } from '../operation.ts';
import { fieldError, otherError } from '../problem-text.ts';
import type { ScreenProps } from '../screen-props.ts';
import { me } from '../session.ts';
import { texts } from '../texts.ts';

const t = texts.users;
const PAGE_SIZE = 50;
const ROLES = [
  ['member', texts.roles.member],
  ['admin', texts.roles.admin],
] as const;

export default function Users({ query }: ScreenProps) {
  const search = query.get('q') ?? '';
  const paging = usePaging(search);
  const users = useOperation('GET /v1/users', { search: search || undefined, limit: PAGE_SIZE, cursor: paging.cursor });
  const invitations = useOperation('GET /v1/invitations', {});
  const [managed, setManaged] = useState<UserView>();
  const [isInviting, setInviting] = useState(false);
  const columns: readonly Column<UserView>[] = [
    {
      key: 'name',
      title: t.columns.name,
      isBare: true,
      render: ({ name, enabled }) => (
        <div class="name-cell">
          <span class="strong token-name">
            {name}
            {name === me().user.name && <span class="soft"> ({t.you})</span>}
          </span>
          <State tone={enabled ? 'good' : 'idle'}>{enabled ? t.states.enabled : t.states.disabled}</State>
        </div>
      ),
    },
    { key: 'role', title: t.columns.role, render: ({ role }) => texts.roles[role] },
    { key: 'names', title: t.columns.names, isEnd: true, render: ({ hosts = 0 }) => formatNumber(hosts) },
    { key: 'tokens', title: t.columns.tokens, isEnd: true, render: ({ tokens = 0 }) => formatNumber(tokens) },
    { key: 'since', title: t.columns.since, render: ({ created }) => <Time value={created} /> },
    {
      key: 'actions',
      title: t.columns.actions,
      isBare: true,
      isEnd: true,
      render: (user) => (
        <div class="cell-actions">
          <Button isSmall label={t.manageLabel(user.name)} onClick={() => setManaged(user)}>
            {t.manage}
          </Button>
        </div>
      ),
    },
  ];
  return (
    <Page
      title={t.title}
      lead={t.lead}
      actions={
        <Button kind="primary" icon="mail" onClick={() => setInviting(true)}>
          {t.invite}
        </Button>
      }
    >
      <div class="toolbar">
        <Search label={t.search} value={search} />
      </div>
      <Panel isFlush>
        <Show of={users} lines={5}>
          {({ users: rows, next }) =>
            rows.length === 0 ? (
              <Empty title={t.noMatch} />
            ) : (
              <>
                <Table caption={t.caption} columns={columns} rows={rows} rowKey={({ name }) => name} />
                <Pager paging={paging} next={next} />
              </>
            )
          }
        </Show>
      </Panel>
      {invitations.data !== undefined && invitations.data.invitations.length > 0 && (
        <Invitations invitations={invitations.data.invitations} onChange={invitations.reload} />
      )}
      {isInviting && (
        <Invite
          onClose={() => {
            setInviting(false);
            invitations.reload();
          }}
        />
      )}
      {managed !== undefined && (
        <Manage
          user={users.data?.users.find(({ name }) => name === managed.name) ?? managed}
          onChange={users.reload}
          onClose={() => setManaged(undefined)}
        />
      )}
    </Page>
  );
}

function Invite({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [role, setRole] = useState<UserView['role']>('member');
  const [made, setMade] = useState<{ readonly url: string; readonly expires: string }>();
  const { run, isRunning, error } = useAction(async () => {
    const { url, invitation } = await call('POST /v1/invitations', { role, ...(name !== '' && { name: name.trim() }) });
    setMade({ url, expires: invitation.expires });
  });
  if (made !== undefined) {
    return (
      <LinkDialog
        title={t.invitation.madeTitle}
        lead={t.invitation.madeLead}
        url={made.url}
        expires={made.expires}
        onClose={onClose}
      />
    );
  }
  return (
    <Dialog title={t.invitation.title} onClose={onClose}>
      <Form onSubmit={() => void run()}>
        <p class="soft">{t.invitation.lead}</p>
        <TextField
          label={t.invitation.name}
          note={t.invitation.nameNote}
          error={fieldError(error, 'name')}
          value={name}
          onValue={setName}
          isMono
          autoFocus
          autoComplete="off"
        />
        <SelectField label={t.invitation.role} value={role} onValue={setRole} options={ROLES} />
        <ErrorBox error={otherError(error, 'name')} />
        <DialogActions onCancel={onClose} isBusy={isRunning}>
          {t.invitation.action}
        </DialogActions>
      </Form>
    </Dialog>
  );
}

function LinkDialog({
  title,
  lead,
  url,
  expires,
  onClose,
}: {
  readonly title: string;
  readonly lead: string;
  readonly url: string;
  readonly expires: string;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <Banner tone="warn">{lead}</Banner>
      <CodeBlock text={url} what={t.invitation.link} isWrapped />
      <p class="small soft">
        {t.invitation.ends} <Time value={expires} />.
      </p>
      <div class="form-actions">
        <Button kind="primary" onClick={onClose}>
          {texts.common.done}
        </Button>
      </div>
    </Dialog>
  );
}

function Invitations({
  invitations,
  onChange,
}: {
  readonly invitations: readonly InvitationView[];
  readonly onChange: () => void;
}) {
  const [removed, setRemoved] = useState<InvitationView>();
  const nameOf = ({ name }: InvitationView) => name ?? t.invitation.anyName;
  const columns: readonly Column<InvitationView>[] = [
    {
      key: 'name',
      title: t.columns.name,
      isBare: true,
      render: (invitation) => <span class="strong break">{nameOf(invitation)}</span>,
    },
    { key: 'role', title: t.columns.role, render: ({ role }) => texts.roles[role] },
    {
      key: 'made',
      title: t.invitation.made,
      render: ({ created, createdBy }) => (
        <>
          <Time value={created} /> {t.invitation.by(createdBy)}
        </>
      ),
    },
    { key: 'ends', title: t.invitation.ends, render: ({ expires }) => <Time value={expires} /> },
    {
      key: 'actions',
      title: t.columns.actions,
      isBare: true,
      isEnd: true,
      render: (invitation) => (
        <div class="cell-actions">
          <Button isSmall label={t.invitation.removeLabel(nameOf(invitation))} onClick={() => setRemoved(invitation)}>
            {t.invitation.remove}
          </Button>
        </div>
      ),
    },
  ];
  return (
    <Panel title={t.invitation.pending} isFlush>
      <Table caption={t.invitation.caption} columns={columns} rows={invitations} rowKey={({ id }) => id} />
      {removed !== undefined && (
        <ConfirmDestructive
          title={t.invitation.removeTitle}
          destroys={[t.invitation.removeDestroys(nameOf(removed))]}
          action={t.invitation.remove}
          onConfirm={async () => {
            await call('DELETE /v1/invitations/{id}', { id: removed.id });
            toast(t.invitation.removed);
            onChange();
          }}
          onClose={() => setRemoved(undefined)}
        />
      )}
    </Panel>
  );
}

function Manage({
  user,
  onChange,
  onClose,
}: {
  readonly user: UserView;
  readonly onChange: () => void;
  readonly onClose: () => void;
}) {
  const { name, role, enabled } = user;
  const isMe = name === me().user.name;
  const [open, setOpen] = useState<'disable' | 'remove'>();
  const [link, setLink] = useState<{ readonly url: string; readonly expires: string }>();
  const change = useAction(async (input: { role?: UserView['role']; enabled?: boolean }) => {
    await call('PATCH /v1/users/{name}', { name, ...input });
    toast(t.dialog.saved);
    onChange();
  });
  const makeLink = useAction(async () => setLink(await call('POST /v1/users/{user}/link', { user: name })));
  const endTotp = useAction(async () => {
    await call('DELETE /v1/users/{user}/totp', { user: name });
    toast(t.dialog.totpEnded);
  });
  if (link !== undefined) {
    return (
      <LinkDialog
        title={t.dialog.linkTitle(name)}
        lead={t.dialog.linkLead}
        url={link.url}
        expires={link.expires}
        onClose={onClose}
      />
    );
  }
  if (open === 'remove') return <Remove user={user} onChange={onChange} onClose={onClose} />;
  if (open === 'disable') {
    return (
      <ConfirmDestructive
        title={t.dialog.disableTitle(name)}
        destroys={t.dialog.disableDestroys(name)}
        note={t.dialog.disableNote}
        action={t.dialog.disable}
        onConfirm={async () => {
          await call('PATCH /v1/users/{name}', { name, enabled: false });
          toast(t.dialog.saved);
          onChange();
        }}
        onClose={onClose}
      />
    );
  }
  const error = change.error ?? makeLink.error ?? endTotp.error;
  return (
    <Dialog title={name} onClose={onClose} isWide>
      <div class="row">
        <State tone={enabled ? 'good' : 'idle'}>{enabled ? t.states.enabled : t.states.disabled}</State>
        <span class="soft">{texts.roles[role]}</span>
      </div>
      <ErrorBox error={error} />
      <div class="row">
        <Button isBusy={makeLink.isRunning} onClick={() => void makeLink.run()}>
          {t.dialog.link}
        </Button>
        <Button isBusy={endTotp.isRunning} onClick={() => void endTotp.run()}>
          {t.dialog.endTotp}
        </Button>
        {!isMe && (
          <>
            <Button
              isBusy={change.isRunning}
              onClick={() => void change.run({ role: role === 'admin' ? 'member' : 'admin' })}
            >
              {role === 'admin' ? t.dialog.makeMember : t.dialog.makeAdmin}
            </Button>
            {enabled ? (
              <Button kind="danger" onClick={() => setOpen('disable')}>
                {t.dialog.disable}
              </Button>
            ) : (
              <Button isBusy={change.isRunning} onClick={() => void change.run({ enabled: true })}>
                {t.dialog.enable}
              </Button>
            )}
            <Button kind="danger" onClick={() => setOpen('remove')}>
              {t.dialog.remove}
            </Button>
          </>
        )}
      </div>
      {role === 'member' && <Limits user={user} onChange={onChange} />}
      <UserSessions user={name} />
    </Dialog>
  );
}

function Limits({ user: { name, quotas }, onChange }: { readonly user: UserView; readonly onChange: () => void }) {
  const [hosts, setHosts] = useState(String(quotas.hosts ?? 0));
  const [tokens, setTokens] = useState(String(quotas.tokens ?? 0));
  const [changes, setChanges] = useState(String(quotas.changesPerMinute ?? 0));
  const { run, isRunning, error } = useAction(async () => {
    const limits = { hosts: Number(hosts), tokens: Number(tokens), changesPerMinute: Number(changes) };
    await call('PATCH /v1/users/{name}', { name, quotas: limits });
    toast(t.dialog.saved);
    onChange();
  });
  return (
    <Form onSubmit={() => void run()}>
      <h3>{t.dialog.limits}</h3>
      <div class="form-row">
        <TextField
          label={t.dialog.hosts}
          type="number"
          min="0"
          value={hosts}
          onValue={setHosts}
          note={t.dialog.limitNote}
        />
        <TextField label={t.dialog.tokens} type="number" min="0" value={tokens} onValue={setTokens} />
        <TextField label={t.dialog.changes} type="number" min="0" value={changes} onValue={setChanges} />
      </div>
      <ErrorBox error={error} />
      <div class="form-actions">
        <Button type="submit" isBusy={isRunning}>
          {t.dialog.saveLimits}
        </Button>
      </div>
    </Form>
  );
}

function UserSessions({ user }: { readonly user: string }) {
  const sessions = useOperation('GET /v1/users/{user}/sessions', { user });
  return (
    <div class="stack">
      <h3>{t.dialog.sessions}</h3>
      <Show of={sessions} lines={2}>
        {({ sessions: rows }) =>
          rows.length === 0 ? (
            <p class="soft">{t.dialog.noSessions}</p>
          ) : (
            <SessionsTable
              sessions={rows}
              onEnd={async ({ id }) => {
                await call('DELETE /v1/users/{user}/sessions/{id}', { user, id });
                sessions.reload();
              }}
            />
          )
        }
      </Show>
    </div>
  );
}

type Removal = Pick<Parameters<typeof call<'DELETE /v1/users/{name}'>>[1], 'hosts' | 'tokens' | 'history'>;

function Remove({
  user: { name },
  onChange,
  onClose,
}: {
  readonly user: UserView;
  readonly onChange: () => void;
  readonly onClose: () => void;
}) {
  const [removal, setRemoval] = useState<Removal>({ hosts: 'operator', tokens: 'revoke', history: 'keep' });
  const { hostsChoices, tokensChoices, historyChoices } = t.dialog;
  return (
    <ConfirmDestructive
      title={t.dialog.removeTitle(name)}
      destroys={t.dialog.removeDestroys(name)}
      action={t.dialog.removeAction(name)}
      word={name}
      onConfirm={async () => {
        await call('DELETE /v1/users/{name}', { name, ...removal });
        toast(t.dialog.removed(name));
        onChange();
      }}
      onClose={onClose}
    >
      <SelectField
        label={t.dialog.hostsChoice}
        value={removal.hosts}
        onValue={(hosts) => setRemoval({ ...removal, hosts })}
        options={[
          ['operator', hostsChoices.operator],
          ['remove', hostsChoices.remove],
        ]}
      />
      <SelectField
        label={t.dialog.tokensChoice}
        value={removal.tokens}
        onValue={(tokens) => setRemoval({ ...removal, tokens })}
        options={[
          ['revoke', tokensChoices.revoke],
          ['operator', tokensChoices.operator],
        ]}
      />
      <SelectField
        label={t.dialog.historyChoice}
        value={removal.history}
        onValue={(history) => setRemoval({ ...removal, history })}
        options={[
          ['keep', historyChoices.keep],
          ['purge', historyChoices.purge],
        ]}
      />
    </ConfirmDestructive>
  );
}
