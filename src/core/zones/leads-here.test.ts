import { expect, it } from 'vitest';
import { type IpAddress, parseIpAddress } from '../../dns/address.ts';
import { whyNotHere } from './leads-here.ts';

const addresses = (...texts: readonly string[]): IpAddress[] => texts.map((text) => parseIpAddress(text)!);

it.each([
  ['no address', [], ['8.8.8.8'], 'has no address'],
  ['one of the machine', ['9.9.9.9', '8.8.8.8'], ['8.8.8.8'], undefined],
  ['another one', ['9.9.9.9'], ['8.8.8.8', '10.0.0.1'], 'leads to 9.9.9.9, and this machine has 8.8.8.8'],
  ['one of a router in front', ['9.9.9.9'], ['10.0.0.1', '2a00::1'], undefined],
  ['one of another family', ['2a00::2'], ['8.8.8.8'], undefined],
])('a name with %s', (_, name, machine, expected) => {
  expect(whyNotHere(addresses(...name), addresses(...machine))).toBe(expected);
});
