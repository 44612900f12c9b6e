/** Readiness: parts that fail, throw or never answer, and the cache of the answer. */
import { describe, expect, it } from 'vitest';
import { Readiness } from './readiness.ts';

describe('readiness', () => {
  it('names the parts that do not work, throw, reject or do not answer in time', async () => {
    const readiness = new Readiness(
      [
        { name: 'good', works: () => true },
        { name: 'bad', works: async () => false },
        {
          name: 'throws',
          works: () => {
            throw new Error('x');
          },
        },
        { name: 'rejects', works: () => Promise.reject(new Error('x')) },
        { name: 'silent', works: () => new Promise(() => undefined) },
      ],
      () => 0,
      5,
    );
    expect(await readiness.notReady()).toEqual(['bad', 'throws', 'rejects', 'silent']);
  });

  it('checks its parts once a second, however often it is called', async () => {
    let nowMs = 0;
    let checks = 0;
    const works = () => {
      checks += 1;
      return checks > 1;
    };
    const readiness = new Readiness([{ name: 'part', works }], () => nowMs);
    await Promise.all([readiness.notReady(), readiness.notReady()]);
    nowMs = 999;
    expect(await readiness.notReady()).toEqual(['part']);
    nowMs = 1000;
    expect(await readiness.notReady()).toEqual([]);
    expect(checks).toBe(2);
  });
});
