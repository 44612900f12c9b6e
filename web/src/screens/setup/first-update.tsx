/** Waits for the first update of a name, live, and shows its addresses and what DNS answers. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import { call } from '../../api.ts';
import { faultText } from '../../components/event-text.tsx';
import { Icon } from '../../components/icons.tsx';
import { State } from '../../components/state.tsx';
import { Banner } from '../../components/states.tsx';
import { type HostEvent, onResync, useEvents } from '../../events.ts';
import { texts } from '../../texts.ts';

const t = texts.setup.device;

/** Where the stream of events does not arrive, as behind some proxies. */
const POLL_MS = 5_000;

interface Published {
  readonly addresses: readonly string[];
}

export function FirstUpdate({ host }: { readonly host: string }) {
  const [published, setPublished] = useState<Published>();
  const [refusal, setRefusal] = useState<HostEvent>();
  const read = useCallback(async () => {
    // A failure here is no reason to stop waiting.
    const view = await call('GET /v1/hosts/{host}', { host }).catch(() => undefined);
    const addresses = [...(view?.published?.A ?? []), ...(view?.published?.AAAA ?? [])];
    if (addresses.length > 0) setPublished({ addresses });
  }, [host]);
  useEffect(() => {
    void read();
    const timer = setInterval(() => void read(), POLL_MS);
    return () => clearInterval(timer);
  }, [read]);
  useEffect(() => onResync(() => void read()), [read]);
  useEvents(
    {
      event: (event) => {
        if (event.host.replace(/\.$/, '') !== host) return;
        if (event.outcome === 'changed') setRefusal(undefined);
        else setRefusal(event);
        void read();
      },
    },
    [host],
  );
  const isDone = published !== undefined;
  return (
    <section class={`first-update${isDone ? ' first-update-done' : ''}`} aria-live="polite">
      {isDone ? (
        <>
          <span class="first-update-mark">
            <Icon name="check" size={28} />
          </span>
          <h2>{t.done(host)}</h2>
          <p>{t.address(published.addresses.join(', '))}</p>
          <DnsAnswer host={host} addresses={published.addresses} />
        </>
      ) : (
        <>
          <span class="first-update-dot" />
          <h2>{t.waiting}</h2>
          <p class="soft">{t.waitingText}</p>
        </>
      )}
      {!isDone && refusal !== undefined && (
        <Banner tone="bad" title={t.refused}>
          {t.refusedText(faultText(refusal.code, refusal.detail), refusal.source)}
        </Banner>
      )}
    </section>
  );
}

/** The server has asked the nameserver for them: `published` is its answer. */
function DnsAnswer({ host, addresses }: { readonly host: string; readonly addresses: readonly string[] }) {
  return (
    <div class="stack">
      <State tone="good">{t.dns}</State>
      <pre class="mono">
        {addresses.map((address) => `${host}. IN ${address.includes(':') ? 'AAAA' : 'A'} ${address}`).join('\n')}
      </pre>
    </div>
  );
}
