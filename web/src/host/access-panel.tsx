/** Who may change a name: tokens, its owner, and users with whom it is shared. */

import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { HostWithDetailsView } from '../api-types.ts';
import { Button, ButtonLink } from '../components/button.tsx';
import { ConfirmDestructive, Dialog } from '../components/dialog.tsx';
import { SelectField, TextField } from '../components/field.tsx';
import { DialogActions, Form } from '../components/form.tsx';
import { Fact, Facts, Panel } from '../components/page.tsx';
import { ErrorBox } from '../components/states.tsx';
import { toast } from '../components/toast.tsx';
import { useAction } from '../operation.ts';
import { fieldError, otherError } from '../problem-text.ts';
import { href } from '../router.ts';
import { typesInWords } from '../scope.ts';
import { texts } from '../texts.ts';

const t = texts.host.access;

export interface HostPanelProps {
  readonly host: HostWithDetailsView;
  /** Owner or admin, and it is not in the configuration file. */
  readonly mayEdit: boolean;
  readonly onChange: () => void;
}

export function AccessPanel({ host, mayEdit, onChange }: HostPanelProps) {
  const [open, setOpen] = useState<{ readonly kind: 'share' } | { readonly kind: 'unshare'; readonly user: string }>();
  const { tokens, owner, shares = [] } = host;
  return (
    <Panel
      title={t.title}
      actions={
        mayEdit && (
          <Button isSmall onClick={() => setOpen({ kind: 'share' })}>
            {t.share}
          </Button>
        )
      }
    >
      <Facts>
        <Fact name={t.tokens}>
          {tokens.length === 0 ? (
            <span class="row">
              <span class="soft">{t.noTokens}</span>
              {host.access !== 'view' && (
                <ButtonLink isSmall icon="plug" href={href(['connect', host.host])}>
                  {t.connect}
                </ButtonLink>
              )}
            </span>
          ) : (
            <ul class="plain-list">
              {tokens.map(({ name, types, origin }) => (
                <li key={name}>
                  <a href={href(['tokens'], { q: name })}>{name}</a>
                  <span class="soft">
                    : {typesInWords(types)}
                    {origin === 'configuration' ? `, ${t.configured}` : ''}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Fact>
        <Fact name={t.owner}>{owner ?? <span class="soft">{t.operator}</span>}</Fact>
        {shares.length > 0 && (
          <Fact name={t.shares}>
            <ul class="plain-list">
              {shares.map(({ user, access }) => (
                <li key={user} class="row">
                  <span class="break">
                    {user} <span class="soft">{access === 'view' ? t.mayView : t.mayChange}</span>
                  </span>
                  {mayEdit && (
                    <Button isSmall label={t.unshareAction(user)} onClick={() => setOpen({ kind: 'unshare', user })}>
                      {t.unshare}
                    </Button>
                  )}
                </li>
              ))}
            </ul>
          </Fact>
        )}
      </Facts>
      {open?.kind === 'share' && <ShareDialog host={host.host} onDone={onChange} onClose={() => setOpen(undefined)} />}
      {open?.kind === 'unshare' && (
        <ConfirmDestructive
          title={t.unshareTitle(open.user)}
          destroys={[t.unshareWhat(open.user, host.host)]}
          action={t.unshareAction(open.user)}
          onConfirm={async () => {
            await call('DELETE /v1/hosts/{host}/shares/{user}', { host: host.host, user: open.user });
            onChange();
          }}
          onClose={() => setOpen(undefined)}
        />
      )}
    </Panel>
  );
}

function ShareDialog({
  host,
  onDone,
  onClose,
}: {
  readonly host: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}) {
  const [user, setUser] = useState('');
  const [access, setAccess] = useState<'view' | 'change'>('view');
  const { run, isRunning, error } = useAction(async () => {
    await call('PUT /v1/hosts/{host}/shares/{user}', { host, user: user.trim(), access });
    toast(t.shared(user.trim()));
    onDone();
    onClose();
  });
  const userError = fieldError(error, 'user');
  return (
    <Dialog title={t.shareTitle(host)} onClose={onClose}>
      <Form onSubmit={() => void run()}>
        <TextField
          label={t.user}
          value={user}
          onValue={setUser}
          required
          autoFocus
          autoComplete="off"
          isMono
          error={userError}
        />
        <SelectField
          label={t.what}
          value={access}
          onValue={setAccess}
          options={[
            ['view', t.view],
            ['change', t.change],
          ]}
        />
        <ErrorBox error={otherError(error, 'user')} />
        <DialogActions onCancel={onClose} isBusy={isRunning}>
          {t.share}
        </DialogActions>
      </Form>
    </Dialog>
  );
}
