/** Tokens: what each may do in plain words, its last use and its end; making, rotating and revoking. And management keys. */

import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { ManagementKeyView, NewTokenView, TokenView } from '../api-types.ts';
import { day } from '../clock.ts';
import { Button, ButtonLink } from '../components/button.tsx';
import { CopyButton } from '../components/copy.tsx';
import { ConfirmDestructive, Dialog } from '../components/dialog.tsx';
import { CheckField, TextField } from '../components/field.tsx';
import { DialogActions, Form } from '../components/form.tsx';
import { Fact, Facts, Page, Panel } from '../components/page.tsx';
import { Pager, usePaging } from '../components/pager.tsx';
import { Search } from '../components/search.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Banner, Empty, ErrorBox, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { toast } from '../components/toast.tsx';
import { plainName } from '../names.ts';
import { useAction, useOperation } from '../operation.ts';
import { fieldError, otherError } from '../problem-text.ts';
import { href } from '../router.ts';
import { limitsInWords, namesInWords, scopeInWords } from '../scope.ts';
import type { ScreenProps } from '../screen-props.ts';
import { isAdmin, me } from '../session.ts';
import { texts } from '../texts.ts';

const t = texts.tokens;
const PAGE_SIZE = 50;

const TONES: Readonly<Record<TokenView['state'], Tone>> = {
  valid: 'good',
  expired: 'warn',
  unused: 'warn',
  revoked: 'idle',
};

type Open =
  | { readonly kind: 'explain' | 'rotate' | 'revoke'; readonly token: TokenView }
  | { readonly kind: 'make' }
  | { readonly kind: 'secret'; readonly made: NewTokenView };

export default function Tokens({ query }: ScreenProps) {
  const search = query.get('q') ?? '';
  const paging = usePaging(search);
  const tokens = useOperation('GET /v1/tokens', {
    search: search || undefined,
    limit: PAGE_SIZE,
    cursor: paging.cursor,
  });
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const isEmpty = tokens.data?.tokens.length === 0 && search === '' && !paging.hasPrevious;
  const columns: readonly Column<TokenView>[] = [
    { key: 'name', title: t.columns.name, isBare: true, render: (token) => <NameCell token={token} /> },
    { key: 'scope', title: t.columns.scope, render: (token) => <span class="break">{scopeInWords(token)}</span> },
    {
      key: 'used',
      title: t.columns.used,
      render: ({ lastUsed }) =>
        lastUsed === undefined ? <span class="soft">{t.never}</span> : <Time value={lastUsed} />,
    },
    { key: 'ends', title: t.columns.ends, render: (token) => <EndCell token={token} /> },
    {
      key: 'actions',
      title: t.columns.actions,
      isBare: true,
      isEnd: true,
      render: (token) => (
        <div class="cell-actions">
          <Button isSmall label={t.explainLabel(token.name)} onClick={() => setOpen({ kind: 'explain', token })}>
            {t.explainShort}
          </Button>
          {token.origin === 'store' && token.state !== 'revoked' && (
            <>
              <Button isSmall label={t.rotateTitle(token.name)} onClick={() => setOpen({ kind: 'rotate', token })}>
                {t.rotate}
              </Button>
              <Button
                isSmall
                kind="danger"
                label={t.revokeAction(token.name)}
                onClick={() => setOpen({ kind: 'revoke', token })}
              >
                {t.revoke}
              </Button>
            </>
          )}
        </div>
      ),
    },
  ];
  return (
    <Page
      title={t.title}
      lead={t.lead}
      actions={
        <>
          <Button onClick={() => setOpen({ kind: 'make' })}>{t.make}</Button>
          <ButtonLink kind="primary" icon="plug" href={href(['connect'])}>
            {texts.overview.connect}
          </ButtonLink>
        </>
      }
    >
      {!isEmpty && (
        <div class="toolbar">
          <Search label={t.search} value={search} />
        </div>
      )}
      <Panel isFlush>
        <Show of={tokens} lines={6}>
          {({ tokens: rows, next }) =>
            rows.length === 0 ? (
              <Empty title={search === '' ? t.empty.title : t.noMatch}>
                {search === '' ? t.empty.text : undefined}
              </Empty>
            ) : (
              <>
                <Table caption={t.caption} columns={columns} rows={rows} rowKey={tokenKey} />
                <Pager paging={paging} next={next} />
              </>
            )
          }
        </Show>
      </Panel>
      <Keys />
      {open?.kind === 'explain' && <Explain token={open.token} onClose={close} />}
      {open?.kind === 'make' && (
        <MakeToken
          onMade={(made) => {
            tokens.reload();
            setOpen({ kind: 'secret', made });
          }}
          onClose={close}
        />
      )}
      {open?.kind === 'secret' && (
        <SecretDialog
          title={t.secretTitle(open.made.token.name)}
          lead={t.secretLead}
          secret={open.made.secret}
          what={t.password}
          onClose={close}
        />
      )}
      {open?.kind === 'revoke' && (
        <ConfirmDestructive
          title={t.revokeTitle(open.token.name)}
          destroys={[t.revokeDestroys(open.token.name), t.revokeNames(namesInWords(open.token.hosts, 5))]}
          note={t.revokeNote}
          action={t.revokeAction(open.token.name)}
          onConfirm={async () => {
            await call('DELETE /v1/tokens/{name}', { name: open.token.name });
            toast(t.revoked(open.token.name));
            tokens.reload();
          }}
          onClose={close}
        />
      )}
      {open?.kind === 'rotate' && (
        <RotateToken
          token={open.token}
          onMade={(made) => {
            tokens.reload();
            setOpen({ kind: 'secret', made });
          }}
          onClose={close}
        />
      )}
    </Page>
  );
}

/** The name of a token that was revoked may be that of a newer one. */
function tokenKey({ name, created, origin }: TokenView): string {
  return `${origin} ${name} ${created ?? ''}`;
}

function NameCell({ token: { name, state, owner, origin } }: { readonly token: TokenView }) {
  return (
    <div class="name-cell">
      <span class="strong token-name">{name}</span>
      <State tone={TONES[state]}>{t.states[state]}</State>
      {owner !== undefined && owner !== me().user.name && <span class="small soft">{t.owner(owner)}</span>}
      {origin === 'configuration' && <span class="small soft">{t.fromFile}</span>}
    </div>
  );
}

function EndCell({ token: { expires, maxUnusedDays, revoked } }: { readonly token: TokenView }) {
  if (revoked !== undefined) return <Time value={revoked} />;
  if (expires === undefined && maxUnusedDays === undefined) return <span class="soft">{t.noEnd}</span>;
  return (
    <div>
      {expires !== undefined && <time dateTime={expires}>{day(Date.parse(expires))}</time>}
      {maxUnusedDays !== undefined && <div class="small soft">{t.unusedEnd(maxUnusedDays)}</div>}
    </div>
  );
}

function Explain({ token, onClose }: { readonly token: TokenView; readonly onClose: () => void }) {
  return (
    <Dialog title={t.explain} onClose={onClose}>
      <p class="break">
        <strong>{token.name}</strong>: {scopeInWords(token)}.
      </p>
      <ul class="bullets">
        {limitsInWords(token).map((limit) => (
          <li key={limit}>{limit}</li>
        ))}
      </ul>
      {token.hosts.length > 3 && (
        <ul class="name-list">
          {token.hosts.map((host) => (
            <li key={host}>
              <code class="break">{plainName(host)}</code>
            </li>
          ))}
        </ul>
      )}
      <Facts>
        {token.created !== undefined && (
          <Fact name={t.created}>
            <Time value={token.created} />
          </Fact>
        )}
        <Fact name={t.columns.used}>{token.lastUsed === undefined ? t.never : <Time value={token.lastUsed} />}</Fact>
      </Facts>
    </Dialog>
  );
}

function RotateToken({
  token,
  onMade,
  onClose,
}: {
  readonly token: TokenView;
  readonly onMade: (made: NewTokenView) => void;
  readonly onClose: () => void;
}) {
  const [made, setMade] = useState<NewTokenView>();
  return (
    <ConfirmDestructive
      title={t.rotateTitle(token.name)}
      destroys={[t.rotateDestroys(token.name)]}
      action={t.rotateAction}
      onConfirm={async () => setMade(await call('POST /v1/tokens/{name}/rotate', { name: token.name }))}
      onClose={() => (made === undefined ? onClose() : onMade(made))}
    />
  );
}

/** A secret that is shown once. */
export function SecretDialog({
  title,
  lead,
  secret,
  what,
  onClose,
}: {
  readonly title: string;
  readonly lead: string;
  readonly secret: string;
  readonly what: string;
  readonly onClose: () => void;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      <Banner tone="warn">{lead}</Banner>
      <div class="row">
        <code class="secret break">{secret}</code>
        <CopyButton text={secret} what={what} />
      </div>
      <div class="form-actions">
        <Button kind="primary" onClick={onClose}>
          {texts.common.done}
        </Button>
      </div>
    </Dialog>
  );
}

const FORM_TYPES = ['A', 'AAAA', 'TXT'] as const;

function MakeToken({
  onMade,
  onClose,
}: {
  readonly onMade: (made: NewTokenView) => void;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState('');
  const [hosts, setHosts] = useState('');
  const [types, setTypes] = useState<readonly string[]>(['A', 'AAAA']);
  const [isOwn, setOwn] = useState(false);
  const [expires, setExpires] = useState('');
  const [unused, setUnused] = useState('');
  const { run, isRunning, error } = useAction(async () => {
    const made = await call('POST /v1/tokens', {
      name: name.trim(),
      hosts: hosts.split(/[\s,]+/).filter(Boolean),
      types,
      addresses: isOwn ? 'own' : 'any',
      ...(expires !== '' && { expires }),
      ...(unused !== '' && { maxUnusedDays: Number(unused) }),
    });
    onMade(made);
  });
  const errors = { name: fieldError(error, 'name'), hosts: fieldError(error, 'hosts') };
  return (
    <Dialog title={t.form.title} onClose={onClose}>
      <Form onSubmit={() => void run()}>
        <TextField
          label={t.form.name}
          note={t.form.nameNote}
          error={errors.name}
          value={name}
          onValue={setName}
          required
          maxLength={64}
          autoFocus
          autoComplete="off"
        />
        <TextField
          label={t.form.hosts}
          note={isAdmin() ? t.form.hostsNoteAdmin : t.form.hostsNote}
          error={errors.hosts}
          value={hosts}
          onValue={setHosts}
          rows={3}
          isMono
          required
        />
        <fieldset>
          <legend class="field-label">{t.form.types}</legend>
          {FORM_TYPES.map((type) => (
            <CheckField
              key={type}
              label={t.form.typeNames[type]}
              value={types.includes(type)}
              onValue={(isOn) => setTypes(isOn ? [...types, type] : types.filter((one) => one !== type))}
            />
          ))}
        </fieldset>
        <CheckField label={t.form.own} note={t.form.ownNote} value={isOwn} onValue={setOwn} />
        <div class="form-row">
          <TextField
            label={t.form.expires}
            note={t.form.expiresNote}
            error={fieldError(error, 'expires')}
            type="date"
            value={expires}
            onValue={setExpires}
          />
          <TextField
            label={t.form.unused}
            error={fieldError(error, 'maxUnusedDays')}
            type="number"
            min="1"
            value={unused}
            onValue={setUnused}
          />
        </div>
        <ErrorBox error={otherError(error, 'name', 'hosts')} />
        <div class="form-actions">
          <Button onClick={onClose}>{texts.common.cancel}</Button>
          <Button type="submit" kind="primary" isBusy={isRunning} disabled={types.length === 0}>
            {t.form.action}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

function Keys() {
  const keys = useOperation('GET /v1/me/keys', {});
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<{ readonly name: string; readonly secret: string }>();
  const [revoked, setRevoked] = useState<ManagementKeyView>();
  const columns: readonly Column<ManagementKeyView>[] = [
    {
      key: 'name',
      title: t.keys.key,
      isBare: true,
      render: ({ name, state }) => (
        <div class="name-cell">
          <span class="strong break">{name}</span>
          <State tone={TONES[state]}>{t.states[state]}</State>
        </div>
      ),
    },
    { key: 'created', title: t.created, render: ({ created }) => <Time value={created} /> },
    {
      key: 'used',
      title: t.columns.used,
      render: ({ lastUsed }) =>
        lastUsed === undefined ? <span class="soft">{t.never}</span> : <Time value={lastUsed} />,
    },
    {
      key: 'actions',
      title: t.columns.actions,
      isBare: true,
      isEnd: true,
      render: (key) =>
        key.state === 'revoked' ? null : (
          <div class="cell-actions">
            <Button isSmall kind="danger" label={`${t.keys.revokeAction} ${key.name}`} onClick={() => setRevoked(key)}>
              {t.revoke}
            </Button>
          </div>
        ),
    },
  ];
  return (
    <Panel
      title={t.keys.title}
      lead={t.keys.lead}
      isFlush
      actions={
        <Button isSmall onClick={() => setMaking(true)}>
          {t.keys.make}
        </Button>
      }
    >
      <Show of={keys} lines={2}>
        {({ keys: rows }) =>
          rows.length === 0 ? (
            <p class="soft panel-foot">{t.keys.none}</p>
          ) : (
            <Table
              caption={t.keys.caption}
              columns={columns}
              rows={rows}
              rowKey={({ name, created }) => `${name} ${created}`}
            />
          )
        }
      </Show>
      {isMaking && (
        <MakeKey
          onMade={(name, secret) => {
            setMaking(false);
            setMade({ name, secret });
            keys.reload();
          }}
          onClose={() => setMaking(false)}
        />
      )}
      {made !== undefined && (
        <SecretDialog
          title={t.keys.secretTitle(made.name)}
          lead={t.keys.secretLead}
          secret={made.secret}
          what={t.keys.key}
          onClose={() => setMade(undefined)}
        />
      )}
      {revoked !== undefined && (
        <ConfirmDestructive
          title={t.keys.revokeTitle(revoked.name)}
          destroys={[t.keys.revokeDestroys(revoked.name)]}
          action={t.keys.revokeAction}
          onConfirm={async () => {
            await call('DELETE /v1/me/keys/{name}', { name: revoked.name });
            toast(t.revoked(revoked.name));
            keys.reload();
          }}
          onClose={() => setRevoked(undefined)}
        />
      )}
    </Panel>
  );
}

function MakeKey({
  onMade,
  onClose,
}: {
  readonly onMade: (name: string, secret: string) => void;
  readonly onClose: () => void;
}) {
  const [name, setName] = useState('');
  const { run, isRunning, error } = useAction(async () => {
    const { key, secret } = await call('POST /v1/me/keys', { name: name.trim() });
    onMade(key.name, secret);
  });
  return (
    <Dialog title={t.keys.make} onClose={onClose}>
      <Form onSubmit={() => void run()}>
        <TextField
          label={t.keys.name}
          note={t.form.nameNote}
          error={fieldError(error, 'name')}
          value={name}
          onValue={setName}
          required
          maxLength={64}
          autoFocus
          autoComplete="off"
        />
        <ErrorBox error={otherError(error, 'name')} />
        <DialogActions onCancel={onClose} isBusy={isRunning}>
          {t.keys.action}
        </DialogActions>
      </Form>
    </Dialog>
  );
}
