import { expect, test } from 'vitest';
import { formatEndpoint } from './endpoint.ts';

test.each([
  ['192.0.2.1', '192.0.2.1:53'],
  ['2001:db8::1', '[2001:db8::1]:53'],
  ['::', '[::]:53'],
])('RFC 5952 §6: an IPv6 address has brackets before its port: %s', (host, text) => {
  expect(formatEndpoint({ host, port: 53 })).toBe(text);
});
