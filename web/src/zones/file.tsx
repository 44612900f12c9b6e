/** The file of a zone: download it, or import one after seeing what it would do. */
import { useState } from 'preact/hooks';
import { apiUrl, call, type Result } from '../api.ts';
import { count, formatNumber } from '../clock.ts';
import { Button, ButtonLink } from '../components/button.tsx';
import { SelectField } from '../components/field.tsx';
import { Form } from '../components/form.tsx';
import { Fact, Facts, Panel } from '../components/page.tsx';
import { Banner, ErrorBox } from '../components/states.tsx';
import { toast } from '../components/toast.tsx';
import { useAction } from '../operation.ts';
import { texts } from '../texts.ts';

const t = texts.zones.file;
type Report = Result<'POST /v1/zones/{zone}/import'>;

export function ZoneFile({ zone, onImport }: { readonly zone: string; readonly onImport: () => void }) {
  return (
    <div class="columns">
      <Panel title={t.exportTitle} lead={t.exportLead}>
        <ButtonLink
          icon="down"
          href={apiUrl(`/v1/zones/${encodeURIComponent(zone)}/file`)}
          download={`${zone.replace(/\.$/, '')}.zone`}
        >
          {t.export}
        </ButtonLink>
      </Panel>
      <Import zone={zone} onImport={onImport} />
    </div>
  );
}

function Import({ zone, onImport }: { readonly zone: string; readonly onImport: () => void }) {
  const [file, setFile] = useState<File>();
  const [mode, setMode] = useState<'merge' | 'replace'>('merge');
  const [isMissing, setMissing] = useState(false);
  const [report, setReport] = useState<Report>();
  const send = async (dryRun: boolean) => {
    const text = (await file?.text()) ?? '';
    return call('POST /v1/zones/{zone}/import', { zone, mode, dry_run: dryRun }, { text });
  };
  const look = useAction(async () => setReport(await send(true)));
  const apply = useAction(async () => {
    const { serial } = await send(false);
    toast(t.done(serial));
    setReport(undefined);
    onImport();
  });
  const forget = () => {
    setReport(undefined);
    look.clear();
    apply.clear();
  };
  return (
    <Panel title={t.importTitle} lead={t.importLead}>
      <Form
        onSubmit={() => {
          setMissing(file === undefined);
          if (file !== undefined) void look.run();
        }}
      >
        <div class="field">
          <label class="field-label" for="zone-file">
            {t.choose}
          </label>
          <input
            id="zone-file"
            class="input"
            type="file"
            aria-describedby={isMissing ? 'zone-file-error' : undefined}
            aria-invalid={isMissing ? 'true' : undefined}
            onChange={(event) => {
              setFile(event.currentTarget.files?.[0]);
              setMissing(false);
              forget();
            }}
          />
          {isMissing && (
            <p id="zone-file-error" class="field-error">
              {t.needed}
            </p>
          )}
        </div>
        <SelectField
          label={t.mode}
          value={mode}
          onValue={(value) => {
            setMode(value);
            forget();
          }}
          options={[
            ['merge', t.merge],
            ['replace', t.replace],
          ]}
        />
        <ErrorBox error={look.error} />
        {report !== undefined && <ReportView report={report} />}
        <ErrorBox error={apply.error} />
        <div class="form-actions">
          <Button type="submit" isBusy={look.isRunning}>
            {t.preview}
          </Button>
          {report !== undefined && report.added + report.changed + report.removed > 0 && (
            <Button
              kind={report.removed > 0 ? 'danger' : 'primary'}
              isBusy={apply.isRunning}
              onClick={() => void apply.run()}
            >
              {report.removed > 0 ? t.applyReplace : t.apply}
            </Button>
          )}
        </div>
      </Form>
    </Panel>
  );
}

function ReportView({
  report: { added, changed, removed, unchanged, skipped, skippedCount },
}: {
  readonly report: Report;
}) {
  const sets = (number: number) => count(number, texts.zones.records.words as [string, string]);
  return (
    <div class="stack">
      {added + changed + removed === 0 && <Banner tone="idle">{t.nothing}</Banner>}
      <Facts>
        <Fact name={t.added}>{sets(added)}</Fact>
        <Fact name={t.changed}>{sets(changed)}</Fact>
        <Fact name={t.removed}>{removed > 0 ? <span class="bad-text">{sets(removed)}</span> : sets(removed)}</Fact>
        <Fact name={t.unchanged}>{sets(unchanged)}</Fact>
        {skippedCount > 0 && (
          <Fact name={t.skipped}>
            {formatNumber(skippedCount)}
            <ul class="bullets small soft">
              {skipped.slice(0, 10).map((one) => (
                <li key={one} class="break">
                  {one}
                </li>
              ))}
            </ul>
          </Fact>
        )}
      </Facts>
    </div>
  );
}
