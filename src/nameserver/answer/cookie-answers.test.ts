/** The life of cookie secrets (RFC 7873 §7.1, RFC 9018 §5): daily rolls, which no client notices. */
import { describe, expect, it } from 'vitest';
import { cookieAnswers, dailySecrets } from './cookie-answers.ts';

const CLIENT = Buffer.from('0123456789abcdef', 'hex');
const PEER = '192.0.2.1';
const DAY = 86_400;
/** The begin of a day. */
const START = 19_676 * DAY;

/** Secrets of 16 equal octets, so that a roll is visible. */
function rolling() {
  const days: number[] = [];
  const answers = cookieAnswers((day) => {
    days.push(day - START / DAY);
    return Buffer.alloc(16, day);
  });
  const answer = (option: Uint8Array, now: number) => answers.answer(option, PEER, now)!;
  /** The days whose secrets were made since the last call, from the first day on. */
  const made = () => days.splice(0);
  return { answer, made };
}

describe('the secret of server cookies', () => {
  it('is that of the day, with that of the day before', () => {
    const { answer, made } = rolling();
    answer(CLIENT, START);
    expect(made()).toEqual([0, -1]);
    answer(CLIENT, START + DAY - 1);
    expect(made()).toEqual([]);
    answer(CLIENT, START + DAY);
    expect(made()).toEqual([1, 0]);
    answer(CLIENT, START + 2 * DAY - 1);
    expect(made()).toEqual([]);
  });

  it('a cookie made before the roll is valid after it, and renewed', () => {
    const { answer } = rolling();
    const old = answer(CLIENT, START + DAY - 1_000).reply;
    expect(answer(old, START + DAY - 900)).toEqual({ valid: true, reply: old });
    const renewed = answer(old, START + DAY + 100);
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

  it('follows the clock over a pause of a week, and back', () => {
    const { answer, made } = rolling();
    answer(CLIENT, START);
    answer(CLIENT, START + 7 * DAY);
    answer(CLIENT, START + 7 * DAY + 1);
    answer(CLIENT, START);
    expect(made()).toEqual([0, -1, 7, 6, 0, -1]);
  });
});

describe('daily secrets', () => {
  const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

  it('are the same for one key, and different for each day and key', () => {
    const [one, same, other] = [1, 1, 2].map((key) => dailySecrets(Buffer.alloc(16, key)));
    const days = Array.from({ length: 100 }, (_, day) => hex(one!(day)));
    expect(days).toEqual(Array.from({ length: 100 }, (_, day) => hex(same!(day))));
    expect(new Set([...days, hex(other!(0))]).size).toBe(101);
    expect(days.every((secret) => secret.slice(0, 16) !== secret.slice(16))).toBe(true);
  });
});
