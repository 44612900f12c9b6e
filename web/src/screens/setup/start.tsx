/** The last steps of the first run, at the server itself: the first name, the device, and its first update. */

import { useState } from 'preact/hooks';
import { call, Problem } from '../../api.ts';
import { Button } from '../../components/button.tsx';
import { SelectField, TextField } from '../../components/field.tsx';
import { Form } from '../../components/form.tsx';
import { Panel } from '../../components/page.tsx';
import { Empty, ErrorBox, Show } from '../../components/states.tsx';
import { useAction, useOperation } from '../../operation.ts';
import { fieldError } from '../../problem-text.ts';
import { texts } from '../../texts.ts';
import { DeviceStep } from './device.tsx';
import { hasFieldErrors } from './errors.ts';
import { Frame } from './frame.tsx';

const t = texts.setup.name;

export default function Start() {
  const [host, setHost] = useState<string>();
  if (host !== undefined) return <DeviceStep host={host} onBack={() => setHost(undefined)} />;
  return <NameStep onName={setHost} />;
}

function NameStep({ onName }: { readonly onName: (host: string) => void }) {
  const status = useOperation('GET /v1/status', {});
  return (
    <Frame step="name" title={t.title} lead={t.lead}>
      <Panel>
        <Show of={status}>
          {({ embedded, remote }) => {
            const zones = [...embedded.map(({ zone }) => zone), ...remote].map((zone) => zone.replace(/\.$/, ''));
            return zones.length === 0 ? <Empty title={t.noZone} /> : <NameForm zones={zones} onName={onName} />;
          }}
        </Show>
      </Panel>
      <p>
        <a href="#/">{t.skip}</a>
      </p>
    </Frame>
  );
}

function NameForm({ zones, onName }: { readonly zones: readonly string[]; readonly onName: (host: string) => void }) {
  const [label, setLabel] = useState('home');
  const [zone, setZone] = useState(zones[0]!);
  const host = `${label.trim().toLowerCase()}.${zone}`;
  const { run, isRunning, error } = useAction(async () => {
    await call('POST /v1/hosts', { host }).catch((cause: unknown) => {
      // It is there: from an earlier attempt.
      if (!(cause instanceof Problem) || cause.code !== 'conflict') throw cause;
    });
    onName(host);
  });
  return (
    <Form onSubmit={() => void run()}>
      <div class="name-row">
        <TextField
          label={t.name}
          value={label}
          onValue={setLabel}
          error={fieldError(error, 'host')}
          autoComplete="off"
          isMono
          required
        />
        <SelectField
          label={t.zone}
          value={zone}
          onValue={setZone}
          options={zones.map((one) => [one, `.${one}`] as const)}
        />
      </div>
      <p class="soft break">{t.preview(host)}</p>
      {!hasFieldErrors(error) && <ErrorBox error={error} />}
      <div class="form-actions">
        <Button type="submit" kind="primary" isBusy={isRunning}>
          {texts.setup.next}
        </Button>
      </div>
    </Form>
  );
}
