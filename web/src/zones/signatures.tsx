/** The signatures of a zone that this server signs: their state, when the first one expires, and the DS record for the parent zone. */
import type { EmbeddedZoneView } from '../api-types.ts';
import { CodeBlock } from '../components/copy.tsx';
import { Fact, Facts, Panel } from '../components/page.tsx';
import { State } from '../components/state.tsx';
import { Banner, Show } from '../components/states.tsx';
import { Time } from '../components/time.tsx';
import { useOperation } from '../operation.ts';
import { texts } from '../texts.ts';

const t = texts.zones.signatures;
const TONES = { unsigned: 'idle', signed: 'good', leaving: 'warn' } as const;

export function Signatures({ zone: { zone, signing } }: { readonly zone: EmbeddedZoneView }) {
  const dnssec = useOperation('GET /v1/zones/{zone}/dnssec', { zone });
  return (
    <Panel title={t.title}>
      <Show of={dnssec} lines={4}>
        {({ state, chain, signatures, keys, problem = [] }) => (
          <div class="stack">
            <Troubles texts={[...(signing?.troubles ?? []), ...[problem].flat()]} />
            <Facts>
              <Fact name={t.state}>
                <State tone={signing?.troubles.length ? 'bad' : TONES[state]}>{t.states[state]}</State>
              </Fact>
              {signatures !== undefined && (
                <Fact name={t.expires}>
                  <Time value={signatures.earliestExpiration} />
                </Fact>
              )}
              {keys.map(({ keyTag, mnemonic }) => (
                <Fact key={keyTag} name={t.key}>
                  {keyTag} · {mnemonic} · {chain?.toUpperCase()}
                </Fact>
              ))}
            </Facts>
            {state === 'unsigned' && <p class="soft">{t.how}</p>}
            {state === 'signed' && <Ds records={keys.flatMap(({ ds }) => ds?.record ?? [])} />}
          </div>
        )}
      </Show>
    </Panel>
  );
}

/** What the renewal found, and what is wrong with the keys now: often the same. */
function Troubles({ texts: sentences }: { readonly texts: readonly string[] }) {
  return (
    <>
      {[...new Set(sentences)].map((text) => (
        <Banner key={text} tone="bad">
          {text}
        </Banner>
      ))}
    </>
  );
}

/** @param records only those that the parent may have now */
function Ds({ records }: { readonly records: readonly string[] }) {
  if (records.length === 0) return <p class="soft">{t.noDs}</p>;
  return (
    <div class="stack">
      <p>{t.giveDs}</p>
      <CodeBlock text={records.join('\n')} what={t.ds} isWrapped />
    </div>
  );
}
