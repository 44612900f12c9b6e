/** What happened to a name, in words: which address it got, or why not. */
import type { EventView } from '../api-types.ts';
import { texts } from '../texts.ts';
import { AddressText } from './copy.tsx';

const t = texts.events;

const DETAILED: ReadonlySet<string> = new Set(['address-refused', 'address-invalid', 'request-malformed']);

type Step = NonNullable<EventView['A']>;

export function EventText({ event }: { readonly event: EventView }) {
  const { outcome, A, AAAA, code, detail } = event;
  if (outcome !== 'changed') return <span class="break">{faultText(code, detail)}</span>;
  return (
    <span class="event-text">
      {A !== undefined && <Move family={t.v4} step={A} />}
      {AAAA !== undefined && <Move family={t.v6} step={AAAA} />}
      {A === undefined && AAAA === undefined && <span>{detail ?? t.otherRecords}</span>}
    </span>
  );
}

function Move({ family, step: { before, after } }: { readonly family: string; readonly step: Step }) {
  const isSame = before.join() === after.join();
  if (isSame && after.length === 0) return null;
  return (
    <span>
      {family}{' '}
      {!isSame && before.length > 0 && (
        <>
          <span class="soft">
            <Addresses list={before} />
          </span>{' '}
          <span aria-hidden="true">→</span>
          <span class="hidden-text">{t.to}</span>{' '}
        </>
      )}
      {after.length === 0 ? t.removed : <Addresses list={after} />}
    </span>
  );
}

function Addresses({ list }: { readonly list: readonly string[] }) {
  return (
    <>
      {list.map((address, index) => (
        <span key={address}>
          {index > 0 && ', '}
          <AddressText value={address} />
        </span>
      ))}
    </>
  );
}

/** Why an update was refused or failed. @param code of docs/errors.md */
export function faultText(code: string | undefined, detail: string | undefined): string {
  const words: Partial<Record<string, string>> = t.faults;
  // What the server says of these has the address or the name.
  if (detail !== undefined && code !== undefined && DETAILED.has(code)) return detail;
  return (code === undefined ? undefined : words[code]) ?? detail ?? code ?? t.unknown;
}
