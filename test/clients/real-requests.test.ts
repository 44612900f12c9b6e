/**
 * Python's requests, as OPNsense uses it: GET with parameters that it encodes itself, a URL of the user's with GET, POST or PUT
 * and without a body, deSEC's header. OPNsense takes every status of 2xx for success.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { runProgram } from '../support/process.ts';
import { describeWith } from '../support/require-server.ts';
import { type ClientLab, HOME, LAB_PROGRAMS, NAS, openClientLab, PRIMARIES, TOKEN, ZONE } from './client-lab.ts';

const PROGRAMS = [
  { command: '/usr/bin/python3', debianPackage: 'python3' },
  { command: '/usr/lib/python3/dist-packages/requests/__init__.py', debianPackage: 'python3-requests' },
];

const SCRIPT = `
import json, sys, requests
given = json.loads(sys.argv[1])
if 'auth' in given: given['auth'] = requests.auth.HTTPBasicAuth(*given['auth'])
given['headers'] = {'User-Agent': 'OPNsense-dyndns', **given.get('headers', {})}
reply = requests.request(**given)
print(json.dumps([reply.status_code, reply.text]))
`;

for (const primary of PRIMARIES) {
  describeWith([...LAB_PROGRAMS, ...PROGRAMS], `Python's requests and ${primary}`, () => {
    let lab: ClientLab;
    beforeAll(async () => {
      lab = await openClientLab(primary);
      lab.front.clientAddress = '203.0.113.45';
    }, 30_000);
    beforeEach(() => lab.clear());
    afterAll(() => lab?.stop());

    async function send(request: Record<string, unknown>): Promise<[status: number, text: string]> {
      const given = { method: 'get', verify: lab.front.caFile, ...request };
      const url = lab.adapt(`https://${ZONE}${request['url'] ?? '/nic/update'}`);
      const ran = await runProgram('/usr/bin/python3', ['-c', SCRIPT, JSON.stringify({ ...given, url })]);
      expect([ran.code, ran.stderr]).toEqual([0, '']);
      return JSON.parse(ran.stdout) as [number, string];
    }

    it('changes a list of hosts, whose commas it encodes', async () => {
      const params = { hostname: `${HOME},${NAS}`, myip: '192.0.2.7', wildcard: 'NOCHG' };
      expect(await send({ params, auth: ['account', TOKEN] })).toEqual([200, 'good 192.0.2.7\ngood 192.0.2.7\n']);
      expect([await lab.look(HOME, 'A'), await lab.look(NAS, 'A')]).toEqual([['192.0.2.7'], ['192.0.2.7']]);
      expect(lab.front.requests.at(-1)).toContain('hostname=home.dyndns.example.com%2Cnas.dyndns.example.com');
    });

    it.each(['get', 'post', 'put'])('changes a host by a URL of its own with %s and no body', async (method) => {
      const url = `/nic/update?hostname=${HOME}&myip=2001:db8::7`;
      expect(await send({ method, url, auth: ['account', TOKEN] })).toEqual([200, 'good 2001:db8::7\n']);
      expect(await lab.look(HOME, 'AAAA')).toEqual(['2001:db8::7']);
    });

    it('changes one family in the form of deSEC and keeps the other', async () => {
      const headers = { Authorization: `Token ${TOKEN}` };
      const update = (more: object) => send({ params: { hostname: HOME, ...more }, headers });
      expect(await update({ myipv4: '192.0.2.8', myipv6: 'preserve' })).toEqual([200, 'good 192.0.2.8\n']);
      expect(await update({ myipv4: 'preserve', myipv6: '2001:db8::8' })).toEqual([200, 'good 2001:db8::8\n']);
      expect([await lab.look(HOME, 'A'), await lab.look(HOME, 'AAAA')]).toEqual([['192.0.2.8'], ['2001:db8::8']]);
    });

    it('sends its parameters as a form or as JSON', async () => {
      const fields = { hostname: HOME, myip: '192.0.2.9' };
      const auth = ['account', TOKEN];
      expect(await send({ method: 'post', data: fields, auth })).toEqual([200, 'good 192.0.2.9\n']);
      expect(await send({ method: 'post', json: fields, auth })).toEqual([200, 'nochg 192.0.2.9\n']);
    });

    it('is told by the status that the token is wrong', async () => {
      expect(await send({ params: { hostname: HOME }, auth: ['account', 'WRONG'] })).toEqual([401, 'badauth\n']);
    });
  });
}
