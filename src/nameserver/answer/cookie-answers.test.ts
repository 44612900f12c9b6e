/** The life of cookie secrets (RFC 7873 §7.1, RFC 9018 §5): daily rolls, which no client notices. */
import { describe, expect, it } from 'vitest';
import { cookieAnswers } from './cookie-answers.ts';

const CLIENT = Buffer.from('0123456789abcdef', 'hex');
const PEER = '192.0.2.1';
const START = 1_700_000_000;
const DAY = 86_400;

/** Secrets of 16 octets 1, 2, 3 ..., so that a roll is visible. */
function rolling() {
  let secrets = 0;
  const answers = cookieAnswers(() => Buffer.alloc(16, ++secrets));
  const answer = (option: Uint8Array, now: number) => answers.answer(option, PEER, now)!;
  return { answer, secrets: () => secrets };
}

describe('the secret of server cookies', () => {
  it('is replaced after a day', () => {
    const { answer, secrets } = rolling();
    answer(CLIENT, START);
    answer(CLIENT, START + DAY - 1);
    expect(secrets()).toBe(1);
    answer(CLIENT, START + DAY);
    expect(secrets()).toBe(2);
    answer(CLIENT, START + 2 * DAY - 1);
    expect(secrets()).toBe(2);
    answer(CLIENT, START + 2 * DAY);
    expect(secrets()).toBe(3);
  });

  it('a cookie made before the roll is valid after it, and renewed', () => {
    const { answer, secrets } = rolling();
    answer(CLIENT, START);
    const old = answer(CLIENT, START + DAY - 1_000).reply;
    expect(answer(old, START + DAY - 900)).toEqual({ valid: true, reply: old });
    const renewed = answer(old, START + DAY + 100);
    expect(secrets()).toBe(2);
    expect(renewed.valid).toBe(true);
    expect(Buffer.from(renewed.reply)).not.toEqual(Buffer.from(old));
    expect(answer(renewed.reply, START + DAY + 200)).toEqual({ valid: true, reply: renewed.reply });
  });

  it('a client that asks all the time has a valid cookie for a week', () => {
    const { answer } = rolling();
    let option = answer(CLIENT, START).reply;
    for (let now = START; now < START + 7 * DAY; now += 600) {
      const { valid, reply } = answer(option, now);
      expect(valid).toBe(true);
      option = reply;
    }
  });

  it('is replaced once after a pause of a week, and also after the clock went back', () => {
    const { answer, secrets } = rolling();
    answer(CLIENT, START);
    answer(CLIENT, START + 7 * DAY);
    answer(CLIENT, START + 7 * DAY + 1);
    expect(secrets()).toBe(2);
    answer(CLIENT, START);
    answer(CLIENT, START + 1);
    expect(secrets()).toBe(3);
  });
});
