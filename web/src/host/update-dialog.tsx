/** An update by hand: what to set, then what would change by it, then the change. */

import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { HostWithDetailsView, PreviewView } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { DialogActions, Form } from '../components/form.tsx';
import { ErrorBox } from '../components/states.tsx';
import { toast } from '../components/toast.tsx';
import { useAction } from '../operation.ts';
import { texts } from '../texts.ts';
import { PreviewTable } from './preview-table.tsx';

const t = texts.host.update;

export function UpdateDialog({
  host,
  onDone,
  onClose,
}: {
  readonly host: HostWithDetailsView;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const name = host.host;
  const [what, setWhat] = useState<'set' | 'remove'>('set');
  const [v4, setV4] = useState(host.published?.A[0] ?? '');
  const [v6, setV6] = useState('');
  const [missing, setMissing] = useState(false);
  const [preview, setPreview] = useState<PreviewView>();
  const ips = [v4, v6].map((text) => text.trim()).filter((text) => text !== '');
  const look = useAction(async () => {
    const { preview: seen } =
      what === 'set'
        ? await call('POST /v1/hosts/{host}/addresses', { host: name, ips, dry_run: true })
        : await call('DELETE /v1/hosts/{host}/addresses', { host: name, dry_run: true });
    setPreview(seen);
  });
  const apply = useAction(async () => {
    if (what === 'set') await call('POST /v1/hosts/{host}/addresses', { host: name, ips });
    else await call('DELETE /v1/hosts/{host}/addresses', { host: name });
    toast(what === 'set' ? t.done(name) : t.removed(name));
    onDone();
    onClose();
  });
  const isEmpty = what === 'set' && ips.length === 0;
  if (preview !== undefined) {
    return (
      <Dialog title={t.title(name)} onClose={onClose} isWide>
        <div class="stack">
          <PreviewTable host={name} preview={preview} />
          <ErrorBox error={apply.error} />
          <div class="form-actions">
            <Button
              onClick={() => {
                apply.clear();
                setPreview(undefined);
              }}
            >
              {t.edit}
            </Button>
            <Button
              kind={what === 'set' ? 'primary' : 'danger'}
              isBusy={apply.isRunning}
              disabled={!hasChange(preview)}
              onClick={() => void apply.run()}
            >
              {what === 'set' ? t.apply : t.applyRemoval}
            </Button>
          </div>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t.title(name)} onClose={onClose}>
      <Form
        isUnchecked
        onSubmit={() => {
          setMissing(isEmpty);
          if (!isEmpty) void look.run();
        }}
      >
        <SelectField
          label={t.what}
          value={what}
          onValue={setWhat}
          options={[
            ['set', t.set],
            ['remove', t.remove],
          ]}
        />
        {what === 'set' && (
          <>
            <TextField
              label={t.v4}
              value={v4}
              onValue={setV4}
              isMono
              placeholder="192.0.2.1"
              autoComplete="off"
              error={missing && isEmpty ? t.needed : undefined}
            />
            <TextField
              label={t.v6}
              note={t.note}
              value={v6}
              onValue={setV6}
              isMono
              placeholder="2001:db8::1"
              autoComplete="off"
            />
          </>
        )}
        <ErrorBox error={look.error} />
        <DialogActions onCancel={onClose} isBusy={look.isRunning}>
          {t.preview}
        </DialogActions>
      </Form>
    </Dialog>
  );
}

export function hasChange({ A, AAAA, members }: PreviewView): boolean {
  return A.changed || AAAA.changed || members.some(({ changed }) => changed);
}
