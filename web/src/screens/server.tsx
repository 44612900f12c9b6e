/** The server: version and addresses, certificate, webhooks with a test, and the update check. */
import { useState } from 'preact/hooks';
import { call, type Result } from '../api.ts';
import type { WebhookView } from '../api-types.ts';
import { duration, formatNumber, nowMs } from '../clock.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { Fact, Facts, Page, Panel } from '../components/page.tsx';
import { ServerBanners } from '../components/server-banners.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Banner, ErrorBox, Show } from '../components/states.tsx';
import { type Column, Table } from '../components/table.tsx';
import { Time } from '../components/time.tsx';
import { toast } from '../components/toast.tsx';
import { useAction, useOperation } from '../operation.ts';
import { texts } from '../texts.ts';

const t = texts.server;
type Status = Result<'GET /v1/status'>;

const SOON_MS = 14 * 86_400_000;

export default function Server() {
  const status = useOperation('GET /v1/status', {});
  return (
    <Page title={t.title} lead={t.lead} actions={<Reload onDone={status.reload} />}>
      <ServerBanners />
      <Show of={status} lines={8}>
        {(data) => (
          <>
            <About status={data} />
            <Certificate certificate={data.certificate} />
            <Webhooks />
            <Check />
          </>
        )}
      </Show>
    </Page>
  );
}

function Reload({ onDone }: { readonly onDone: () => void }) {
  const [warnings, setWarnings] = useState<readonly string[]>([]);
  const { run, isRunning, error } = useAction(async () => {
    const result = await call('POST /v1/reload', {});
    setWarnings(result.warnings);
    if (result.warnings.length === 0) toast(t.reload.done);
    onDone();
  });
  return (
    <div class="stack">
      <Button isBusy={isRunning} onClick={() => void run()}>
        {t.reload.action}
      </Button>
      <ErrorBox error={error} />
      {warnings.length > 0 && (
        <Banner tone="warn" title={t.reload.warnings}>
          <ul>
            {warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Banner>
      )}
    </div>
  );
}

function About({ status }: { readonly status: Status }) {
  const { version, uptimeSeconds, http, dns, embedded, remote, configFile } = status;
  return (
    <Panel title={t.about.title}>
      <Facts>
        <Fact name={t.about.version}>{version}</Fact>
        <Fact name={t.about.running}>{duration(uptimeSeconds)}</Fact>
        <Fact name={t.about.http}>
          <Codes values={http} />
        </Fact>
        <Fact name={t.about.dns}>
          <Codes values={dns} />
        </Fact>
        <Fact name={t.about.zones}>
          <Codes values={embedded.map(({ zone }) => zone)} />
        </Fact>
        {remote.length > 0 && (
          <Fact name={t.about.remote}>
            <Codes values={remote} />
          </Fact>
        )}
        {configFile !== undefined && (
          <Fact name={t.about.file}>
            <code>{configFile}</code>
          </Fact>
        )}
      </Facts>
      <p class="small soft">{t.about.licence}</p>
    </Panel>
  );
}

function Codes({ values }: { readonly values: readonly string[] }) {
  if (values.length === 0) return <span class="soft">{t.about.none}</span>;
  return (
    <ul>
      {values.map((value) => (
        <li key={value}>
          <code>{value}</code>
        </li>
      ))}
    </ul>
  );
}

function Certificate({ certificate }: { readonly certificate: Status['certificate'] }) {
  if (certificate === undefined) {
    return (
      <Panel title={t.certificate.title}>
        <p class="soft">{t.certificate.none}</p>
      </Panel>
    );
  }
  const { names, ends } = certificate;
  const [tone, word] = certificateState(ends, nowMs.value);
  return (
    <Panel title={t.certificate.title}>
      <Facts>
        <Fact name={t.webhooks.state}>
          <State tone={tone}>{word}</State>
        </Fact>
        <Fact name={t.certificate.names}>
          <Codes values={names} />
        </Fact>
        {ends !== undefined && (
          <Fact name={t.certificate.ends}>
            <Time value={ends} />
          </Fact>
        )}
      </Facts>
    </Panel>
  );
}

function certificateState(ends: string | undefined, atMs: number): readonly [Tone, string] {
  if (ends === undefined) return ['warn', t.certificate.self];
  const leftMs = Date.parse(ends) - atMs;
  if (leftMs < 0) return ['bad', t.certificate.ended];
  return leftMs < SOON_MS ? ['warn', t.certificate.soon] : ['good', t.certificate.good];
}

function Webhooks() {
  const webhooks = useOperation('GET /v1/webhooks', {});
  const test = useAction(async (webhook: WebhookView) => {
    const number = Number.parseInt(webhook.webhook, 10);
    const { delivered, problem = '' } = await call('POST /v1/webhooks/{webhook}/test', { webhook: number });
    toast(delivered ? t.webhooks.delivered(webhook.webhook) : t.webhooks.failed(webhook.webhook, problem));
    webhooks.reload();
  });
  const columns: readonly Column<WebhookView>[] = [
    {
      key: 'name',
      title: t.webhooks.name,
      isBare: true,
      render: ({ webhook }) => <code class="break">{webhook}</code>,
    },
    {
      key: 'state',
      title: t.webhooks.state,
      render: ({ problem }) => (
        <div class="name-cell">
          <State tone={problem === undefined ? 'good' : 'warn'}>
            {problem === undefined ? t.webhooks.works : t.webhooks.fails}
          </State>
          {problem !== undefined && <span class="small soft break">{problem}</span>}
        </div>
      ),
    },
    { key: 'waiting', title: t.webhooks.waiting, isEnd: true, render: ({ waiting }) => formatNumber(waiting) },
    {
      key: 'actions',
      title: t.webhooks.actions,
      isBare: true,
      isEnd: true,
      render: (webhook) => (
        <div class="cell-actions">
          <Button
            isSmall
            isBusy={test.isRunning}
            label={t.webhooks.testLabel(webhook.webhook)}
            onClick={() => void test.run(webhook)}
          >
            {t.webhooks.test}
          </Button>
        </div>
      ),
    },
  ];
  return (
    <Panel title={t.webhooks.title} lead={t.webhooks.lead} isFlush>
      <ErrorBox error={test.error} />
      <Show of={webhooks} lines={2}>
        {({ webhooks: rows }) =>
          rows.length === 0 ? (
            <p class="soft panel-foot">{t.webhooks.none}</p>
          ) : (
            <Table caption={t.webhooks.caption} columns={columns} rows={rows} rowKey={({ webhook }) => webhook} />
          )
        }
      </Show>
    </Panel>
  );
}

function Check() {
  const [result, setResult] = useState<Result<'POST /v1/check'>>();
  const { run, isRunning, error } = useAction(async () => setResult(await call('POST /v1/check', {})));
  return (
    <Panel
      title={t.check.title}
      lead={t.check.lead}
      actions={
        <Button isBusy={isRunning} onClick={() => void run()}>
          {t.check.action}
        </Button>
      }
    >
      <ErrorBox error={error} />
      {result !== undefined && (
        <div class="stack" role="status">
          <div>
            <State tone={result.passed ? 'good' : 'bad'}>{result.passed ? t.check.passed : t.check.failed}</State>
          </div>
          <CodeBlock text={result.text.trimEnd()} what={t.check.what} isWrapped />
        </div>
      )}
    </Panel>
  );
}
