/** The versions of a zone as a ladder: the newest on top, and who serves which. The text of each rung says the same. */
import type { SecondaryView } from '../api-types.ts';
import { duration } from '../clock.ts';
import { texts } from '../texts.ts';

const t = texts.zones.secondaries;
const ROW = 52;
const X = 12;
/** Beyond the end of every row. */
const FAR = 1000;

interface Rung {
  readonly serial: number | undefined;
  readonly holders: readonly { readonly name: string; readonly note: string | undefined }[];
  readonly isNewest: boolean;
}

export function Ladder({
  serial,
  secondaries,
}: {
  readonly serial: number;
  readonly secondaries: readonly SecondaryView[];
}) {
  const rungs = rungsOf(serial, secondaries);
  return (
    <ol class="ladder" aria-label={t.ladder}>
      {rungs.map((rung, index) => (
        <li key={String(rung.serial)}>
          <svg width="24" height={ROW} viewBox={`0 0 24 ${ROW}`} aria-hidden="true">
            <path
              class="ladder-rail"
              d={`M${X} ${index === 0 ? ROW / 2 : -FAR}V${index === rungs.length - 1 ? ROW / 2 : FAR}`}
            />
            {rung.isNewest ? (
              <circle class="ladder-newest" cx={X} cy={ROW / 2} r="7" />
            ) : (
              <path class="ladder-older" d={`M${X} ${ROW / 2 - 8}l7 8-7 8-7-8z`} />
            )}
          </svg>
          <div>
            <div class="strong">
              {rung.serial === undefined ? t.noSerial : <span>{texts.zones.version(rung.serial)}</span>}
            </div>
            <div class="soft break">
              {rung.holders.map(({ name, note }, at) => (
                <span key={name}>
                  {at > 0 && ', '}
                  {name}
                  {note !== undefined && ` (${note})`}
                </span>
              ))}
            </div>
          </div>
        </li>
      ))}
    </ol>
  );
}

function rungsOf(serial: number, secondaries: readonly SecondaryView[]): readonly Rung[] {
  const bySerial = new Map<number | undefined, { name: string; note: string | undefined }[]>([
    [serial, [{ name: t.thisServer, note: undefined }]],
  ]);
  for (const { endpoint, serial: held, behindSeconds } of secondaries) {
    const holders = bySerial.get(held) ?? [];
    bySerial.set(held, holders);
    holders.push({ name: endpoint, note: behindSeconds === undefined ? undefined : t.behind(duration(behindSeconds)) });
  }
  return [...bySerial]
    .map(([held, holders]) => ({ serial: held, holders, isNewest: held === serial }))
    .sort((a, b) => distance(a.serial, serial) - distance(b.serial, serial));
}

/** How far behind: serials wrap (RFC 1982). Who is ahead comes first. */
function distance(held: number | undefined, serial: number): number {
  if (held === undefined) return Number.POSITIVE_INFINITY;
  const behind = (serial - held + 2 ** 32) % 2 ** 32;
  return behind < 2 ** 31 ? behind : behind - 2 ** 32;
}
