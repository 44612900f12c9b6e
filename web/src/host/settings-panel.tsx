/** The settings of a name: shown in words, changed in a dialog, and paused or resumed. */

import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { HostWithDetailsView } from '../api-types.ts';
import { duration } from '../clock.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { TextField } from '../components/field.tsx';
import { DialogActions, Form } from '../components/form.tsx';
import { Fact, Facts, Panel } from '../components/page.tsx';
import { Banner, ErrorBox } from '../components/states.tsx';
import { toast } from '../components/toast.tsx';
import { useAction } from '../operation.ts';
import { fieldError, otherError } from '../problem-text.ts';
import { texts } from '../texts.ts';
import type { HostPanelProps } from './access-panel.tsx';

const t = texts.host.settings;
const HOUR = 3600;

export function SettingsPanel({ host, mayEdit, onChange }: HostPanelProps) {
  const [isEditing, setEditing] = useState(false);
  const toggle = useAction(async () => {
    const { enabled, host: name } = host;
    if (enabled) await call('POST /v1/hosts/{host}/disable', { host: name });
    else await call('POST /v1/hosts/{host}/enable', { host: name });
    toast(enabled ? t.paused(name) : t.resumed(name));
    onChange();
  });
  const { ttl, silentAfterSeconds, leaseSeconds, fallback = [], interfaceId, prefixLength, allow, deny } = host;
  return (
    <Panel
      title={t.title}
      actions={
        mayEdit && (
          <>
            <Button isSmall isBusy={toggle.isRunning} onClick={() => void toggle.run()}>
              {host.enabled ? t.pause : t.resume}
            </Button>
            <Button isSmall onClick={() => setEditing(true)}>
              {t.edit}
            </Button>
          </>
        )
      }
    >
      <div class="stack">
        {host.origin === 'configuration' && <Banner tone="idle">{t.configured}</Banner>}
        <ErrorBox error={toggle.error} />
        <Facts>
          <Fact name={t.ttl}>{ttl === undefined ? <span class="soft">{t.ttlDefault}</span> : duration(ttl)}</Fact>
          <Fact name={t.silent}>{silence(silentAfterSeconds)}</Fact>
          <Fact name={t.lease}>{silence(leaseSeconds)}</Fact>
          {fallback.length > 0 && (
            <Fact name={t.fallback}>
              <code class="break">{fallback.join(', ')}</code>
            </Fact>
          )}
          {interfaceId !== undefined && (
            <Fact name={t.interfaceId}>
              <code>{interfaceId}</code>
            </Fact>
          )}
          {prefixLength !== undefined && <Fact name={t.prefixLength}>/{prefixLength}</Fact>}
          {allow.length > 0 && (
            <Fact name={t.allow}>
              <code class="break">{allow.join(', ')}</code>
            </Fact>
          )}
          {deny.length > 0 && (
            <Fact name={t.deny}>
              <code class="break">{deny.join(', ')}</code>
            </Fact>
          )}
        </Facts>
      </div>
      {isEditing && <EditDialog host={host} onDone={onChange} onClose={() => setEditing(false)} />}
    </Panel>
  );
}

function silence(seconds: number | undefined) {
  return seconds === undefined || seconds === 0 ? <span class="soft">{t.never}</span> : duration(seconds);
}

function EditDialog({
  host,
  onDone,
  onClose,
}: {
  readonly host: HostWithDetailsView;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const [ttl, setTtl] = useState(host.ttl === undefined ? '' : String(host.ttl));
  const [silent, setSilent] = useState(hoursOf(host.silentAfterSeconds));
  const [lease, setLease] = useState(hoursOf(host.leaseSeconds));
  const [id, setId] = useState(host.interfaceId ?? '');
  const { run, isRunning, error } = useAction(async () => {
    const change = {
      host: host.host,
      ttl: ttl.trim() === '' ? null : Number(ttl),
      silentAfterSeconds: secondsOf(silent),
      leaseSeconds: secondsOf(lease),
      interfaceId: id.trim() === '' ? null : id.trim(),
    };
    await call('PATCH /v1/hosts/{host}', change, { ifMatch: host.revision });
    toast(t.saved);
    onDone();
    onClose();
  });
  const errors = {
    ttl: fieldError(error, 'ttl'),
    silent: fieldError(error, 'silentAfterSeconds'),
    lease: fieldError(error, 'leaseSeconds'),
    id: fieldError(error, 'interfaceId'),
  };
  return (
    <Dialog title={t.editTitle(host.host)} onClose={onClose}>
      <Form isUnchecked onSubmit={() => void run()}>
        <TextField
          label={t.ttlField}
          note={t.ttlNote}
          value={ttl}
          onValue={setTtl}
          inputMode="numeric"
          error={errors.ttl}
        />
        <TextField
          label={t.silentField}
          note={t.silentNote}
          value={silent}
          onValue={setSilent}
          inputMode="numeric"
          error={errors.silent}
        />
        <TextField
          label={t.leaseField}
          note={t.leaseNote}
          value={lease}
          onValue={setLease}
          inputMode="numeric"
          error={errors.lease}
        />
        <TextField label={t.idField} note={t.idNote} value={id} onValue={setId} isMono error={errors.id} />
        <ErrorBox error={otherError(error, 'ttl', 'silentAfterSeconds', 'leaseSeconds', 'interfaceId')} />
        <DialogActions onCancel={onClose} isBusy={isRunning}>
          {texts.common.save}
        </DialogActions>
      </Form>
    </Dialog>
  );
}

function hoursOf(seconds: number | undefined): string {
  return seconds === undefined || seconds === 0 ? '' : String(Math.round((seconds / HOUR) * 100) / 100);
}

/** 0: never. What is no number goes to the server, which says what is wrong. */
function secondsOf(hours: string): number {
  return hours.trim() === '' ? 0 : Math.round(Number(hours.replace(',', '.')) * HOUR);
}
