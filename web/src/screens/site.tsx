/** The devices that share the prefix of a name: the prefix as a ruler, a row for each device, and a move that can be tried first. */

import { useEffect, useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { HostWithDetailsView, MemberView, PreviewView } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { Address } from '../components/copy.tsx';
import { ConfirmDestructive, Dialog } from '../components/dialog.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { DialogActions, Form } from '../components/form.tsx';
import { Page, Panel } from '../components/page.tsx';
import { PrefixRuler } from '../components/prefix-ruler.tsx';
import { Banner, Empty, ErrorBox, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { toast } from '../components/toast.tsx';
import { hasChange } from '../host/update-dialog.tsx';
import { partsOf } from '../ipv6.ts';
import { useAction, useOperation } from '../operation.ts';
import { fieldError, otherError } from '../problem-text.ts';
import { href } from '../router.ts';
import type { ScreenProps } from '../screen-props.ts';
import { texts } from '../texts.ts';

const t = texts.site;
/** Of a host that does not say how long its prefix is. */
const USUAL_PREFIX = 64;

export default function SiteScreen({ params }: ScreenProps) {
  const { host = '' } = params;
  const name = host.replace(/\.$/, '');
  const details = useOperation('GET /v1/hosts/{host}', { host });
  return (
    <Page title={t.title(name)} lead={<a href={href(['hosts', host])}>{t.back(name)}</a>}>
      <Show of={details} lines={6}>
        {(loaded) => <Site host={loaded} reload={details.reload} />}
      </Show>
    </Page>
  );
}

function Site({ host, reload }: { readonly host: HostWithDetailsView; readonly reload: () => void }) {
  const address = host.published?.AAAA[0];
  const length = host.prefixLength ?? USUAL_PREFIX;
  const parts = address === undefined ? undefined : partsOf(address, length);
  const mayEdit = host.origin !== 'configuration' && (host.access ?? 'own') === 'own';
  const mayMove = host.access !== 'view';
  const [now, setNow] = useState<PreviewView>();
  const [then, setThen] = useState<{ readonly prefix: string; readonly preview: PreviewView }>();
  const current = parts?.prefix;
  const identity = `${current} ${JSON.stringify(host.members)}`;
  useEffect(() => {
    setThen(undefined);
    setNow(undefined);
    if (current === undefined || !mayMove || host.members.length === 0) return undefined;
    const abort = new AbortController();
    // A dry run with the present prefix names the present addresses.
    call('POST /v1/hosts/{host}/addresses', { host: host.host, ips: [], prefix: current, dry_run: true }, abort).then(
      ({ preview }) => !abort.signal.aborted && setNow(preview),
      () => undefined,
    );
    return () => abort.abort();
  }, [identity]);
  const done = () => {
    setThen(undefined);
    reload();
  };
  return (
    <>
      <Panel title={t.prefix.title}>
        {parts === undefined ? <p class="soft">{t.prefix.unknown}</p> : <PrefixRuler parts={parts} length={length} />}
      </Panel>
      <Members host={host} mayEdit={mayEdit} now={now} then={then?.preview} onChange={reload} />
      {mayMove && parts !== undefined && host.members.length > 0 && (
        <Move host={host.host} length={length} then={then} onPreview={setThen} onDone={done} />
      )}
    </>
  );
}

interface MembersProps {
  readonly host: HostWithDetailsView;
  readonly mayEdit: boolean;
  readonly now: PreviewView | undefined;
  readonly then: PreviewView | undefined;
  readonly onChange: () => void;
}

function Members({ host, mayEdit, now, then, onChange }: MembersProps) {
  const [open, setOpen] = useState<{ readonly kind: 'add' } | { readonly kind: 'remove'; readonly name: string }>();
  const placeOf = (preview: PreviewView | undefined, name: string) =>
    same(name, host.host) ? preview?.AAAA : preview?.members.find((member) => same(member.host, name));
  const leftOf = (name: string) => [...(then?.left ?? []), ...(now?.left ?? [])].find((one) => same(one.host, name));
  const c = t.members.columns;
  const columns: readonly Column<MemberView>[] = [
    {
      key: 'name',
      title: c.name,
      isBare: true,
      render: ({ name }) => (
        <div class="name-cell">
          <a class="name-link" href={href(['hosts', name])}>
            {name.replace(/\.$/, '')}
          </a>
          {same(name, host.host) && <span class="small soft">{t.members.self}</span>}
        </div>
      ),
    },
    { key: 'subnet', title: c.subnet, render: ({ subnet = 0 }) => <code>{subnet.toString(16)}</code> },
    { key: 'id', title: c.id, render: ({ interfaceId, mac }) => <code class="break">{interfaceId ?? mac}</code> },
    {
      key: 'address',
      title: c.address,
      render: ({ name }) => {
        const before = placeOf(now, name)?.before ?? [];
        if (before.length === 0) return <span class="soft">{t.members.unknown}</span>;
        return before.map((address) => (
          <div key={address}>
            <Address value={address} />
          </div>
        ));
      },
    },
    ...(then === undefined
      ? []
      : [
          {
            key: 'then',
            title: c.moved,
            render: ({ name }: MemberView) => {
              const place = placeOf(then, name);
              const left = leftOf(name);
              if (left !== undefined) return <span class="small soft">{t.members.stays(left.why)}</span>;
              return (
                <span class={place?.changed ? 'good-text' : 'soft'}>
                  <span aria-hidden="true">→ </span>
                  <code class="break">{(place?.after ?? []).join(', ')}</code>
                </span>
              );
            },
          },
        ]),
    ...(mayEdit
      ? [
          {
            key: 'actions',
            title: c.actions,
            isBare: true,
            isEnd: true,
            render: ({ name }: MemberView) => (
              <Button isSmall label={t.members.removeAction(name)} onClick={() => setOpen({ kind: 'remove', name })}>
                {t.members.remove}
              </Button>
            ),
          },
        ]
      : []),
  ];
  const add = mayEdit && (
    <Button isSmall icon="plus" onClick={() => setOpen({ kind: 'add' })}>
      {t.members.add}
    </Button>
  );
  return (
    <Panel title={t.members.title} isFlush actions={host.members.length > 0 && add}>
      {host.members.length === 0 ? (
        <Empty title={t.members.empty} action={add}>
          {t.members.emptyText}
        </Empty>
      ) : (
        <Table caption={t.members.caption} columns={columns} rows={host.members} rowKey={({ name }) => name} />
      )}
      {open?.kind === 'add' && <AddDialog host={host.host} onDone={onChange} onClose={() => setOpen(undefined)} />}
      {open?.kind === 'remove' && (
        <ConfirmDestructive
          title={t.members.removeTitle(open.name)}
          destroys={[t.members.removeWhat(open.name, host.host)]}
          note={t.members.removeNote}
          action={t.members.removeAction(open.name)}
          onConfirm={async () => {
            await call('DELETE /v1/hosts/{host}/members/{member}', { host: host.host, member: open.name });
            onChange();
          }}
          onClose={() => setOpen(undefined)}
        />
      )}
    </Panel>
  );
}

function Move({
  host,
  length,
  then,
  onPreview,
  onDone,
}: {
  readonly host: string;
  readonly length: number;
  readonly then: { readonly prefix: string; readonly preview: PreviewView } | undefined;
  readonly onPreview: (then: { readonly prefix: string; readonly preview: PreviewView }) => void;
  readonly onDone: () => void;
}) {
  const [prefix, setPrefix] = useState('');
  const look = useAction(async () => {
    const wanted = prefix.trim();
    const { preview } = await call('POST /v1/hosts/{host}/addresses', { host, ips: [], prefix: wanted, dry_run: true });
    if (preview !== undefined) onPreview({ prefix: wanted, preview });
  });
  const apply = useAction(async () => {
    await call('POST /v1/hosts/{host}/addresses', { host, ips: [], prefix: then?.prefix ?? '' });
    toast(t.move.done);
    onDone();
  });
  const isShown = then !== undefined && then.prefix === prefix.trim();
  const prefixError = fieldError(look.error, 'prefix');
  return (
    <Panel title={t.move.title} lead={t.move.lead}>
      <Form isUnchecked onSubmit={() => void look.run()}>
        <TextField
          label={t.move.prefix}
          note={t.move.note}
          value={prefix}
          onValue={setPrefix}
          placeholder={`2001:db8:1::/${length}`}
          isMono
          autoComplete="off"
          error={prefixError}
        />
        {look.error !== undefined && prefixError === undefined && <ErrorBox error={look.error} />}
        <ErrorBox error={apply.error} />
        {isShown && !hasChange(then.preview) && <Banner tone="idle">{t.move.nothing}</Banner>}
        <div class="form-actions">
          <Button type="submit" isBusy={look.isRunning}>
            {t.move.preview}
          </Button>
          {isShown && hasChange(then.preview) && (
            <Button kind="primary" isBusy={apply.isRunning} onClick={() => void apply.run()}>
              {t.move.apply}
            </Button>
          )}
        </div>
      </Form>
    </Panel>
  );
}

function AddDialog({
  host,
  onDone,
  onClose,
}: {
  readonly host: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const [member, setMember] = useState('');
  const [how, setHow] = useState<'id' | 'mac'>('id');
  const [end, setEnd] = useState('');
  const [subnet, setSubnet] = useState('0');
  const { run, isRunning, error } = useAction(async () => {
    const address = how === 'id' ? { interfaceId: end.trim() } : { mac: end.trim() };
    await call('POST /v1/hosts/{host}/members', { host, member: member.trim(), ...address, subnet: Number(subnet) });
    toast(t.members.added(member.trim()));
    onDone();
    onClose();
  });
  const endField = how === 'id' ? 'interfaceId' : 'mac';
  const errors = {
    member: fieldError(error, 'member'),
    end: fieldError(error, endField),
    subnet: fieldError(error, 'subnet'),
  };
  return (
    <Dialog title={t.members.addTitle(host)} onClose={onClose}>
      <Form onSubmit={() => void run()}>
        <TextField
          label={t.members.name}
          note={t.members.nameNote}
          value={member}
          onValue={setMember}
          required
          autoFocus
          isMono
          autoComplete="off"
          error={errors.member}
        />
        <SelectField
          label={t.members.how}
          value={how}
          onValue={setHow}
          options={[
            ['id', t.members.byId],
            ['mac', t.members.byMac],
          ]}
        />
        <TextField
          label={how === 'id' ? t.members.id : t.members.mac}
          value={end}
          onValue={setEnd}
          required
          isMono
          placeholder={how === 'id' ? '::10' : '00:11:22:33:44:55'}
          autoComplete="off"
          error={errors.end}
        />
        <TextField
          label={t.members.subnet}
          note={t.members.subnetNote}
          value={subnet}
          onValue={setSubnet}
          inputMode="numeric"
          error={errors.subnet}
        />
        <ErrorBox error={otherError(error, 'member', endField, 'subnet')} />
        <DialogActions onCancel={onClose} isBusy={isRunning}>
          {t.members.add}
        </DialogActions>
      </Form>
    </Dialog>
  );
}

function same(one: string, other: string): boolean {
  return one.toLowerCase().replace(/\.$/, '') === other.toLowerCase().replace(/\.$/, '');
}
