/** The fourth step: the file that will be written, and the start of the server. The page then goes on at the server. */
import { useEffect, useState } from 'preact/hooks';
import { call, type Result } from '../../api.ts';
import { Button } from '../../components/button.tsx';
import { CodeBlock } from '../../components/copy.tsx';
import { Panel } from '../../components/page.tsx';
import { Banner, ErrorBox, Loading } from '../../components/states.tsx';
import { useAction } from '../../operation.ts';
import { texts } from '../../texts.ts';
import { Frame, type StepProps } from './frame.tsx';

const t = texts.setup.review;

export function ReviewStep({ state, onStep }: StepProps) {
  const [preview, setPreview] = useState<Result<'POST /v1/setup/preview'>>();
  const load = useAction(async () => setPreview(await call('POST /v1/setup/preview', {})));
  useEffect(() => {
    void load.run();
  }, []);
  const start = useAction(async () => {
    const { url } = await call('POST /v1/setup/finish', {});
    goOnAt(url);
    // The page is being replaced.
    await new Promise(() => undefined);
  });
  return (
    <Frame step="review" onStep={start.isRunning ? undefined : onStep} title={t.title} lead={t.lead(state.file)}>
      <Panel title={state.file}>
        <ErrorBox error={load.error} onRetry={() => void load.run()} />
        {preview === undefined ? (
          load.error === undefined && <Loading lines={8} />
        ) : (
          <>
            <CodeBlock text={preview.text} what={t.file} />
            {preview.warnings.map((warning) => (
              <Banner key={warning} tone="warn">
                {warning}
              </Banner>
            ))}
          </>
        )}
      </Panel>
      <ErrorBox error={start.error} />
      <div class="form-actions">
        <Button
          kind="primary"
          isBusy={start.isRunning}
          disabled={preview === undefined}
          onClick={() => void start.run()}
        >
          {t.start}
        </Button>
      </div>
      <p class="hidden-text" role="status">
        {start.isRunning ? t.starting : ''}
      </p>
    </Frame>
  );
}

/** Opens the page of the server that has started, which signs in by the link in the fragment. */
function goOnAt(url: string): void {
  const target = new URL(url, document.baseURI);
  if (target.hash !== '') target.hash += '&next=start';
  if (target.origin === window.location.origin) {
    window.history.replaceState(null, '', target.href);
    window.location.reload();
  } else window.location.assign(target.href);
}
