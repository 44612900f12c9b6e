/**
 * Triggers that count the events of each host in the table `event_counts`, independent of the program that adds or deletes them. To count all events
 * at each check would take seconds.
 */

export const COUNT_IN_SQLITE: readonly string[] = [
  `create trigger events_added after insert on events begin
     insert into event_counts (name, events) values (new.name, 1)
       on conflict (name) do update set events = events + 1;
   end`,
  `create trigger events_deleted after delete on events begin
     update event_counts set events = events - 1 where name = old.name;
   end`,
];

/**
 * One count for each statement. Rows of `event_counts` are locked in the order of names, so that concurrent servers do not
 * deadlock; a transaction of several statements adds events in that order, too. The order is that of octets: a database may
 * have another one by default.
 */
export const COUNT_IN_POSTGRES: readonly string[] = [
  `create function count_events() returns trigger language plpgsql as $$
   begin
     insert into event_counts as counted (name, events)
       select name, case when tg_op = 'INSERT' then count(*) else -count(*) end
       from changed_events group by name order by name collate "C"
       on conflict (name) do update set events = counted.events + excluded.events;
     return null;
   end $$`,
  `create trigger events_added after insert on events referencing new table as changed_events
     for each statement execute function count_events()`,
  `create trigger events_deleted after delete on events referencing old table as changed_events
     for each statement execute function count_events()`,
];
