/** A dry run by the operations: what would change, in structured form, of a host, of a site that moves, and of a zone. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { API_ZONE, type ApiLab, startApiLab } from '../support/api-lab.ts';

const HOST = `home.${API_ZONE}`;
const FULL = `${HOST}.`;
let lab: ApiLab;

beforeAll(async () => {
  lab = await startApiLab();
  await lab.operate('addHost', { host: HOST, interfaceId: '::1', prefixLength: 56 });
  await lab.operate('addMember', { host: HOST, member: `nas.${API_ZONE}`, interfaceId: '::10', subnet: 2 });
  await lab.operate('addHost', { host: `off.${API_ZONE}`, enabled: false });
  await lab.operate('addMember', { host: HOST, member: `off.${API_ZONE}`, interfaceId: '::11' });
  await lab.operate('update', { host: HOST, ips: ['192.0.2.1', '2001:db8:1::1'] });
});
afterAll(() => lab?.stop());

it('shows what an update would change, and changes nothing', async () => {
  const { preview, changed } = await lab.operate('update', { host: HOST, ips: ['192.0.2.2'], dry_run: true });
  expect(changed).toBe(false);
  expect(preview).toMatchObject({
    A: { before: ['192.0.2.1'], after: ['192.0.2.2'], changed: true },
    AAAA: { before: ['2001:db8:1::1'], after: ['2001:db8:1::1'], changed: false },
    members: [],
    left: [],
  });
  expect((await lab.operate('showHost', { host: HOST })).published?.A).toEqual(['192.0.2.1']);
});

it('shows and makes the move of a site', async () => {
  const move = { host: HOST, ips: [], prefix: '2001:db8:2::/56' };
  const { preview } = await lab.operate('update', { ...move, dry_run: true });
  expect(preview?.A.changed).toBe(false);
  expect(preview?.AAAA).toEqual({ before: ['2001:db8:1::1'], after: ['2001:db8:2::1'], changed: true });
  const nas = { host: `nas.${API_ZONE}.`, before: ['2001:db8:1:2::10'], after: ['2001:db8:2:2::10'], changed: true };
  expect(preview?.members).toEqual([nas]);
  expect(preview?.left).toEqual([{ host: `off.${API_ZONE}.`, why: expect.stringContaining('switched off') }]);
  expect(await lab.operate('update', move)).toMatchObject({ changed: true });
  expect((await lab.operate('showHost', { host: HOST })).published?.AAAA).toEqual(['2001:db8:2::1']);
  await expect(lab.operate('update', { ...move, prefix: '192.0.2.0/24' })).rejects.toThrow("'prefix' must be");
});

it('shows what the removal of addresses would remove', async () => {
  const { preview, host } = await lab.operate('delete', { host: HOST, dry_run: true });
  expect(host).toBe(FULL);
  expect(preview?.A).toEqual({ before: ['192.0.2.1'], after: [], changed: true });
});

it('shows what a change of records does, and where a static one is', async () => {
  const change = { name: `text.${API_ZONE}`, type: 'TXT', action: 'replace', ttl: 60, records: ['"a"'] } as const;
  const first = await lab.operate('changeRRsets', { zone: API_ZONE, changes: [change], dry_run: true });
  expect(first.differences).toEqual([{ name: `text.${API_ZONE}.`, type: 'TXT', after: { ttl: 60, records: ['"a"'] } }]);
  await lab.operate('changeRRsets', { zone: API_ZONE, changes: [change] });
  const { differences } = await lab.operate('changeRRsets', {
    zone: API_ZONE,
    changes: [{ name: `text.${API_ZONE}`, type: 'TXT', action: 'delete' }],
    dry_run: true,
  });
  expect(differences).toEqual([{ name: `text.${API_ZONE}.`, type: 'TXT', before: { ttl: 60, records: ['"a"'] } }]);
  const { rrsets } = await lab.operate('listRRsets', { zone: API_ZONE, search: `NS1.${API_ZONE.slice(0, 4)}` });
  expect(rrsets).toEqual([
    expect.objectContaining({
      name: `ns1.${API_ZONE}.`,
      static: true,
      place: { file: expect.stringMatching(/\.yml$/), line: expect.any(Number) },
    }),
  ]);
  expect((await lab.operate('listRRsets', { zone: API_ZONE, search: 'text', limit: 1 })).rrsets).toHaveLength(1);
  expect((await lab.operate('listRRsets', { zone: API_ZONE, search: 't.x' })).rrsets).toEqual([]);
});

it('shows the configuration with the origin of each value, and no secret', async () => {
  const { options, file } = await lab.operate('showConfig', {});
  expect(file).toMatch(/\.yml$/);
  const find = (path: string) => options.find((option) => option.path === path);
  expect(find('secret')).toMatchObject({ value: "'[secret]'", origin: { kind: 'file', line: expect.any(Number) } });
  expect(find('zones[0].name')).toMatchObject({ value: `${API_ZONE}.`, origin: { kind: 'file' } });
  expect(options.some(({ origin }) => origin.kind === 'default')).toBe(true);
  expect(JSON.stringify(options)).not.toContain(lab.server.secret);
});

it('lists zones with another primary', async () => {
  const { zones, remote } = await lab.operate('listZones', {});
  expect(zones.map(({ zone }) => zone)).toEqual([`${API_ZONE}.`]);
  expect(remote).toEqual([]);
});
