// Tasks of one name one after the other, of different names side by side.
import { expect, it } from 'vitest';
import { DomainName } from '../../dns/name.ts';
import { NameOrder } from './name-order.ts';

const a = DomainName.parse('a.example.com');
const b = DomainName.parse('b.example.com');

/** A task that waits to be let go, and its place in a log. */
function gate(log: string[], label: string) {
  let open: (value: string) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const waiting = new Promise<string>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  const task = async () => {
    log.push(`${label} begins`);
    try {
      return await waiting;
    } finally {
      log.push(`${label} ends`);
    }
  };
  return { task, open: () => open(label), fail: () => fail(new Error(label)) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('keeps the order of one name, though a later task could end earlier', async () => {
  const order = new NameOrder();
  const log: string[] = [];
  const tasks = ['1', '2', '3'].map((label) => gate(log, label));
  const results = tasks.map(({ task }) => order.run(a, task));
  tasks[2]!.open();
  tasks[1]!.open();
  await turn();
  expect(log).toEqual(['1 begins']);
  tasks[0]!.open();
  expect(await Promise.all(results)).toEqual(['1', '2', '3']);
  expect(log).toEqual(['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends']);
});

it('takes two spellings for one name', async () => {
  const order = new NameOrder();
  const log: string[] = [];
  const [first, second] = [gate(log, '1'), gate(log, '2')];
  const results = [order.run(a, first.task), order.run(DomainName.parse('A.Example.COM'), second.task)];
  await turn();
  expect(log).toEqual(['1 begins']);
  first.open();
  second.open();
  await Promise.all(results);
});

it('lets different names run side by side', async () => {
  const order = new NameOrder();
  const log: string[] = [];
  const [first, second] = [gate(log, 'a'), gate(log, 'b')];
  const results = [order.run(a, first.task), order.run(b, second.task)];
  await turn();
  expect(log).toEqual(['a begins', 'b begins']);
  second.open();
  expect(await results[1]).toBe('b');
  first.open();
  await Promise.all(results);
});

it('goes on after a failure, which only its own caller sees', async () => {
  const order = new NameOrder();
  const log: string[] = [];
  const [first, second] = [gate(log, '1'), gate(log, '2')];
  const results = [order.run(a, first.task), order.run(a, second.task)];
  first.fail();
  second.open();
  await expect(results[0]).rejects.toThrow('1');
  expect(await results[1]).toBe('2');
});

it('does not wait once the name is quiet again', async () => {
  const order = new NameOrder();
  const log: string[] = [];
  const first = gate(log, '1');
  const result = order.run(a, first.task);
  first.open();
  await result;
  await turn();
  const second = gate(log, '2');
  const later = order.run(a, second.task);
  // Synchronously: there is nothing to wait for.
  expect(log).toEqual(['1 begins', '1 ends', '2 begins']);
  second.open();
  await later;
});

it('a task of several names waits for all of them, and holds up each of them', async () => {
  const order = new NameOrder();
  const log: string[] = [];
  const tasks = ['a', 'b', 'both', 'a again', 'b again'].map((label) => gate(log, label));
  const [one, two, both, oneAgain, twoAgain] = tasks;
  const results = [
    order.run(a, one!.task),
    order.run(b, two!.task),
    order.runAll([a, b], both!.task),
    order.run(a, oneAgain!.task),
    order.run(b, twoAgain!.task),
  ];
  one!.open();
  await turn();
  expect(log).toEqual(['a begins', 'b begins', 'a ends']);
  two!.fail();
  await expect(results[1]).rejects.toThrow('b');
  await turn();
  expect(log.slice(3)).toEqual(['b ends', 'both begins']);
  both!.open();
  await turn();
  expect(log.slice(5)).toEqual(['both ends', 'a again begins', 'b again begins']);
  oneAgain!.open();
  twoAgain!.open();
  await Promise.all(results.slice(2));
});

it('tasks of the same names in another order do not wait for one another in a circle', async () => {
  const order = new NameOrder();
  const done: number[] = [];
  const task = (n: number) => async () => {
    await turn();
    done.push(n);
  };
  await Promise.all([
    order.runAll([a, b], task(1)),
    order.runAll([b, a], task(2)),
    order.runAll([a, b], task(3)),
    order.run(b, task(4)),
  ]);
  expect(done).toEqual([1, 2, 3, 4]);
});
