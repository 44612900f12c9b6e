/**
 * The tables `host_overview` (a row for each host) and `host_days` (what happened to it on each of the last days), and the triggers
 * that write them with the events, the activity and the settings of hosts: whoever writes those, they stay true. To read them
 * from the events at each request would take seconds.
 *
 * A row is short, so that all of a hundred thousand are read within milliseconds to sort or count them. An index would have to be
 * written at each update, and keep PostgreSQL from reusing the place of a row in its page.
 *
 * `host_days` is a ring: a day writes over the one that was 91 days before, so that it needs no deletion. Rows of
 * `host_overview` are locked in the order of names, so that concurrent servers do not deadlock (sql-overview.ts).
 */

/** More than the days that are shown. */
export const RING_DAYS = 91;
const DAY_MS = 86_400_000;

const tables = (collation: string, options: string): readonly string[] => [
  `create table "host_overview" (
     name text${collation} primary key,
     is_disabled bigint not null default 0,
     silent_after_ms bigint,
     last_seen_ms bigint not null default 0,
     a text, a_since_ms bigint,
     aaaa text, aaaa_since_ms bigint,
     last_change_ms bigint not null default 0,
     is_lease bigint not null default 0,
     fault_ms bigint, fault_id text
   )${options}`,
  `create table "host_days" (
     name text${collation} not null,
     slot bigint not null,
     day bigint not null,
     changes bigint not null,
     faults bigint not null,
     primary key (name, slot)
   )${options}`,
];

/** A family with its age: an event also has the addresses of a family that it did not change. */
const keepFamily = (family: 'a' | 'aaaa') => `
  ${family} = coalesce(excluded.${family}, host_overview.${family}),
  ${family}_since_ms = case
    when excluded.${family} is null then host_overview.${family}_since_ms
    when excluded.${family}_since_ms is not null then excluded.${family}_since_ms
    when excluded.${family} = host_overview.${family} then host_overview.${family}_since_ms
  end`;

const sinceOf = (family: 'a' | 'aaaa') => `case when new.${family}_after <> new.${family}_before then new.time_ms end`;

/** The later event; the one that is stored where that was written by a clock that was ahead. */
const isLater = (stored: string, added: string) =>
  `(${stored} is null or ${added} >= ${stored} or ${stored} > ${added} + ${DAY_MS})`;

const noteDay = (column: 'changes' | 'faults', where: string) =>
  `insert into host_days (name, slot, day, changes, faults)
     select new.name, (new.time_ms / ${DAY_MS}) % ${RING_DAYS}, new.time_ms / ${DAY_MS},
       ${column === 'changes' ? '1, 0' : '0, 1'} where ${where}
     on conflict (name, slot) do update set
       changes = excluded.changes + case when host_days.day = excluded.day then host_days.changes else 0 end,
       faults = excluded.faults + case when host_days.day = excluded.day then host_days.faults else 0 end,
       day = excluded.day
     where excluded.day >= host_days.day`;

const NOTE_CHANGED = [
  `insert into host_overview (name, a, a_since_ms, aaaa, aaaa_since_ms, last_change_ms, is_lease)
     values (new.name, new.a_after, ${sinceOf('a')}, new.aaaa_after, ${sinceOf('aaaa')}, new.time_ms,
       case when new.protocol = 'lease' then 1 else 0 end)
     on conflict (name) do update set ${keepFamily('a')}, ${keepFamily('aaaa')},
       last_change_ms = excluded.last_change_ms, is_lease = excluded.is_lease
     where ${isLater('host_overview.last_change_ms', 'excluded.last_change_ms')}`,
  noteDay('changes', '1 = 1'),
];

const NOTE_FAILED = [
  `insert into host_overview (name, fault_ms, fault_id) values (new.name, new.time_ms, new.id)
     on conflict (name) do update set fault_ms = excluded.fault_ms, fault_id = excluded.fault_id
     where ${isLater('host_overview.fault_ms', 'excluded.fault_ms')}`,
  noteDay('faults', '1 = 1'),
];

/** A refusal alone makes no host: a token may name any name of a zone. */
const NOTE_REFUSED = [
  `update host_overview set fault_ms = new.time_ms, fault_id = new.id
     where name = new.name and ${isLater('fault_ms', 'new.time_ms')}`,
  noteDay('faults', 'exists (select 1 from host_overview where name = new.name)'),
];

/** The triggers of events, by their names; a condition of one saves the statements of the others. */
const EVENT_TRIGGERS = [
  { name: 'overview_changed', when: "new.outcome = 'changed'", statements: NOTE_CHANGED },
  { name: 'overview_failed', when: "new.outcome = 'failed'", statements: NOTE_FAILED },
  { name: 'overview_refused', when: "new.outcome = 'refused'", statements: NOTE_REFUSED },
];

const NOTE_ACTIVITY = [
  `insert into host_overview (name, last_seen_ms) values (new.name, new.last_seen_ms)
     on conflict (name) do update set last_seen_ms = excluded.last_seen_ms`,
];

const noteSettings = (isDisabled: string, silentAfter: string) => [
  `insert into host_overview (name, is_disabled, silent_after_ms)
     values (new.name, case when ${isDisabled} then 1 else 0 end, ${silentAfter} * 1000)
     on conflict (name) do update set is_disabled = excluded.is_disabled, silent_after_ms = excluded.silent_after_ms`,
];

/** A host that was never updated is gone with its settings. */
const NOTE_REMOVAL = [
  'update host_overview set is_disabled = 0, silent_after_ms = null where name = old.name',
  `delete from host_overview
     where name = old.name and last_seen_ms = 0 and last_change_ms = 0 and fault_ms is null`,
];

const trigger = (name: string, when: string, statements: readonly string[]) =>
  `create trigger ${name} ${when} begin ${statements.join('; ')}; end`;

const SQLITE_SETTINGS = noteSettings(
  "json_extract(new.settings, '$.enabled') = 0",
  "json_extract(new.settings, '$.silentAfterSeconds')",
);

const backfill = (isDisabled: string, silentAfter: string): readonly string[] => [
  'insert into host_overview (name, last_seen_ms) select name, last_seen_ms from activity',
  `insert into host_overview (name, is_disabled, silent_after_ms)
     select name, case when ${isDisabled} then 1 else 0 end, ${silentAfter} * 1000 from hosts where 1 = 1
     on conflict (name) do update set is_disabled = excluded.is_disabled, silent_after_ms = excluded.silent_after_ms`,
  `insert into host_overview
       (name, a, a_since_ms, aaaa, aaaa_since_ms, last_change_ms, is_lease, fault_ms, fault_id)
     select latest.name, a.a_after, a_moved.time_ms, aaaa.aaaa_after, aaaa_moved.time_ms, coalesce(changed.time_ms, 0),
       case when changed.protocol = 'lease' then 1 else 0 end, fault.time_ms, fault.id
     from (
       select name,
         max(case when outcome = 'changed' then id end) as changed,
         max(case when outcome = 'changed' and a_after is not null then id end) as a,
         max(case when outcome = 'changed' and a_after <> a_before then id end) as a_moved,
         max(case when outcome = 'changed' and aaaa_after is not null then id end) as aaaa,
         max(case when outcome = 'changed' and aaaa_after <> aaaa_before then id end) as aaaa_moved,
         max(case when outcome <> 'changed' then id end) as fault
       from events group by name
     ) as latest
     left join events as changed on changed.id = latest.changed
     left join events as a on a.id = latest.a
     left join events as a_moved on a_moved.id = latest.a_moved
     left join events as aaaa on aaaa.id = latest.aaaa
     left join events as aaaa_moved on aaaa_moved.id = latest.aaaa_moved
     left join events as fault on fault.id = latest.fault
     where latest.changed is not null or latest.name in (select name from host_overview)
     on conflict (name) do update set a = excluded.a, a_since_ms = excluded.a_since_ms, aaaa = excluded.aaaa,
       aaaa_since_ms = excluded.aaaa_since_ms, last_change_ms = excluded.last_change_ms, is_lease = excluded.is_lease,
       fault_ms = excluded.fault_ms, fault_id = excluded.fault_id`,
  `insert into host_days (name, slot, day, changes, faults)
     select name, (time_ms / ${DAY_MS}) % ${RING_DAYS}, time_ms / ${DAY_MS},
       sum(case when outcome = 'changed' then 1 else 0 end), sum(case when outcome = 'changed' then 0 else 1 end)
     from events
     where time_ms / ${DAY_MS} > (select max(time_ms) / ${DAY_MS} from events) - ${RING_DAYS}
       and name in (select name from host_overview)
     group by name, time_ms / ${DAY_MS}`,
];

export const OVERVIEW_IN_SQLITE: readonly string[] = [
  ...tables('', ' without rowid'),
  ...EVENT_TRIGGERS.map(({ name, when, statements }) =>
    trigger(name, `after insert on events when ${when}`, statements),
  ),
  trigger('overview_first_activity', 'after insert on activity', NOTE_ACTIVITY),
  trigger('overview_activity', 'after update on activity', NOTE_ACTIVITY),
  trigger('overview_new_settings', 'after insert on hosts', SQLITE_SETTINGS),
  trigger('overview_settings', 'after update on hosts', SQLITE_SETTINGS),
  trigger('overview_removal', 'after delete on hosts', NOTE_REMOVAL),
  ...backfill("json_extract(settings, '$.enabled') = 0", "json_extract(settings, '$.silentAfterSeconds')"),
];

const postgresTrigger = (
  name: string,
  when: string,
  statements: readonly string[],
  condition = '',
): readonly string[] => [
  `create function ${name}() returns trigger language plpgsql as $$ begin ${statements.join('; ')}; return null; end $$`,
  `create trigger ${name} ${when} for each row${condition} execute function ${name}()`,
];

const disabledIn = (row: string) => `(${row}settings::json->>'enabled') = 'false'`;
const silentAfterIn = (row: string) => `(${row}settings::json->>'silentAfterSeconds')::bigint`;

export const OVERVIEW_IN_POSTGRES: readonly string[] = [
  ...tables(' collate "C"', ' with (fillfactor = 70)'),
  // The triggers first: they lock the tables until COMMIT, so that nothing is missed.
  ...EVENT_TRIGGERS.flatMap(({ name, when, statements }) =>
    postgresTrigger(name, 'after insert on events', statements, ` when (${when})`),
  ),
  ...postgresTrigger('overview_activity', 'after insert or update on activity', NOTE_ACTIVITY),
  ...postgresTrigger(
    'overview_settings',
    'after insert or update on hosts',
    noteSettings(disabledIn('new.'), silentAfterIn('new.')),
  ),
  ...postgresTrigger('overview_removal', 'after delete on hosts', NOTE_REMOVAL),
  ...backfill(disabledIn(''), silentAfterIn('')),
];
