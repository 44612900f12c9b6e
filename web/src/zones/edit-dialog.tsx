/** Edits an RRset, or makes one: first the values, then what they change, then the change. */

import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { DifferenceOfAnRRsetView, RRsetView } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { DialogActions, Form } from '../components/form.tsx';
import { Banner, ErrorBox } from '../components/states.tsx';
import { toast } from '../components/toast.tsx';
import { useAction } from '../operation.ts';
import { texts } from '../texts.ts';

const t = texts.zones.edit;
const TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'TXT', 'SRV', 'CAA', 'PTR', 'NS', 'TLSA', 'SSHFP', 'HTTPS', 'SVCB', 'DS'];

export function EditDialog({
  zone,
  rrset,
  onDone,
  onClose,
}: {
  readonly zone: string;
  readonly rrset: RRsetView | undefined;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const apex = zone.replace(/\.$/, '');
  const [name, setName] = useState(rrset?.name ?? '');
  const [type, setType] = useState(rrset?.type ?? 'A');
  const [ttl, setTtl] = useState(rrset === undefined ? '' : String(rrset.ttl));
  const [values, setValues] = useState(rrset?.records.join('\n') ?? '');
  const [differences, setDifferences] = useState<readonly DifferenceOfAnRRsetView[]>();
  const records = values
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const isRemoval = records.length === 0;
  const input = (dryRun: boolean) => ({
    zone,
    changes: [
      isRemoval
        ? { name: name.trim(), type, action: 'delete' as const }
        : {
            name: name.trim(),
            type,
            action: 'replace' as const,
            records,
            ...(ttl.trim() !== '' && { ttl: Number(ttl) }),
          },
    ],
    dry_run: dryRun,
  });
  const look = useAction(async () => {
    setDifferences((await call('POST /v1/zones/{zone}/changes', input(true))).differences ?? []);
  });
  const apply = useAction(async () => {
    await call('POST /v1/zones/{zone}/changes', input(false));
    toast(t.done);
    onDone();
    onClose();
  });
  if (differences !== undefined) {
    return (
      <Dialog title={t.title(apex)} onClose={onClose} isWide>
        <div class="stack">
          {differences.length === 0 && <Banner tone="idle">{t.nothing}</Banner>}
          {differences.map((one) => (
            <Difference key={`${one.name} ${one.type}`} difference={one} />
          ))}
          <ErrorBox error={apply.error} />
          <div class="form-actions">
            <Button
              onClick={() => {
                apply.clear();
                setDifferences(undefined);
              }}
            >
              {t.change}
            </Button>
            <Button
              kind={isRemoval ? 'danger' : 'primary'}
              isBusy={apply.isRunning}
              disabled={differences.length === 0}
              onClick={() => void apply.run()}
            >
              {isRemoval ? t.applyRemoval : t.apply}
            </Button>
          </div>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={t.title(apex)} onClose={onClose} isWide>
      <Form onSubmit={() => void look.run()}>
        <div class="form-row">
          <TextField
            label={t.name}
            note={rrset === undefined ? t.nameNote(apex) : undefined}
            value={name}
            onValue={setName}
            required
            disabled={rrset !== undefined}
            autoFocus={rrset === undefined}
            isMono
            autoComplete="off"
          />
          <SelectField
            label={t.type}
            value={type}
            onValue={setType}
            disabled={rrset !== undefined}
            options={[...new Set([...TYPES, type])].map((one) => [one, one] as const)}
          />
        </div>
        <TextField label={t.values} note={t.valuesNote} value={values} onValue={setValues} rows={5} isMono />
        <TextField label={t.ttl} note={t.ttlNote} value={ttl} onValue={setTtl} inputMode="numeric" />
        <ErrorBox error={look.error} />
        <DialogActions onCancel={onClose} isBusy={look.isRunning}>
          {t.preview}
        </DialogActions>
      </Form>
    </Dialog>
  );
}

/** Lines that go and lines that come; a sign and a word say which, besides the colour. */
function Difference({ difference: { name, type, before, after } }: { readonly difference: DifferenceOfAnRRsetView }) {
  const old = linesOf(before);
  const fresh = linesOf(after);
  return (
    <section class="difference">
      <h3 class="break">{t.difference(type, name)}</h3>
      <ul>
        {old
          .filter((line) => !fresh.includes(line))
          .map((line) => (
            <li key={`- ${line}`} class="difference-old">
              <span aria-hidden="true">−</span>
              <span class="hidden-text">{t.removed}: </span>
              <code class="break">{line}</code>
            </li>
          ))}
        {fresh.map((line) => {
          const isNew = !old.includes(line);
          return (
            <li key={`+ ${line}`} class={isNew ? 'difference-new' : undefined}>
              <span aria-hidden="true">{isNew ? '+' : ' '}</span>
              {isNew && <span class="hidden-text">{t.added}: </span>}
              <code class="break">{line}</code>
            </li>
          );
        })}
        {fresh.length === 0 && <li class="soft">{t.none}</li>}
      </ul>
    </section>
  );
}

function linesOf(state: DifferenceOfAnRRsetView['before']): readonly string[] {
  return state?.records.map((record) => `${t.seconds(state.ttl)}  ${record}`) ?? [];
}
