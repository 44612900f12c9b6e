/**
 * One name: what each nameserver answers for it, its addresses over time, what happened last, who may change it, and its settings.
 * Events of the name are followed while the screen is open.
 */
import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { HostWithDetailsView } from '../api-types.ts';
import { Button, ButtonLink } from '../components/button.tsx';
import { ConfirmDestructive } from '../components/dialog.tsx';
import { CheckField } from '../components/field.tsx';
import { Page, Panel } from '../components/page.tsx';
import { Banner, Show } from '../components/states.tsx';
import { Time } from '../components/time.tsx';
import { toast } from '../components/toast.tsx';
import { useEvents } from '../events.ts';
import { AccessPanel } from '../host/access-panel.tsx';
import { AnswersPanel } from '../host/answers.tsx';
import { LatelyPanel } from '../host/lately.tsx';
import { SettingsPanel } from '../host/settings-panel.tsx';
import { TimelinePanel } from '../host/timeline-panel.tsx';
import { UpdateDialog } from '../host/update-dialog.tsx';
import { useOperation } from '../operation.ts';
import { go, href } from '../router.ts';
import type { ScreenProps } from '../screen-props.ts';
import { texts } from '../texts.ts';

const t = texts.host;
const HISTORY = 100;

export default function HostScreen({ params }: ScreenProps) {
  const { host = '' } = params;
  const name = host.replace(/\.$/, '');
  const details = useOperation('GET /v1/hosts/{host}', { host });
  const answers = useOperation('GET /v1/hosts/{host}/answers', { host });
  const history = useOperation('GET /v1/hosts/{host}/history', { host, limit: HISTORY });
  const [round, setRound] = useState(0);
  const [open, setOpen] = useState<'update' | 'remove'>();
  const reload = () => {
    details.reload();
    answers.reload();
    history.reload();
    setRound((old) => old + 1);
  };
  useEvents({ event: (event) => isSameName(event.host, host) && reload() }, [host]);
  const { data } = details;
  const mayEdit = data !== undefined && data.origin !== 'configuration' && (data.access ?? 'own') === 'own';
  const mayUpdate = data !== undefined && data.access !== 'view';
  return (
    <Page
      title={name}
      lead={
        <>
          <a href={href([])}>{t.back}</a>
          {data?.lastSeen !== undefined && (
            <>
              {' · '}
              {t.state.lastSeen} <Time value={data.lastSeen} />
            </>
          )}
        </>
      }
      actions={
        <>
          {data !== undefined && (mayEdit || data.members.length > 0) && (
            <ButtonLink href={href(['hosts', host, 'site'])}>{t.site}</ButtonLink>
          )}
          {mayUpdate && (
            <Button kind="primary" onClick={() => setOpen('update')}>
              {t.setAddress}
            </Button>
          )}
        </>
      }
    >
      <Show of={details} lines={6}>
        {(loaded) => (
          <>
            <StateBanners host={loaded} />
            <AnswersPanel answers={answers} />
            <TimelinePanel key={`${host} ${round}`} host={host} />
            <div class="columns">
              <LatelyPanel key={`${host} ${round}`} host={host} history={history} />
              <div class="stack-wide">
                <AccessPanel host={loaded} mayEdit={mayEdit} onChange={details.reload} />
                <SettingsPanel host={loaded} mayEdit={mayEdit} onChange={details.reload} />
              </div>
            </div>
            {mayEdit && loaded.origin === 'store' && (
              <Panel
                title={t.remove.title}
                lead={t.remove.lead}
                actions={
                  <Button kind="danger" onClick={() => setOpen('remove')}>
                    {t.remove.action(name)}
                  </Button>
                }
              >
                {null}
              </Panel>
            )}
            {open === 'update' && <UpdateDialog host={loaded} onDone={reload} onClose={() => setOpen(undefined)} />}
            {open === 'remove' && <RemoveDialog host={loaded} name={name} onClose={() => setOpen(undefined)} />}
          </>
        )}
      </Show>
    </Page>
  );
}

function StateBanners({ host: { enabled, pending, lastSeen } }: { readonly host: HostWithDetailsView }) {
  return (
    <>
      {!enabled && <Banner tone="idle">{t.state.disabled}</Banner>}
      {enabled && lastSeen === undefined && pending.length === 0 && <Banner tone="idle">{t.state.never}</Banner>}
      {pending.map(({ family, wanted, since }) => (
        <Banner key={family} tone="warn">
          {t.state.pending(`${t.timeline.families[family]} ${wanted ?? t.state.nothing}`)} <Time value={since} />
        </Banner>
      ))}
    </>
  );
}

function RemoveDialog({
  host,
  name,
  onClose,
}: {
  readonly host: HostWithDetailsView;
  readonly name: string;
  readonly onClose: () => void;
}) {
  const [withAddresses, setWithAddresses] = useState(true);
  const [withHistory, setWithHistory] = useState(false);
  const addresses = [...(host.published?.A ?? []), ...(host.published?.AAAA ?? [])];
  const destroys = [
    t.remove.settings,
    ...(host.members.length > 0 ? [t.remove.members(host.members.map((member) => member.name).join(', '))] : []),
    ...(withAddresses && addresses.length > 0 ? [t.remove.addresses(addresses.join(', '))] : []),
    ...(withHistory ? [t.remove.history] : []),
  ];
  return (
    <ConfirmDestructive
      title={t.remove.ask(name)}
      destroys={destroys}
      note={t.remove.stays(host.tokens.map((token) => token.name).join(', '))}
      action={t.remove.action(name)}
      onConfirm={async () => {
        // The settings last: without them a member may do nothing more.
        if (withAddresses && addresses.length > 0) await call('DELETE /v1/hosts/{host}/addresses', { host: host.host });
        if (withHistory) await call('DELETE /v1/hosts/{host}/history', { host: host.host });
        await call('DELETE /v1/hosts/{host}', { host: host.host }, { ifMatch: host.revision });
        toast(t.remove.done(name));
        go([]);
      }}
      onClose={onClose}
    >
      {addresses.length > 0 && (
        <CheckField label={t.remove.alsoAddresses} value={withAddresses} onValue={setWithAddresses} />
      )}
      <CheckField label={t.remove.alsoHistory} value={withHistory} onValue={setWithHistory} />
    </ConfirmDestructive>
  );
}

function isSameName(one: string, other: string): boolean {
  return one.toLowerCase().replace(/\.$/, '') === other.toLowerCase().replace(/\.$/, '');
}
