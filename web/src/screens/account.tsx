/** The own account: password, second step, sessions. */

import { useEffect, useState } from 'preact/hooks';
import { call, Problem, type Result } from '../api.ts';
import { count, formatNumber } from '../clock.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock, CopyButton } from '../components/copy.tsx';
import { Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { DialogActions, Form } from '../components/form.tsx';
import { Fact, Facts, Page, Panel } from '../components/page.tsx';
import { QrCode } from '../components/qr.tsx';
import { SessionsTable } from '../components/sessions-table.tsx';
import { State } from '../components/state.tsx';
import { Banner, ErrorBox, Loading, Show } from '../components/states.tsx';
import { Time } from '../components/time.tsx';
import { toast } from '../components/toast.tsx';
import { useAction, useOperation } from '../operation.ts';
import { fieldError } from '../problem-text.ts';
import { me, reloadMe } from '../session.ts';
import { texts } from '../texts.ts';

const t = texts.account;

export default function Account() {
  const { user } = me();
  return (
    <Page title={t.title} isNarrow>
      <Panel>
        <Facts>
          <Fact name={t.facts.name}>
            <strong>{user.name}</strong>
          </Fact>
          <Fact name={t.facts.role}>{texts.roles[user.role]}</Fact>
          <Quota name={t.facts.names} used={user.hosts} most={user.quotas.hosts} />
          <Quota name={t.facts.tokens} used={user.tokens} most={user.quotas.tokens} />
          <Fact name={t.facts.since}>
            <Time value={user.created} />
          </Fact>
        </Facts>
      </Panel>
      <Password />
      <SecondStep />
      <Sessions />
    </Page>
  );
}

function Quota({
  name,
  used,
  most,
}: {
  readonly name: string;
  readonly used: number | undefined;
  readonly most: number | undefined;
}) {
  if (used === undefined) return null;
  const isLimited = me().user.role === 'member' && most !== undefined && most > 0;
  return <Fact name={name}>{isLimited ? t.facts.of(formatNumber(used), formatNumber(most)) : formatNumber(used)}</Fact>;
}

function Password() {
  const { hasPassword, user } = me();
  const [isOpen, setOpen] = useState(false);
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const { run, isRunning, error, clear } = useAction(async () => {
    await call('PUT /v1/me/password', { password: next, ...(hasPassword && { current }) });
    await reloadMe();
    setOpen(false);
    toast(t.password.saved);
  });
  const open = () => {
    clear();
    setCurrent('');
    setNext('');
    setOpen(true);
  };
  const isWrong = error instanceof Problem && (error.status === 403 || fieldError(error, 'current') !== undefined);
  return (
    <Panel
      title={t.password.title}
      actions={<Button onClick={open}>{hasPassword ? t.password.change : t.password.choose}</Button>}
    >
      <p class="soft">{hasPassword ? t.password.has : t.password.none}</p>
      {isOpen && (
        <Dialog title={hasPassword ? t.password.change : t.password.choose} onClose={() => setOpen(false)}>
          <Form onSubmit={() => void run()}>
            <input
              class="hidden-text"
              type="text"
              name="username"
              autoComplete="username"
              value={user.name}
              readOnly
              tabIndex={-1}
              aria-hidden="true"
            />
            {hasPassword && (
              <TextField
                label={t.password.current}
                type="password"
                value={current}
                onValue={setCurrent}
                error={isWrong ? (fieldError(error, 'current') ?? t.password.wrong) : undefined}
                autoComplete="current-password"
                required
                autoFocus
              />
            )}
            <TextField
              label={t.password.next}
              note={t.password.note}
              type="password"
              value={next}
              onValue={setNext}
              error={fieldError(error, 'password')}
              autoComplete="new-password"
              required
              autoFocus={!hasPassword}
            />
            {error !== undefined && !isWrong && fieldError(error, 'password') === undefined && (
              <ErrorBox error={error} />
            )}
            <DialogActions onCancel={() => setOpen(false)} isBusy={isRunning}>
              {t.password.save}
            </DialogActions>
          </Form>
        </Dialog>
      )}
    </Panel>
  );
}

function SecondStep() {
  const { hasTotp, hasPassword, recoveryCodes } = me();
  const [open, setOpen] = useState<'start' | 'end'>();
  const close = () => setOpen(undefined);
  return (
    <Panel
      title={t.totp.title}
      actions={
        hasTotp ? (
          <Button onClick={() => setOpen('end')}>{t.totp.end}</Button>
        ) : (
          <Button disabled={!hasPassword} onClick={() => setOpen('start')}>
            {t.totp.setUp}
          </Button>
        )
      }
    >
      <div class="row">
        <State tone={hasTotp ? 'good' : 'idle'}>{hasTotp ? t.totp.onBadge : t.totp.offBadge}</State>
        <span class="soft">{hasTotp ? t.totp.on : hasPassword ? t.totp.off : t.totp.needsPassword}</span>
      </div>
      {recoveryCodes !== undefined && hasTotp && (
        <p class="small soft">{t.totp.left(count(recoveryCodes, t.totp.codes))}</p>
      )}
      {open === 'start' && <StartTotp onClose={close} />}
      {open === 'end' && <EndTotp onClose={close} />}
    </Panel>
  );
}

function StartTotp({ onClose }: { readonly onClose: () => void }) {
  const [started, setStarted] = useState<Result<'POST /v1/me/totp'>>();
  // Once: each call makes another secret.
  const start = useAction(async () => setStarted(await call('POST /v1/me/totp', {})));
  useEffect(() => void start.run(), [start.run]);
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<readonly string[]>();
  const { run, isRunning, error } = useAction(async () => {
    const { recoveryCodes } = await call('PUT /v1/me/totp', { code: code.trim() });
    setCodes(recoveryCodes);
    await reloadMe();
  });
  if (codes !== undefined) {
    return (
      <Dialog title={t.totp.codesTitle} onClose={onClose}>
        <Banner tone="warn">{t.totp.codesLead}</Banner>
        <CodeBlock text={codes.join('\n')} what={t.totp.codesWhat} />
        <div class="form-actions">
          <Button kind="primary" onClick={onClose}>
            {texts.common.done}
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t.totp.dialogTitle} onClose={onClose}>
      {started === undefined ? (
        start.error === undefined ? (
          <Loading />
        ) : (
          <ErrorBox error={start.error} onRetry={() => void start.run()} />
        )
      ) : (
        <Form onSubmit={() => void run()}>
          <p>{t.totp.scan}</p>
          <QrCode text={started.uri} what={t.totp.key} />
          <div class="row">
            <code class="break">{started.secret}</code>
            <CopyButton text={started.secret} what={t.totp.key} />
          </div>
          <CodeInput label={t.totp.code} value={code} onValue={setCode} error={error} />
          <DialogActions onCancel={onClose} isBusy={isRunning}>
            {t.totp.confirm}
          </DialogActions>
        </Form>
      )}
    </Dialog>
  );
}

function CodeInput({
  label,
  value,
  onValue,
  error,
}: {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly error: unknown;
}) {
  const isWrong = error instanceof Problem && error.status >= 400 && error.status < 429;
  return (
    <>
      <TextField
        label={label}
        value={value}
        onValue={onValue}
        error={isWrong ? t.totp.wrong : undefined}
        autoComplete="one-time-code"
        isMono
        required
        autoFocus
      />
      {!isWrong && <ErrorBox error={error} />}
    </>
  );
}

function EndTotp({ onClose }: { readonly onClose: () => void }) {
  const [code, setCode] = useState('');
  const { run, isRunning, error } = useAction(async () => {
    await call('POST /v1/me/totp:end', { code: code.trim() });
    await reloadMe();
    toast(t.totp.ended);
    onClose();
  });
  return (
    <Dialog title={t.totp.endTitle} onClose={onClose}>
      <Form onSubmit={() => void run()}>
        <ul class="destroyed">
          {t.totp.endDestroys.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
        <CodeInput label={t.totp.recovery} value={code} onValue={setCode} error={error} />
        <div class="form-actions">
          <Button onClick={onClose}>{texts.common.cancel}</Button>
          <Button type="submit" kind="danger" isBusy={isRunning}>
            {t.totp.end}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}

function Sessions() {
  const sessions = useOperation('GET /v1/me/sessions', {});
  return (
    <Panel title={t.sessions.title} isFlush>
      <Show of={sessions} lines={3}>
        {({ sessions: rows }) => (
          <SessionsTable
            sessions={rows}
            onEnd={async ({ id }) => {
              await call('DELETE /v1/me/sessions/{id}', { id });
              sessions.reload();
            }}
          />
        )}
      </Show>
    </Panel>
  );
}
