/** The checks of `dyndns doctor` for a zone, as a list to work through. */
import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import type { FindingView } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { CodeBlock } from '../components/copy.tsx';
import { Panel } from '../components/page.tsx';
import { State, type Tone } from '../components/state.tsx';
import { Banner, ErrorBox, Loading } from '../components/states.tsx';
import { useAction } from '../operation.ts';
import { texts } from '../texts.ts';

const t = texts.zones.delegation;
const TONES: Readonly<Record<FindingView['status'], Tone>> = {
  ok: 'good',
  warning: 'warn',
  problem: 'bad',
  'not checked': 'idle',
};

export function Delegation({ zone }: { readonly zone: string }) {
  const [findings, setFindings] = useState<readonly FindingView[]>();
  const { run, isRunning, error } = useAction(async () => {
    setFindings((await call('GET /v1/zones/{zone}/doctor', { zone })).findings);
  });
  return (
    <Panel
      title={t.title}
      lead={t.lead}
      actions={
        <Button kind={findings === undefined ? 'primary' : 'usual'} isBusy={isRunning} onClick={() => void run()}>
          {findings === undefined ? t.check : t.again}
        </Button>
      }
    >
      <div class="stack" aria-live="polite">
        {isRunning && (
          <>
            <p class="soft">{t.running}</p>
            <Loading lines={5} />
          </>
        )}
        <ErrorBox error={error} onRetry={() => void run()} />
        {!isRunning && findings !== undefined && (
          <>
            <Verdict findings={findings} />
            <ol class="findings">
              {findings.map((finding, index) => (
                <Finding key={index} finding={finding} />
              ))}
            </ol>
          </>
        )}
      </div>
    </Panel>
  );
}

function Verdict({ findings }: { readonly findings: readonly FindingView[] }) {
  const has = (status: FindingView['status']) => findings.some((one) => one.status === status);
  const tone = has('problem') ? 'bad' : has('warning') ? 'warn' : 'good';
  return <Banner tone={tone} title={t.verdicts[tone]} />;
}

function Finding({ finding: { check, status, text, advice } }: { readonly finding: FindingView }) {
  const checks: Partial<Record<string, string>> = t.checks;
  return (
    <li class="finding">
      <div class="row">
        <State tone={TONES[status]}>{t.status[status]}</State>
        <span class="small soft">{checks[check] ?? check}</span>
      </div>
      <p class="break">{text}</p>
      {advice !== undefined && <Advice text={advice} />}
    </li>
  );
}

/** Sentences, and indented lines to be copied. */
function Advice({ text }: { readonly text: string }) {
  const parts: { readonly isCode: boolean; readonly lines: string[] }[] = [];
  for (const line of text.split('\n')) {
    const isCode = line.startsWith('  ');
    const last = parts.at(-1);
    if (last?.isCode === isCode) last.lines.push(isCode ? line.slice(2) : line);
    else parts.push({ isCode, lines: [isCode ? line.slice(2) : line] });
  }
  return (
    <div class="stack">
      {parts.map(({ isCode, lines }, index) =>
        isCode ? (
          <CodeBlock key={index} text={lines.join('\n')} what={t.advice} />
        ) : (
          <p key={index} class="soft break">
            {lines.join(' ')}
          </p>
        ),
      )}
    </div>
  );
}
