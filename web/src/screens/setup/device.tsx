/** The last step: what to enter at the device, and the first update, live. */
import { useState } from 'preact/hooks';
import { call, Problem, type Result } from '../../api.ts';
import { Button, ButtonLink } from '../../components/button.tsx';
import { CodeBlock, CopyButton } from '../../components/copy.tsx';
import { TextField } from '../../components/field.tsx';
import { Panel } from '../../components/page.tsx';
import { Banner, ErrorBox } from '../../components/states.tsx';
import { useAction, useOperation } from '../../operation.ts';
import { fieldError } from '../../problem-text.ts';
import { texts } from '../../texts.ts';
import { hasFieldErrors } from './errors.ts';
import { FirstUpdate } from './first-update.tsx';
import { Frame } from './frame.tsx';

const t = texts.setup.device;

/** Those of docs/clients. */
const DEVICES = [
  ['fritzbox', 'FRITZ!Box'],
  ['openwrt', 'OpenWrt'],
  ['unifi', 'UniFi'],
  ['opnsense', 'OPNsense'],
  ['pfsense', 'pfSense'],
  ['mikrotik', 'MikroTik'],
  ['synology', 'Synology'],
  ['asus', 'ASUS'],
  ['ddclient', 'ddclient'],
  ['inadyn', 'inadyn'],
  ['curl', 'curl'],
  ['other', 'Another one'],
] as const;

type Instructions = Result<'GET /v1/hosts/{host}/instructions'>;

interface Made {
  readonly instructions: Instructions;
  readonly secret: string;
}

export function DeviceStep({ host, onBack }: { readonly host: string; readonly onBack: () => void }) {
  const [client, setClient] = useState<string>('fritzbox');
  const status = useOperation('GET /v1/status', {});
  const [entered, setServer] = useState<string>();
  const server = entered ?? proposedServer(status.data);
  const [made, setMade] = useState<Made>();
  const { run, isRunning, error } = useAction(async () => {
    const { token, secret } = await makeToken(`${client}-${host.split('.')[0]}`, host);
    const input = { host, client, token: token.name, server: server.trim() };
    setMade({ instructions: await call('GET /v1/hosts/{host}/instructions', input), secret });
  });
  const onStep = (step: string) => {
    if (step === 'name') onBack();
  };
  return (
    <Frame step="device" onStep={onStep} title={t.title} lead={t.lead(host)}>
      {made === undefined ? (
        <Panel>
          <form
            class="form"
            onSubmit={(event) => {
              event.preventDefault();
              void run();
            }}
          >
            <fieldset>
              <legend class="field-label">{t.device}</legend>
              <div class="device-grid">
                {DEVICES.map(([id, title]) => (
                  <label key={id} class="choice">
                    <input
                      type="radio"
                      name="client"
                      value={id}
                      checked={client === id}
                      onChange={() => setClient(id)}
                    />
                    <span class="choice-title">{title}</span>
                  </label>
                ))}
              </div>
            </fieldset>
            <TextField
              label={t.server}
              note={/\/\/(127\.|localhost|\[::1\])/.test(server) ? t.serverNote : undefined}
              value={server}
              onValue={setServer}
              error={fieldError(error, 'server')}
              type="url"
              required
              isMono
            />
            {error !== undefined && !hasFieldErrors(error) && <ErrorBox error={error} />}
            <div class="form-actions">
              <Button type="submit" kind="primary" isBusy={isRunning}>
                {t.make}
              </Button>
            </div>
          </form>
        </Panel>
      ) : (
        <>
          <FirstUpdate host={host} />
          <ToEnter {...made} />
          <div class="row">
            <Button onClick={() => setMade(undefined)}>{t.again}</Button>
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

/** The fields as the device names them, and files, with the secret in its place. */
function ToEnter({ instructions, secret }: Made) {
  const filled = (text: string) => text.replaceAll('TOKEN', secret);
  return (
    <Panel title={instructions.title} lead={t.once}>
      {instructions.sections.map((section) => (
        <section key={section.id} class="stack">
          <h3>
            <WithCode text={section.title} />
          </h3>
          {section.kind === 'fields' ? (
            <dl class="facts">
              {section.fields?.map(({ name, value, isChoice, note }) => (
                <ToEnterField key={name} name={name} value={filled(value)} isChoice={isChoice === true} note={note} />
              ))}
            </dl>
          ) : (
            <CodeBlock text={filled(section.text ?? '')} what={section.title} />
          )}
        </section>
      ))}
      {instructions.warnings.length > 0 && (
        <Banner tone="warn" title={t.warnings}>
          <ul class="warnings">
            {instructions.warnings.map((warning) => (
              <li key={warning}>
                <WithCode text={warning} />
              </li>
            ))}
          </ul>
        </Banner>
      )}
    </Panel>
  );
}

/** What is between backticks is code. */
function WithCode({ text }: { readonly text: string }) {
  return <>{text.split('`').map((part, index) => (index % 2 === 0 ? part : <code key={index}>{part}</code>))}</>;
}

/** The name of the certificate, if there is one; else where this page is. */
function proposedServer(status: Result<'GET /v1/status'> | undefined): string {
  const name = status?.certificate?.names[0];
  const hasTls = status?.http.some((address) => address.startsWith('https://'));
  return name !== undefined && hasTls ? `https://${name.replace(/\.$/, '')}` : window.location.origin;
}

function ToEnterField(props: {
  readonly name: string;
  readonly value: string;
  readonly isChoice: boolean;
  readonly note: string | undefined;
}) {
  const { name, value, isChoice, note } = props;
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {isChoice ? (
          <span class="strong">{value}</span>
        ) : (
          <span class="address">
            <code>{value}</code>
            <CopyButton text={value} what={name} />
          </span>
        )}
        {note !== undefined && <p class="small soft">{note}</p>}
      </dd>
    </>
  );
}
