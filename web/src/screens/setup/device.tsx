/** The last step: what to enter at the device, and the first update, live. The settings are those of "Connect a device". */

import { useState } from 'preact/hooks';
import { call, Problem, type Result } from '../../api.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { TextField } from '../../components/field.tsx';
import { Form } from '../../components/form.tsx';
import { Panel } from '../../components/page.tsx';
import { ErrorBox } from '../../components/states.tsx';
import { DEVICE_CHOICES } from '../../device-choices.ts';
import { useAction, useOperation } from '../../operation.ts';
import { fieldError } from '../../problem-text.ts';
import { isOnlyHere, rememberServer, serverUrl } from '../../server-address.ts';
import { texts } from '../../texts.ts';
import { Instructions } from '../connect.tsx';
import { hasFieldErrors } from './errors.ts';
import { FirstUpdate } from './first-update.tsx';
import { Frame } from './frame.tsx';

const t = texts.setup.device;

interface Credential {
  readonly token: string;
  readonly secret: string;
  readonly madeMs: number;
}

export function DeviceStep({ host, onBack }: { readonly host: string; readonly onBack: () => void }) {
  const [client, setClient] = useState(DEVICE_CHOICES[0]!.id);
  const status = useOperation('GET /v1/status', {});
  const [entered, setServer] = useState<string>();
  const server = entered ?? proposedServer(status.data);
  const url = serverUrl(server);
  const [credential, setCredential] = useState<Credential>();
  const { run, isRunning, error } = useAction(async () => {
    const { token, secret } = await makeToken(`${client}-${host.split('.')[0]}`, host);
    if (url !== undefined && !isOnlyHere(new URL(url).hostname)) rememberServer(url);
    setCredential({ token: token.name, secret, madeMs: Date.now() });
  });
  const onStep = (step: string) => {
    if (step === 'name') onBack();
  };
  const title = DEVICE_CHOICES.find(({ id }) => id === client)!.title;
  return (
    <Frame step="device" onStep={onStep} title={t.title} lead={t.lead(host)}>
      {credential === undefined ? (
        <Panel>
          <Form
            onSubmit={() => {
              if (url !== undefined) void run();
            }}
          >
            <fieldset>
              <legend class="field-label">{t.device}</legend>
              <div class="setup-devices">
                {DEVICE_CHOICES.map((one) => (
                  <label key={one.id} class="setup-choice">
                    <input
                      type="radio"
                      name="client"
                      value={one.id}
                      checked={client === one.id}
                      onChange={() => setClient(one.id)}
                    />
                    <span class="setup-choice-title">{one.title}</span>
                  </label>
                ))}
              </div>
            </fieldset>
            <TextField
              label={t.server}
              note={url !== undefined && isOnlyHere(new URL(url).hostname) ? t.serverNote : undefined}
              value={server}
              onValue={setServer}
              error={url === undefined ? texts.connect.settings.server.invalid : fieldError(error, 'server')}
              inputMode="url"
              required
              isMono
            />
            {!hasFieldErrors(error) && <ErrorBox error={error} />}
            <div class="form-actions">
              <Button type="submit" kind="primary" isBusy={isRunning}>
                {t.make}
              </Button>
            </div>
          </Form>
        </Panel>
      ) : (
        <>
          <FirstUpdate host={host} />
          <Panel title={title} lead={t.once}>
            <Instructions host={host} client={client} title={title} credential={credential} server={url} />
          </Panel>
          <div class="row">
            <Button onClick={() => setCredential(undefined)}>{t.again}</Button>
            <ButtonLink href="#/">{t.overview}</ButtonLink>
          </div>
        </>
      )}
    </Frame>
  );
}

const ATTEMPTS = 20;

/** Each attempt gets a token of its own: the secret of an earlier one cannot be read again. */
async function makeToken(name: string, host: string): Promise<Result<'POST /v1/tokens'>> {
  for (let number = 1; ; number += 1) {
    try {
      return await call('POST /v1/tokens', { name: number === 1 ? name : `${name}-${number}`, hosts: [host] });
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'conflict' || number === ATTEMPTS) throw error;
    }
  }
}

/** The name of the certificate, if there is one; else where this page is. */
function proposedServer(status: Result<'GET /v1/status'> | undefined): string {
  const name = status?.certificate?.names[0];
  const hasTls = status?.http.some((address) => address.startsWith('https://'));
  return name !== undefined && hasTls ? `https://${name.replace(/\.$/, '')}` : window.location.origin;
}
