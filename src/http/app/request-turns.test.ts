/** Pipelined requests and the turns of the event loop. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { RequestTurns } from './request-turns.ts';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

function makeConnection() {
  const socket = {
    destroyed: false,
    destroy() {
      socket.destroyed = true;
    },
  };
  return socket;
}

/** Turns whose listener takes longer than a turn may, and what it started. */
function busyTurns() {
  const started: string[] = [];
  const turns = new RequestTurns((request) => {
    started.push(request.url ?? '');
    const endMs = performance.now() + 3;
    while (performance.now() < endMs);
  });
  const busy = new Set<object>();
  const take = (socket: object, url: string) => {
    turns.take({ socket, url } as unknown as IncomingMessage, {} as ServerResponse, busy.has(socket));
    busy.add(socket);
  };
  return { started, take };
}

describe('RequestTurns', () => {
  it('starts a request at once, and a second one of the same connection in the next turn', async () => {
    const { started, take } = busyTurns();
    const connection = makeConnection();
    take(connection, 'a');
    take(connection, 'b');
    take(connection, 'c');
    expect(started).toEqual(['a']);
    await nextTurn();
    expect(started).toEqual(['a', 'b']);
    await nextTurn();
    expect(started).toEqual(['a', 'b', 'c']);
  });

  it('starts requests of a connection in their order, and of several connections in turn', async () => {
    const { started, take } = busyTurns();
    const [one, other] = [makeConnection(), makeConnection()];
    for (const url of ['a1', 'a2', 'a3']) take(one, url);
    for (const url of ['b1', 'b2']) take(other, url);
    while (started.length < 5) await nextTurn();
    expect(started).toEqual(['a1', 'b1', 'a2', 'b2', 'a3']);
  });

  it('closes a connection on which more than a hundred requests wait, and starts none of them', async () => {
    const { started, take } = busyTurns();
    const [one, other] = [makeConnection(), makeConnection()];
    for (let index = 0; index < 200; index++) take(one, `a${index}`);
    take(other, 'b');
    expect(one.destroyed).toBe(true);
    while (!started.includes('b')) await nextTurn();
    await nextTurn();
    expect(started).toEqual(['a0', 'b']);
  });

  it('starts nothing of a connection that was closed while it waited', async () => {
    const { started, take } = busyTurns();
    const [one, other] = [makeConnection(), makeConnection()];
    take(one, 'a1');
    take(one, 'a2');
    take(other, 'b');
    one.destroy();
    while (!started.includes('b')) await nextTurn();
    expect(started).toEqual(['a1', 'b']);
  });
});
