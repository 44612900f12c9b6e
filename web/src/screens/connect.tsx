/**
 * Connect a device: choose a name, choose the device, make its token, copy the settings, and see the first update arrive. The settings
 * come from the server, as docs/clients has them.
 */

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call, Problem, type Result } from '../api.ts';
import type { NewTokenView } from '../api-types.ts';
import { nowMs } from '../clock.ts';
import { Button, ButtonLink } from '../components/button.tsx';
import { Address, CodeBlock, CopyButton, HostName } from '../components/copy.tsx';
import { ConfirmDestructive } from '../components/dialog.tsx';
import { faultText } from '../components/event-text.tsx';
import { SearchField, SelectField, TextField } from '../components/field.tsx';
import { Form } from '../components/form.tsx';
import { Icon } from '../components/icons.tsx';
import { Page, Panel } from '../components/page.tsx';
import { Prose } from '../components/prose.tsx';
import { QrCode } from '../components/qr.tsx';
import { Banner, ErrorBox, Loading, Show } from '../components/states.tsx';
import { announce } from '../components/toast.tsx';
import { DEVICE_CHOICES } from '../device-choices.ts';
import { type HostEvent, useEvents } from '../events.ts';
import { plainName } from '../names.ts';
import { useAction, useOperation } from '../operation.ts';
import { fieldError, otherError } from '../problem-text.ts';
import { go, href } from '../router.ts';
import type { ScreenProps } from '../screen-props.ts';
import { isOnlyHere, rememberedServer, rememberServer, serverUrl } from '../server-address.ts';
import { isAdmin, me } from '../session.ts';
import { texts } from '../texts.ts';

const t = texts.connect;

type Step = keyof typeof t.steps;
const STEPS: readonly Step[] = ['name', 'device', 'settings'];

export default function Connect({ params: { host, client } }: ScreenProps) {
  if (host === undefined) return <ChooseName />;
  const device = DEVICE_CHOICES.find(({ id }) => id === client);
  if (device === undefined) return <ChooseDevice host={host} />;
  return <SetUp key={`${host} ${device.id}`} host={host} client={device.id} title={device.title} />;
}

function Steps({ current, host }: { readonly current: Step; readonly host?: string }) {
  const at = STEPS.indexOf(current);
  return (
    <nav aria-label={t.navigation}>
      <ol class="steps">
        {STEPS.map((step, index) => {
          const path = index === 0 ? ['connect'] : ['connect', host ?? ''];
          const content = (
            <>
              <span class="step-number">{index < at ? <Icon name="check" size={14} /> : index + 1}</span>
              {t.steps[step]}
            </>
          );
          return (
            <li
              key={step}
              class={index > at ? 'step step-later' : index < at ? 'step step-done' : 'step'}
              aria-current={index === at ? 'step' : undefined}
            >
              {index < at ? <a href={href(path)}>{content}</a> : <span>{content}</span>}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

// 1. The name

/** Where names may be taken: what is entered is put in front of it. */
interface Suffix {
  readonly suffix: string;
}

function ChooseName() {
  return (
    <Page title={t.title} lead={t.name.lead} isNarrow>
      <Steps current="name" />
      {isAdmin() ? <AdminNewName /> : <NewName suffixes={claimSuffixes()} />}
      <OwnNames />
    </Page>
  );
}

function claimSuffixes(): Suffix[] {
  return me().claims.map(({ zone, pattern }) => {
    const below = pattern.replace(/^\*\.?/, '');
    return { suffix: plainName(below === '' ? zone : `${below}.${zone}`) };
  });
}

function AdminNewName() {
  const status = useOperation('GET /v1/status', {});
  return (
    <Show of={status} lines={3}>
      {({ embedded, remote }) => (
        <NewName
          suffixes={[...embedded.map(({ zone }) => zone), ...remote].map((zone) => ({ suffix: plainName(zone) }))}
        />
      )}
    </Show>
  );
}

const LABELS = /^[\p{L}\p{N}_](?:[\p{L}\p{N}_.-]{0,200}[\p{L}\p{N}_])?$/u;

function NewName({ suffixes }: { readonly suffixes: readonly Suffix[] }) {
  const [label, setLabel] = useState('');
  const [suffix, setSuffix] = useState(suffixes[0]?.suffix ?? '');
  const name = label.trim().toLowerCase().replace(/\.$/, '');
  const full = name.endsWith(`.${suffix}`) ? name : `${name}.${suffix}`;
  const { run, isRunning, error } = useAction(async () => {
    await call('POST /v1/hosts', { host: full });
    go(['connect', full]);
  });
  if (suffixes.length === 0) return <Banner tone="idle">{isAdmin() ? t.name.noZones : t.name.none}</Banner>;
  const isValid = LABELS.test(name);
  const isTaken = error instanceof Problem && (error.status === 409 || error.status === 403 || error.status === 404);
  const problem = isTaken
    ? error.status === 409 && isAdmin()
      ? t.name.taken
      : t.name.takenOther
    : name !== '' && !isValid
      ? t.name.invalid
      : fieldError(error, 'host');
  return (
    <Panel title={t.name.newTitle}>
      <Form
        onSubmit={() => {
          if (isValid) void run();
        }}
      >
        <div class="name-entry">
          <TextField
            label={t.name.label}
            value={label}
            onValue={setLabel}
            placeholder={t.name.placeholder}
            error={problem}
            isMono
            required
            autoComplete="off"
          />
          {suffixes.length === 1 ? (
            <p class="name-suffix mono">.{suffix}</p>
          ) : (
            <SelectField
              label={t.name.zone}
              value={suffix}
              onValue={setSuffix}
              options={suffixes.map((one) => [one.suffix, `.${one.suffix}`])}
            />
          )}
        </div>
        <p class="soft break" aria-live="polite">
          {isValid ? t.name.preview(full) : '\u00a0'}
        </p>
        {error !== undefined && !isTaken && problem === undefined && <ErrorBox error={error} />}
        <div class="form-actions">
          <Button type="submit" kind="primary" isBusy={isRunning}>
            {t.name.action}
          </Button>
        </div>
      </Form>
    </Panel>
  );
}

const OWN_NAMES = 8;

function OwnNames() {
  const [search, setSearch] = useState('');
  const hosts = useOperation('GET /v1/overview', {
    search: search.trim() || undefined,
    limit: OWN_NAMES,
    sort: 'state',
  });
  if (search === '' && (hosts.data === undefined || hosts.data.hosts.length === 0)) return null;
  const rows = hosts.data?.hosts.filter(({ access }) => access !== 'view') ?? [];
  return (
    <Panel title={t.name.ownTitle}>
      {(rows.length >= OWN_NAMES || search !== '') && (
        <SearchField label={t.name.search} value={search} onValue={setSearch} />
      )}
      <ul class="choices">
        {rows.map(({ host }) => (
          <li key={host}>
            <a class="choice" href={href(['connect', plainName(host)])}>
              <span class="break">
                <HostName name={host} />
              </span>
              <Icon name="right" size={16} />
            </a>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

// 2. The device

function ChooseDevice({ host }: { readonly host: string }) {
  return (
    <Page title={t.device.title(host)} lead={t.device.lead}>
      <Steps current="device" host={host} />
      {(['routers', 'programs'] as const).map((group) => (
        <section key={group} class="stack">
          <h2>{t.device.groups[group]}</h2>
          <ul class="device-grid">
            {DEVICE_CHOICES.filter((one) => one.group === group).map(({ id, title }) => (
              <li key={id}>
                <a class="device" href={href(['connect', host, id])}>
                  {title}
                  <Icon name="right" size={16} />
                </a>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Page>
  );
}

// 3. Token, settings, first update

interface Credential {
  readonly token: string;
  readonly secret: string;
  readonly madeMs: number;
}

function SetUp({ host, client, title }: { readonly host: string; readonly client: string; readonly title: string }) {
  const [credential, setCredential] = useState<Credential>();
  const [server, setServer] = useState(rememberedServer);
  const url = serverUrl(server);
  useUnsavedWarning(credential !== undefined);
  return (
    <Page
      title={t.settings.title(title)}
      lead={t.settings.lead(host)}
      actions={<ButtonLink href={href(['connect', host])}>{t.settings.otherDevice}</ButtonLink>}
    >
      <Steps current="settings" host={host} />
      <div class="connect-columns">
        <div class="stack connect-main">
          {credential === undefined ? (
            <MakeToken host={host} client={client} onToken={setCredential} />
          ) : (
            <Secret credential={credential} />
          )}
          <Panel>
            <ServerField value={server} onValue={setServer} />
          </Panel>
          {credential !== undefined && (
            <Instructions host={host} client={client} title={title} credential={credential} server={url} />
          )}
        </div>
        <FirstUpdate host={host} credential={credential} />
      </div>
    </Page>
  );
}

/** Asks before the tab is closed while a secret is shown that cannot be read again. */
function useUnsavedWarning(isShown: boolean): void {
  useEffect(() => {
    if (!isShown) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', warn);
    return () => window.removeEventListener('beforeunload', warn);
  }, [isShown]);
}

function MakeToken({
  host,
  client,
  onToken,
}: {
  readonly host: string;
  readonly client: string;
  readonly onToken: (credential: Credential) => void;
}) {
  const [name, setName] = useState(`${host.split('.')[0] ?? host}-${client}`.slice(0, 64));
  const [isOther, setOther] = useState(false);
  const details = useOperation('GET /v1/hosts/{host}', { host });
  const others = details.data?.tokens.filter(({ origin }) => origin === 'store') ?? [];
  const use = ({ token, secret }: NewTokenView) => onToken({ token: token.name, secret, madeMs: Date.now() });
  const { run, isRunning, error } = useAction(async () => {
    use(await call('POST /v1/tokens', { name: name.trim(), hosts: [host] }));
  });
  const isTaken = error instanceof Problem && error.status === 409;
  return (
    <Panel title={t.settings.token.title} lead={t.settings.token.lead}>
      {isOther ? (
        <RotateToken names={others.map((one) => one.name)} onToken={use} onBack={() => setOther(false)} />
      ) : (
        <Form onSubmit={() => void run()}>
          <TextField
            label={t.settings.token.name}
            note={t.settings.token.note}
            error={isTaken ? t.settings.token.taken : fieldError(error, 'name')}
            value={name}
            onValue={setName}
            required
            maxLength={64}
            autoComplete="off"
          />
          {!isTaken && <ErrorBox error={otherError(error, 'name')} />}
          <div class="form-actions">
            {others.length > 0 && (
              <Button kind="plain" onClick={() => setOther(true)}>
                {t.settings.token.useOther}
              </Button>
            )}
            <Button type="submit" kind="primary" isBusy={isRunning}>
              {t.settings.token.make}
            </Button>
          </div>
        </Form>
      )}
    </Panel>
  );
}

function RotateToken({
  names,
  onToken,
  onBack,
}: {
  readonly names: readonly string[];
  readonly onToken: (token: NewTokenView) => void;
  readonly onBack: () => void;
}) {
  const [name, setName] = useState(names[0] ?? '');
  const [isAsking, setAsking] = useState(false);
  return (
    <div class="form">
      <SelectField
        label={t.settings.token.other}
        value={name}
        onValue={setName}
        options={names.map((one) => [one, one])}
      />
      <div class="form-actions">
        <Button kind="plain" onClick={onBack}>
          {t.settings.token.makeNew}
        </Button>
        <Button kind="primary" onClick={() => setAsking(true)}>
          {t.settings.token.rotate}
        </Button>
      </div>
      {isAsking && (
        <ConfirmDestructive
          title={t.settings.token.rotateTitle(name)}
          destroys={[t.settings.token.rotateDestroys]}
          action={t.settings.token.rotate}
          onConfirm={async () => onToken(await call('POST /v1/tokens/{name}/rotate', { name }))}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}

function Secret({ credential: { token, secret } }: { readonly credential: Credential }) {
  const [hasQr, setQr] = useState(false);
  const heading = useRef<HTMLDivElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div ref={heading} tabIndex={-1}>
      <Panel>
        <Banner tone="warn">{t.settings.token.once(token)}</Banner>
        <div class="row secret-row">
          <code class="secret break">{secret}</code>
          <CopyButton text={secret} what={t.settings.token.secret} />
          <Button isSmall aria-expanded={hasQr} onClick={() => setQr(!hasQr)}>
            {hasQr ? t.settings.token.hideQr : t.settings.token.showQr}
          </Button>
        </div>
        {hasQr && <QrCode text={secret} what={t.settings.token.secret} />}
      </Panel>
    </div>
  );
}

function ServerField({ value, onValue }: { readonly value: string; readonly onValue: (value: string) => void }) {
  const url = serverUrl(value);
  const isLocal = url !== undefined && isOnlyHere(new URL(url).hostname);
  const problem =
    isLocal || value.trim() === '' ? undefined : url === undefined ? t.settings.server.invalid : undefined;
  const note =
    isLocal || (value === '' && isOnlyHere(window.location.hostname))
      ? t.settings.server.local
      : t.settings.server.note;
  return (
    <TextField
      label={t.settings.server.label}
      note={note}
      error={problem}
      value={value}
      inputMode="url"
      isMono
      onValue={(text) => {
        onValue(text);
        const entered = serverUrl(text);
        if (entered !== undefined) rememberServer(entered);
      }}
    />
  );
}

type Section = Result<'GET /v1/hosts/{host}/instructions'>['sections'][number];

/** What to enter at the device, with the secret in its place. The first run shows it, too. */
export function Instructions({
  host,
  client,
  title,
  credential,
  server,
}: {
  readonly host: string;
  readonly client: string;
  readonly title: string;
  readonly credential: Credential;
  readonly server: string | undefined;
}) {
  const instructions = useOperation('GET /v1/hosts/{host}/instructions', {
    host,
    client,
    token: credential.token,
    server,
  });
  const fill = (text: string) => withSecret(text, credential.secret);
  return (
    <Show of={instructions} lines={6}>
      {({ sections, warnings }) => (
        <>
          {sections.map((section) => (
            <InstructionSection key={section.id} section={section} fill={fill} />
          ))}
          {warnings.length > 0 && (
            <Panel title={t.settings.warnings(title)}>
              <ul class="bullets">
                {warnings.map((warning) => (
                  <li key={warning}>
                    <Prose text={warning} />
                  </li>
                ))}
              </ul>
            </Panel>
          )}
        </>
      )}
    </Show>
  );
}

/** The server does not know the secret: its place is `TOKEN`. A line of documentation in a program keeps it. */
export function withSecret(text: string, secret: string): string {
  return text
    .split('\n')
    .map((line) => (line.includes('"""') ? line : line.replace(/(?<![\w-])TOKEN(?![\w-])/g, () => secret)))
    .join('\n');
}

function InstructionSection({ section, fill }: { readonly section: Section; readonly fill: (text: string) => string }) {
  const { kind, title, fields = [], text = '', file, mode } = section;
  return (
    <Panel>
      <h2 class="instruction-title">
        <Prose text={title} />
      </h2>
      {file !== undefined && <p class="small soft mono">{t.settings.file(file, mode)}</p>}
      {kind === 'fields' ? (
        <dl class="device-fields">
          {fields.map(({ name, value, isChoice, note }) => (
            <div key={name} class="device-field">
              <dt>{name}</dt>
              <dd>
                <span class="address device-value">
                  {isChoice === true ? <span>{value}</span> : <code class="break">{fill(value)}</code>}
                  {isChoice === true ? (
                    <span class="small soft">({t.settings.choose})</span>
                  ) : (
                    <CopyButton text={fill(value)} what={name} />
                  )}
                </span>
                {note !== undefined && (
                  <p class="field-note">
                    <Prose text={note} />
                  </p>
                )}
              </dd>
            </div>
          ))}
        </dl>
      ) : (
        <CodeBlock
          text={fill(text).replace(/\n$/, '')}
          what={title.replaceAll('`', '')}
          isWrapped={!text.trimEnd().includes('\n')}
        />
      )}
    </Panel>
  );
}

// The first update

type Progress =
  | { readonly state: 'waiting'; readonly fault?: HostEvent }
  | { readonly state: 'arrived'; readonly addresses: readonly string[] };

/** Between two questions where no event arrives: an update that changes nothing is none. */
const POLL_MS = 3_000;
const SLOW_MS = 120_000;

function FirstUpdate({ host, credential }: { readonly host: string; readonly credential: Credential | undefined }) {
  const [progress, setProgress] = useState<Progress>({ state: 'waiting' });
  const isWaiting = credential !== undefined && progress.state === 'waiting';
  const arrive = (addresses: readonly string[]) => {
    setProgress({ state: 'arrived', addresses });
    announce(t.wait.arrived);
  };
  useEvents(
    {
      event: (event) => {
        if (!isWaiting || event.host !== host.toLowerCase() || event.actor !== credential.token) return;
        if (event.outcome !== 'changed') setProgress({ state: 'waiting', fault: event });
        else arrive([...(event.A?.after ?? []), ...(event.AAAA?.after ?? [])]);
      },
    },
    credential === undefined ? [] : [host],
  );
  useEffect(() => {
    if (!isWaiting) return undefined;
    const { token, madeMs } = credential;
    const poll = setInterval(() => {
      if (document.visibilityState !== 'visible') return;
      void wasAccepted(host, token, madeMs).then((addresses) => addresses !== undefined && arrive(addresses));
    }, POLL_MS);
    return () => clearInterval(poll);
  }, [isWaiting, host, credential]);
  return (
    <aside class="connect-wait">
      <section class={`panel wait-panel${progress.state === 'arrived' ? ' wait-arrived' : ''}`} aria-live="polite">
        <h2>{progress.state === 'arrived' ? t.wait.arrived : t.wait.title}</h2>
        {credential === undefined && <p class="soft">{t.wait.before}</p>}
        {isWaiting && <Waiting progress={progress} sinceMs={credential.madeMs} />}
        {progress.state === 'arrived' && <Arrived host={host} addresses={progress.addresses} />}
      </section>
    </aside>
  );
}

function Waiting({ progress, sinceMs }: { readonly progress: Progress; readonly sinceMs: number }) {
  const fault = progress.state === 'waiting' ? progress.fault : undefined;
  return (
    <>
      {fault !== undefined && (
        <Banner tone="bad" title={t.wait.fault}>
          <p>{faultText(fault.code, fault.detail)}</p>
          <p class="small soft">{t.wait.faultAfter}</p>
        </Banner>
      )}
      <p class="row wait-line">
        <span class="spinner" aria-hidden="true" />
        {t.wait.waiting}…
      </p>
      <p class="soft small">{nowMs.value - sinceMs > SLOW_MS ? t.wait.slow : t.wait.hint}</p>
    </>
  );
}

/** @returns the addresses of the name, if the token was used for an accepted update since */
async function wasAccepted(host: string, token: string, sinceMs: number): Promise<readonly string[] | undefined> {
  try {
    const { lastUsed } = await call('GET /v1/tokens/{name}', { name: token });
    if (lastUsed === undefined || Date.parse(lastUsed) < sinceMs - CLOCK_MS) return undefined;
    const { lastSeen, published } = await call('GET /v1/hosts/{host}', { host });
    if (lastSeen === undefined || Date.parse(lastSeen) < sinceMs - CLOCK_MS) return undefined;
    return [...(published?.A ?? []), ...(published?.AAAA ?? [])];
  } catch {
    // The next question may be answered.
    return undefined;
  }
}

/** The clocks of the browser and the server differ. The token is new, so that its use is an update of this device. */
const CLOCK_MS = 60_000;

function Arrived({ host, addresses }: { readonly host: string; readonly addresses: readonly string[] }) {
  return (
    <>
      <div class="stack">
        <p class="break">{t.wait.leads(host)}</p>
        {addresses.map((address) => (
          <Address key={address} value={address} />
        ))}
      </div>
      <DnsAnswer host={host} addresses={addresses} />
      <div class="row">
        <ButtonLink kind="primary" href={href([])}>
          {t.wait.overview}
        </ButtonLink>
        <ButtonLink href={href(['connect'])}>{t.wait.another}</ButtonLink>
      </div>
    </>
  );
}

const DNS_TRIES = 10;

/** Asks the nameserver until it answers with the addresses. */
function DnsAnswer({ host, addresses }: { readonly host: string; readonly addresses: readonly string[] }) {
  const [tries, setTries] = useState(0);
  const { data, error, isLoading, reload } = useOperation('GET /v1/hosts/{host}', { host });
  const answered = new Set([...(data?.published?.A ?? []), ...(data?.published?.AAAA ?? [])]);
  const isThere = data !== undefined && addresses.every((address) => answered.has(address));
  useEffect(() => {
    if (isThere || isLoading || tries >= DNS_TRIES) return undefined;
    const timer = setTimeout(() => {
      setTries(tries + 1);
      reload();
    }, 1_000);
    return () => clearTimeout(timer);
  }, [isThere, isLoading, tries, reload]);
  if (error !== undefined && data === undefined) return <ErrorBox error={error} onRetry={reload} />;
  if (data === undefined) return <Loading lines={1} />;
  return (
    <DnsLine isThere={isThere}>
      {isThere ? t.wait.answered : (data.publishedProblem ?? (tries < DNS_TRIES ? t.wait.asking : t.wait.notYet))}
    </DnsLine>
  );
}

function DnsLine({ isThere, children }: { readonly isThere: boolean; readonly children: ComponentChildren }) {
  return (
    <p class={`row ${isThere ? 'good-text' : 'soft'}`}>
      {isThere ? <Icon name="check" size={18} /> : <span class="spinner" aria-hidden="true" />}
      {children}
    </p>
  );
}
