/** The third step: where the server listens, and what is still missing: ports, the delegation, the primary. Nothing is applied. */

import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../../api.ts';
import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/copy.tsx';
import { TextField } from '../../components/field.tsx';
import { Form } from '../../components/form.tsx';
import { Panel } from '../../components/page.tsx';
import { State, type Tone } from '../../components/state.tsx';
import { Banner, ErrorBox, Loading } from '../../components/states.tsx';
import { announce } from '../../components/toast.tsx';
import { useAction } from '../../operation.ts';
import { fieldError } from '../../problem-text.ts';
import type { FindingStatus, SetupFinding, SetupListen, SetupZone } from '../../setup-types.ts';
import { texts } from '../../texts.ts';
import { hasFieldErrors } from './errors.ts';
import { Choices, Frame, type StepProps } from './frame.tsx';

const t = texts.setup.network;

export function NetworkStep({ state, onAnswer, onStep }: StepProps) {
  const [findings, setFindings] = useState<readonly SetupFinding[]>();
  const check = useAction(async () => {
    const found = (await call('POST /v1/setup/checks', {})).findings;
    setFindings(found);
    announce(t.checked(found.filter(({ status }) => status === 'problem').length));
  });
  // One after the other: they open the ports for a moment. The one of the newest answers comes last.
  const queue = useRef<Promise<unknown>>(Promise.resolve());
  const checkNext = () => {
    queue.current = queue.current.then(() => check.run());
    return queue.current;
  };
  useEffect(() => {
    void checkNext();
  }, []);
  const zone = state.zone!;
  const isBlocked = findings?.some(({ group, status }) => group === 'ports' && status === 'problem') === true;
  return (
    <Frame step="network" onStep={onStep} title={t.title} lead={t.lead}>
      <ListenForm
        listen={state.listen}
        isFixed={state.listenIsFixed}
        isEmbedded={zone.kind === 'embedded'}
        onSaved={async (body) => {
          onAnswer(await call('PUT /v1/setup/listen', body), 'network');
          setFindings(undefined);
          await checkNext();
        }}
      />
      {zone.parent !== undefined && <ParentPanel zone={zone} />}
      <Panel
        title={t.checks}
        actions={
          <Button isBusy={check.isRunning} onClick={() => void checkNext()}>
            {t.again}
          </Button>
        }
      >
        <ErrorBox error={check.error} />
        {findings === undefined ? check.error === undefined && <Loading lines={5} /> : <Findings findings={findings} />}
      </Panel>
      {isBlocked && <Banner tone="bad">{t.blocked}</Banner>}
      <div class="form-actions">
        <Button kind="primary" disabled={findings === undefined || isBlocked} onClick={() => onAnswer(state, 'review')}>
          {texts.setup.next}
        </Button>
      </div>
    </Frame>
  );
}

function ListenForm({
  listen,
  isFixed,
  isEmbedded,
  onSaved,
}: {
  readonly listen: SetupListen;
  readonly isFixed: boolean;
  readonly isEmbedded: boolean;
  readonly onSaved: (body: Readonly<Record<string, string>>) => Promise<void>;
}) {
  const [http, setHttp] = useState(listen.http);
  const [names, setNames] = useState(listen.names?.join(', ') ?? '');
  const [email, setEmail] = useState(listen.email ?? '');
  const [dns, setDns] = useState(listen.dns?.join(', ') ?? '');
  const { run, isRunning, error } = useAction(() =>
    onSaved({
      http,
      ...(http === 'https' && { names: names.trim(), ...(email.trim() !== '' && { email: email.trim() }) }),
      ...(dns.trim() !== '' && { dns: dns.trim() }),
    }),
  );
  return (
    <Panel>
      <Form onSubmit={() => void run()}>
        {isFixed ? (
          <Banner tone="idle">{t.fixed}</Banner>
        ) : (
          <Choices legend={t.http} name="http" value={http} onValue={setHttp} options={t.httpChoices} />
        )}
        {http === 'https' && (
          <div class="form-row">
            <TextField
              label={t.names}
              note={t.namesNote}
              value={names}
              onValue={setNames}
              error={fieldError(error, 'names')}
              required
              isMono
            />
            <TextField
              label={t.email}
              note={t.emailNote}
              type="email"
              value={email}
              onValue={setEmail}
              error={fieldError(error, 'email')}
            />
          </div>
        )}
        {isEmbedded && (
          <details class="setup-more" open={fieldError(error, 'dns') !== undefined || dns !== ''}>
            <summary>{t.dnsMore}</summary>
            <div class="form">
              <TextField
                label={t.dns}
                note={t.dnsNote}
                placeholder="0.0.0.0:53, [::]:53"
                value={dns}
                onValue={setDns}
                error={fieldError(error, 'dns')}
                isMono
              />
            </div>
          </details>
        )}
        {!hasFieldErrors(error) && <ErrorBox error={error} />}
        <div class="form-actions">
          <Button type="submit" isBusy={isRunning}>
            {t.save}
          </Button>
        </div>
      </Form>
    </Panel>
  );
}

function ParentPanel({ zone: { zone, parent } }: { readonly zone: SetupZone }) {
  const { isAtRegistrar, name = '', lines } = parent!;
  return (
    <Panel
      title={t.parent.title}
      lead={isAtRegistrar ? t.parent.registrar(zone) : t.parent.zone(name.replace(/\.$/, ''))}
    >
      <CodeBlock text={lines.join('\n')} what={t.parent.lines} />
    </Panel>
  );
}

const TONES: Readonly<Record<FindingStatus, Tone>> = {
  ok: 'good',
  warning: 'warn',
  problem: 'bad',
  'not checked': 'idle',
};
const GROUPS = ['ports', 'primary', 'delegation', 'nameservers', 'outside'] as const;

function Findings({ findings }: { readonly findings: readonly SetupFinding[] }) {
  return (
    <div class="findings">
      {GROUPS.map((group) => {
        const own = findings.filter((finding) => finding.group === group);
        if (own.length === 0) return null;
        return (
          <section key={group} class="stack">
            <h3>{t.groups[group]}</h3>
            <ul class="stack">
              {own.map((finding) => (
                <li key={finding.text} class="finding">
                  <State tone={TONES[finding.status]}>{t.statuses[finding.status]}</State>
                  <div class="stack">
                    <p class="break">{finding.text}</p>
                    {finding.advice !== undefined && <Advice text={finding.advice} />}
                  </div>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

/** Sentences; lines that begin with two spaces are to be copied. */
function Advice({ text }: { readonly text: string }) {
  const parts: { isCode: boolean; lines: string[] }[] = [];
  for (const line of text.split('\n')) {
    const isCode = line.startsWith('  ');
    if (parts.at(-1)?.isCode !== isCode) parts.push({ isCode, lines: [] });
    parts.at(-1)!.lines.push(isCode ? line.slice(2) : line);
  }
  return (
    <div class="stack soft">
      {parts.map(({ isCode, lines }) =>
        isCode ? (
          <CodeBlock key={lines.join()} text={lines.join('\n')} what={t.linesToCopy} />
        ) : (
          <p key={lines.join()} class="break">
            {lines.join(' ')}
          </p>
        ),
      )}
    </div>
  );
}
