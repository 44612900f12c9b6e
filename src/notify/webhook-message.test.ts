/** The request of a webhook: bodies, headers, and the signature. */
import { describe, expect, it } from 'vitest';
import type { Notice } from '../core/notices/notices.ts';
import { DomainName } from '../dns/name.ts';
import { signatureHeaders, webhookMessage } from './webhook-message.ts';

const notice: Notice = {
  id: '019ac0de',
  kind: 'changed',
  ownerName: DomainName.parse('Home.example.com'),
  timeMs: Date.UTC(2026, 10, 23, 10),
  protocol: 'dyndns2',
  actor: 'router1',
  source: '198.51.100.1',
  A: { before: ['192.0.2.1'], after: ['192.0.2.2'] },
  AAAA: { before: ['2001:db8::1'], after: [] },
};

describe('a message of a webhook', () => {
  it('is one line of JSON with all known fields', () => {
    const { body, headers } = webhookMessage(notice, 'json');
    expect(body).toBe(
      '{"id":"019ac0de","time":"2026-11-23T10:00:00.000Z","event":"changed","host":"Home.example.com","protocol":"dyndns2",' +
        '"actor":"router1","source":"198.51.100.1","A":{"before":["192.0.2.1"],"after":["192.0.2.2"]},' +
        '"AAAA":{"before":["2001:db8::1"],"after":[]},"subject":"Home.example.com is 192.0.2.2",' +
        '"text":"Home.example.com changed: A 192.0.2.1 -> 192.0.2.2; AAAA 2001:db8::1 -> none. By router1 (dyndns2 from 198.51.100.1)."}',
    );
    expect(headers).toEqual({
      'X-Dyndns-Event': 'changed',
      'X-Dyndns-Delivery': '019ac0de',
      'Content-Type': 'application/json',
    });
  });

  it('is a text with title, tags and priority for ntfy, and a text with a subject', () => {
    const silent: Notice = { ...notice, kind: 'silent', protocol: 'watch', lastSeenMs: notice.timeMs - 26 * 3_600_000 };
    const text = 'Home.example.com is silent: its last update was 26 hours ago (2026-11-22T08:00:00.000Z).';
    expect(webhookMessage(silent, 'ntfy')).toEqual({
      body: text,
      headers: {
        'X-Dyndns-Event': 'silent',
        'X-Dyndns-Delivery': '019ac0de',
        'Content-Type': 'text/plain; charset=utf-8',
        Title: 'Home.example.com is silent',
        Tags: 'zzz',
        Priority: '4',
      },
    });
    const plain = webhookMessage(silent, 'text');
    expect([plain.body, plain.headers['X-Dyndns-Subject']]).toEqual([`${text}\n`, 'Home.example.com is silent']);
  });

  it('of a secondary names it, its zone and its state', () => {
    const { A: _a, AAAA: _aaaa, ...rest } = notice;
    const secondary = { place: '192.0.2.53:53', state: 'not-answering', sinceMs: notice.timeMs - 60_000, serial: 7 };
    const message = webhookMessage(
      { ...rest, kind: 'secondary', protocol: 'watch', detail: 'does not answer queries', secondary },
      'json',
    );
    expect(JSON.parse(message.body)).toMatchObject({
      event: 'secondary',
      host: 'Home.example.com',
      zone: 'Home.example.com',
      secondary: '192.0.2.53:53',
      state: 'not-answering',
      since: '2026-11-23T09:59:00.000Z',
      serial: 7,
      detail: 'does not answer queries',
    });
  });

  it('has no line break or control character in its text, whatever a primary answered', () => {
    const odd: Notice = {
      ...notice,
      kind: 'failed',
      code: 'primary-refused',
      detail: 'no\r\nBcc: x\u0007\u2028',
      actor: 'ä',
    };
    for (const format of ['json', 'ntfy', 'text'] as const) {
      const { body, headers } = webhookMessage(odd, format);
      const read = format === 'json' ? (JSON.parse(body) as { text: string }).text : body.trimEnd();
      expect(read).toBe(
        'Home.example.com could not be updated: primary-refused: no Bcc: x . By ä (dyndns2 from 198.51.100.1).',
      );
      for (const value of Object.values(headers)) expect(value).toMatch(/^[\x20-\x7e]*$/);
    }
  });

  it('RFC 2104: is signed over the time, the id and the body, separated by dots', () => {
    const message = { body: '{"a":"ü"}', headers: { 'X-Dyndns-Delivery': '019ac0de' } };
    // printf '%s' '1700000000.{"a":"ü"}' | openssl dgst -sha256 -hmac 'key of the test'
    // printf '%s' '1700000000.019ac0de.{"a":"ü"}' | openssl dgst -sha256 -hmac 'key of the test'
    expect(signatureHeaders(message, 'key of the test', 1_700_000_000_999)).toEqual({
      'X-Dyndns-Timestamp': '1700000000',
      'X-Dyndns-Signature': 'sha256=2a0f298fc8d5f12589e9feee7680adf44adcd787a7675eb5bf56e7a3e65a8075',
      'X-Dyndns-Signature-2': 'sha256=03b760c7c6253b83bb3e074550bf968c8223625bc76fceaa04bab7a6d33f049c',
    });
    expect(signatureHeaders(message, undefined, 5_000)).toEqual({ 'X-Dyndns-Timestamp': '5' });
  });
});
