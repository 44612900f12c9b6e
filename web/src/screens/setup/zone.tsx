/** The second step: the zone, and who serves it. A key of an existing primary is tried before the step ends. */

import { useState } from 'preact/hooks';
import { call } from '../../api.ts';
import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/copy.tsx';
import { SelectField, TextField } from '../../components/field.tsx';
import { Form } from '../../components/form.tsx';
import { Panel } from '../../components/page.tsx';
import { ErrorBox } from '../../components/states.tsx';
import { announce } from '../../components/toast.tsx';
import { useAction } from '../../operation.ts';
import { fieldError } from '../../problem-text.ts';
import type { SetupKey } from '../../setup-types.ts';
import { texts } from '../../texts.ts';
import { hasFieldErrors } from './errors.ts';
import { Choices, Frame, type StepProps } from './frame.tsx';

const t = texts.setup.zone;

type Kind = 'embedded' | 'remote';

const ALGORITHMS = ['hmac-sha512', 'hmac-sha384', 'hmac-sha256', 'hmac-sha224', 'hmac-sha1'] as const;

export function ZoneStep({ state, onAnswer, onStep }: StepProps) {
  const before = state.zone;
  const [kind, setKind] = useState<Kind>(before?.kind ?? 'embedded');
  const [fields, setFields] = useState<Readonly<Record<string, string>>>({
    zone: before?.zone ?? '',
    addresses: (before?.addresses ?? state.addresses).join(', '),
    ns: before?.ns?.map(withoutDot).join(', ') ?? '',
    contact: before?.contact ?? '',
    nameserver: before?.nameserver ?? '',
    port: before?.port === undefined ? '' : String(before.port),
    keyName: withoutDot(before?.keyName ?? ''),
    algorithm: before?.algorithm ?? 'hmac-sha512',
    key: '',
  });
  const set = (name: string) => (value: string) => setFields((old) => ({ ...old, [name]: value }));
  const { run, isRunning, error } = useAction(async () => {
    const names = kind === 'embedded' ? EMBEDDED_FIELDS : REMOTE_FIELDS;
    const filled = names.flatMap((name) => (fields[name]?.trim() ? [[name, fields[name]!.trim()] as const] : []));
    onAnswer(await call('PUT /v1/setup/zone', { kind, ...Object.fromEntries(filled) }), 'network');
  });
  const text = (name: string) => ({
    value: fields[name] ?? '',
    onValue: set(name),
    error: fieldError(error, name),
    isMono: true as const,
    autoComplete: 'off',
  });
  return (
    <Frame step="zone" onStep={onStep} title={t.title} lead={t.lead}>
      <Panel>
        <Form onSubmit={() => void run()}>
          <Choices legend={t.kind} name="kind" value={kind} onValue={setKind} options={t.kinds} />
          <TextField label={t.zone} note={t.zoneNote} placeholder="dyn.example.com" required {...text('zone')} />
          {kind === 'embedded' ? (
            <>
              <TextField label={t.addresses} note={t.addressesNote} {...text('addresses')} />
              <details
                class="setup-more"
                open={['ns', 'contact'].some((name) => fieldError(error, name) !== undefined)}
              >
                <summary>{t.more}</summary>
                <div class="form">
                  <TextField
                    label={t.ns}
                    note={t.nsNote}
                    placeholder={`ns1.${fields['zone'] || 'dyn.example.com'}`}
                    {...text('ns')}
                  />
                  <TextField
                    label={t.contact}
                    note={t.contactNote}
                    placeholder={`hostmaster@${fields['zone'] || 'dyn.example.com'}`}
                    {...text('contact')}
                  />
                </div>
              </details>
            </>
          ) : (
            <>
              <div class="form-row">
                <TextField
                  label={t.nameserver}
                  note={t.nameserverNote}
                  placeholder="192.0.2.53"
                  required
                  {...text('nameserver')}
                />
                <TextField label={t.port} placeholder="53" inputMode="numeric" {...text('port')} />
              </div>
              <NewKey
                zone={fields['zone'] ?? ''}
                onKey={({ key, keyName, algorithm }) => setFields((old) => ({ ...old, key, keyName, algorithm }))}
              />
              <TextField label={t.key} note={t.keyNote} required {...text('key')} />
              <div class="form-row">
                <TextField label={t.keyName} placeholder={fields['zone'] || 'dyn.example.com'} {...text('keyName')} />
                <SelectField
                  label={t.algorithm}
                  value={fields['algorithm'] ?? 'hmac-sha512'}
                  onValue={set('algorithm')}
                  options={ALGORITHMS.map((one) => [one, one] as const)}
                />
              </div>
            </>
          )}
          {!hasFieldErrors(error) && <ErrorBox error={error} />}
          <div class="form-actions">
            <Button type="submit" kind="primary" isBusy={isRunning}>
              {kind === 'remote' ? t.tryKey : texts.setup.next}
            </Button>
          </div>
        </Form>
      </Panel>
    </Frame>
  );
}

const EMBEDDED_FIELDS = ['zone', 'addresses', 'ns', 'contact'];
const REMOTE_FIELDS = ['zone', 'nameserver', 'port', 'keyName', 'algorithm', 'key'];

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

const SOFTWARE = [
  ['bind', 'BIND'],
  ['knot', 'Knot DNS'],
  ['powerdns', 'PowerDNS'],
] as const;

/** Makes a key, and shows the lines for the primary's own configuration. */
function NewKey({ zone, onKey }: { readonly zone: string; readonly onKey: (key: SetupKey) => void }) {
  const [primary, setPrimary] = useState<(typeof SOFTWARE)[number][0]>('bind');
  const [made, setMade] = useState<SetupKey>();
  const { run, isRunning, error } = useAction(async () => {
    const key = await call('POST /v1/setup/key', { zone: zone.trim(), primary });
    setMade(key);
    onKey(key);
    announce(t.newKey.made);
  });
  return (
    <details class="setup-more">
      <summary>{t.newKey.title}</summary>
      <div class="form">
        <p class="soft">{t.newKey.text}</p>
        <div class="row setup-key">
          <SelectField label={t.newKey.software} value={primary} onValue={setPrimary} options={SOFTWARE} />
          <Button isBusy={isRunning} onClick={() => void run()}>
            {t.newKey.make}
          </Button>
        </div>
        <ErrorBox error={error} />
        {made !== undefined && (
          <div class="stack">
            <p>{made.place}</p>
            <CodeBlock text={made.lines} what={t.newKey.lines} />
            {made.also !== '' && <p class="soft">{made.also}</p>}
          </div>
        )}
      </div>
    </details>
  );
}
