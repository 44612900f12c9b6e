/**
 * Sign-in: with a one-time link, a password and a code, or another provider. An invitation makes the account, that of the first
 * administrator, too.
 */

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { call, type Problem, type Result } from '../api.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { TextField } from '../components/field.tsx';
import { Form } from '../components/form.tsx';
import { Banner, ErrorBox, Loading } from '../components/states.tsx';
import { Time } from '../components/time.tsx';
import { useAction, useOperation } from '../operation.ts';
import { fieldError, otherError } from '../problem-text.ts';
import { go, type LinkSecret } from '../router.ts';
import { loadSession, reloadMe, signInFailure } from '../session.ts';
import { Brand } from '../shell.tsx';
import { texts } from '../texts.ts';

const t = texts.signIn;

export interface SignInProps {
  /** Of a link that was opened. */
  readonly secret?: LinkSecret;
  /** The session ended while a screen was open. */
  readonly hadSession?: boolean;
  /** The link was used, or is not to be used. */
  readonly onSecretUsed: () => void;
}

export function SignIn({ secret, hadSession = false, onSecretUsed }: SignInProps) {
  switch (secret?.kind) {
    case 'link':
      return <LinkSignIn secret={secret.secret} onSecretUsed={onSecretUsed} />;
    case 'invitation':
      return <Invitation secret={secret.secret} onSecretUsed={onSecretUsed} />;
    case undefined:
      return <Ways hadSession={hadSession} />;
  }
}

function Gate({
  title,
  lead,
  children,
  foot,
}: {
  title: string;
  lead?: ComponentChildren;
  children: ComponentChildren;
  foot?: ComponentChildren;
}) {
  useEffect(() => {
    document.title = `${title} · ${texts.shell.product}`;
  }, [title]);
  return (
    <main class="gate">
      <Brand />
      <div class="panel gate-card">
        <div>
          <h1>{title}</h1>
          {lead !== undefined && <p class="page-lead">{lead}</p>}
        </div>
        {children}
      </div>
      {foot !== undefined && <div class="gate-foot">{foot}</div>}
    </main>
  );
}

function Ways({ hadSession }: { readonly hadSession: boolean }) {
  const ways = useOperation('GET /v1/sign-in', {});
  const [needsCode, setNeedsCode] = useState(false);
  if (ways.data === undefined) {
    return (
      <Gate title={t.title}>
        {ways.error === undefined ? <Loading lines={3} /> : <ErrorBox error={ways.error} onRetry={ways.reload} />}
      </Gate>
    );
  }
  if (!ways.data.hasUsers) return <NoUsers ways={ways.data} onRetry={ways.reload} />;
  const { ways: names, oidcTitle } = ways.data;
  const hasPassword = names.includes('password');
  return (
    <Gate
      title={needsCode ? t.code.title : t.title}
      lead={needsCode ? t.code.lead : undefined}
      foot={names.includes('link') && !needsCode ? <LinkHelp /> : undefined}
    >
      {hadSession && !needsCode && <Banner tone="idle">{t.sessionEnded}</Banner>}
      {signInFailure.value !== undefined && !needsCode && (
        <div role="alert">
          <Banner tone="bad" title={t.providerFailed.title}>
            {signInFailure.value === 'not-permitted' ? t.providerFailed.notPermitted : t.providerFailed.text}
          </Banner>
        </div>
      )}
      {hasPassword && <PasswordForm needsCode={needsCode} onCodeNeeded={setNeedsCode} />}
      {names.includes('oidc') && !needsCode && (
        <>
          {hasPassword && <p class="or">{t.or}</p>}
          <a class="button" href={'./oidc/start'}>
            {t.oidc(oidcTitle ?? t.oidcTitle)}
          </a>
        </>
      )}
      {!hasPassword && !names.includes('oidc') && <LinkHelp />}
    </Gate>
  );
}

/** How a link is made, for a person who can log in on the machine of the server. */
function LinkHelp() {
  const [isOpen, setOpen] = useState(false);
  return (
    <div class="stack">
      <div>
        <Button kind="plain" isSmall aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t.link.question}
        </Button>
      </div>
      {isOpen && (
        <div class="stack gate-help">
          <p>{t.link.answer}</p>
          <CodeBlock text={t.link.command} what={t.link.what} />
        </div>
      )}
    </div>
  );
}

function NoUsers({ ways, onRetry }: { readonly ways: Result<'GET /v1/sign-in'>; readonly onRetry: () => void }) {
  const { title, lead, steps, command, setupLead } = t.noUsers;
  return (
    <Gate title={title} lead={ways.setup === true ? setupLead : lead}>
      {ways.setup !== true && (
        <>
          <CodeBlock text={command} what={t.link.what} />
          <p class="soft small">{steps}</p>
        </>
      )}
      <Button onClick={onRetry}>{texts.common.retry}</Button>
    </Gate>
  );
}

function PasswordForm({ needsCode, onCodeNeeded }: { needsCode: boolean; onCodeNeeded: (isNeeded: boolean) => void }) {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const { run, isRunning, error, clear } = useAction(async () => {
    const sent = needsCode ? { user: user.trim(), password, code: code.trim() } : { user: user.trim(), password };
    const result = await call('POST /v1/sign-in', sent);
    if (result.state === 'code-needed') onCodeNeeded(true);
    else await reloadMe();
  });
  const back = () => {
    onCodeNeeded(false);
    setCode('');
    clear();
  };
  return (
    <Form onSubmit={() => void run()}>
      {needsCode ? (
        <CodeField value={code} onValue={setCode} />
      ) : (
        <>
          <TextField
            label={t.user}
            name="username"
            value={user}
            onValue={setUser}
            autoComplete="username"
            isMono
            required
            autoFocus
          />
          <TextField
            label={t.password}
            name="password"
            type="password"
            value={password}
            onValue={setPassword}
            autoComplete="current-password"
            required
          />
        </>
      )}
      {error !== undefined && <SignInError error={error} isCode={needsCode} />}
      <Button type="submit" kind="primary" isBusy={isRunning}>
        {t.action}
      </Button>
      {needsCode && <Button onClick={back}>{t.code.back}</Button>}
    </Form>
  );
}

function CodeField({ value, onValue }: { readonly value: string; readonly onValue: (value: string) => void }) {
  return (
    <TextField
      key="code"
      label={t.code.label}
      note={t.code.note}
      name="code"
      value={value}
      onValue={onValue}
      autoComplete="one-time-code"
      isMono
      required
      autoFocus
    />
  );
}

/** A wrong user and a wrong password look alike; the server does not say which it was. */
function SignInError({ error, isCode }: { readonly error: unknown; readonly isCode: boolean }) {
  const { status } = error as Partial<Problem>;
  if (status !== 401) return <ErrorBox error={error} />;
  return (
    <div role="alert">
      <Banner tone="bad" title={isCode ? t.code.wrong : t.wrong}>
        {isCode ? t.code.wrongText : t.wrongText}
      </Banner>
    </div>
  );
}

/** Exchanges a link for a session at once. What only loads the page, as previews of links do, does not use it up. */
function LinkSignIn({ secret, onSecretUsed }: { readonly secret: string; readonly onSecretUsed: () => void }) {
  const [needsCode, setNeedsCode] = useState(false);
  const [code, setCode] = useState('');
  const { run, isRunning, error } = useAction(async () => {
    const result = await call('POST /v1/sign-in', needsCode ? { link: secret, code: code.trim() } : { link: secret });
    if (result.state === 'code-needed') setNeedsCode(true);
    else await enter(onSecretUsed);
  });
  useEffect(() => void run(), [run]);
  const { status } = (error ?? {}) as Partial<Problem>;
  const isUseless = error !== undefined && !needsCode && status !== undefined && status >= 400 && status < 429;
  return (
    <Gate
      title={isUseless ? t.link.endedTitle : needsCode ? t.code.title : t.link.title}
      lead={needsCode ? t.code.lead : undefined}
    >
      {isUseless ? (
        <>
          <p>{t.link.ended}</p>
          <CodeBlock text={t.link.command} what={t.link.what} />
          <Button onClick={() => leave(onSecretUsed)}>{t.link.other}</Button>
        </>
      ) : (
        <Form onSubmit={() => void run()}>
          {needsCode && <CodeField value={code} onValue={setCode} />}
          {!needsCode && error === undefined && <Loading lines={2} />}
          {error !== undefined && <SignInError error={error} isCode={needsCode} />}
          {(needsCode || error !== undefined) && (
            <Button type="submit" kind="primary" isBusy={isRunning}>
              {needsCode ? t.action : texts.common.retry}
            </Button>
          )}
        </Form>
      )}
    </Gate>
  );
}

async function enter(onSecretUsed: () => void): Promise<void> {
  await reloadMe();
  onSecretUsed();
}

function leave(onSecretUsed: () => void): void {
  onSecretUsed();
  void loadSession();
}

function Invitation({ secret, onSecretUsed }: { readonly secret: string; readonly onSecretUsed: () => void }) {
  const invitation = useOperation('POST /v1/invitations:show', { link: secret });
  const { data, error, reload } = invitation;
  if (data !== undefined) return <AcceptForm invitation={data} secret={secret} onSecretUsed={onSecretUsed} />;
  if (error === undefined) {
    return (
      <Gate title={t.invitation.title}>
        <Loading lines={4} />
      </Gate>
    );
  }
  const { status = 0 } = error as Partial<Problem>;
  if (status >= 400 && status < 429) {
    return (
      <Gate title={t.invitation.endedTitle}>
        <p>{t.invitation.ended}</p>
        <Button onClick={() => leave(onSecretUsed)}>{t.invitation.signIn}</Button>
      </Gate>
    );
  }
  return (
    <Gate title={t.invitation.title}>
      <ErrorBox error={error} onRetry={reload} />
    </Gate>
  );
}

/** As the server demands it of a password; it checks itself, too. */
const SHORTEST_PASSWORD = 10;

function AcceptForm({
  invitation: { role, name: givenName, expires, isFirst },
  secret,
  onSecretUsed,
}: {
  readonly invitation: Result<'POST /v1/invitations:show'>;
  readonly secret: string;
  readonly onSecretUsed: () => void;
}) {
  const [name, setName] = useState(givenName ?? '');
  const [password, setPassword] = useState('');
  const { run, isRunning, error } = useAction(async () => {
    await call('POST /v1/invitations:accept', { link: secret, name: name.trim(), password });
    await enter(onSecretUsed);
    // The first person goes on with the first name.
    if (isFirst) go(['start']);
  });
  const nameError = fieldError(error, 'name');
  const passwordError = fieldError(error, 'password');
  const words = isFirst ? t.first : t.invitation;
  return (
    <Gate
      title={words.title}
      lead={words.lead(texts.roles[role])}
      foot={
        <p>
          {t.invitation.expires} <Time value={expires} />
        </p>
      }
    >
      <Form onSubmit={() => void run()}>
        <TextField
          label={t.user}
          note={t.invitation.nameNote}
          error={nameError}
          name="username"
          value={name}
          onValue={setName}
          autoComplete="username"
          isMono
          required
          autoFocus={givenName === undefined}
          disabled={givenName !== undefined}
          maxLength={64}
        />
        <TextField
          label={t.invitation.password}
          note={t.invitation.passwordNote(SHORTEST_PASSWORD)}
          error={passwordError}
          name="password"
          type="password"
          value={password}
          onValue={setPassword}
          autoComplete="new-password"
          minLength={SHORTEST_PASSWORD}
          required
          autoFocus={givenName !== undefined}
        />
        <ErrorBox error={otherError(error, 'name', 'password')} />
        <Button type="submit" kind="primary" isBusy={isRunning}>
          {words.action}
        </Button>
      </Form>
    </Gate>
  );
}
