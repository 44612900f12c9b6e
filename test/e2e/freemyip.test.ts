/**
 * freemyip on a whole server in front of a real BIND: exact replies, addresses, texts, credentials, and the switch of the
 * protocol.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { FREEMYIP_ERRORS } from '../../src/http/protocols/freemyip.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { freePort } from '../support/free-port.ts';
import { exchangeRaw, form, parseRaw } from '../support/http-client.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type Lab, openLab, SECRET, ZONE } from './lab.ts';

const OK = [200, 'OK'];
const ERROR = [200, 'ERROR'];

describeWith(BIND_PROGRAMS, 'freemyip', () => {
  let lab: Lab;
  let server: RunningDyndns;
  let count = 0;
  /** A host name that no other test uses. */
  let host: string;

  const token = (name: string, hosts: readonly string[], more: object = {}) => {
    const sha256 = createHash('sha256').update(`${name}-secret`).digest('hex');
    return { name, sha256, hosts, ...more };
  };
  const options = () => ({
    http: { trusted_proxies: ['127.0.0.1'] },
    tokens: [
      token('one', [`one.${ZONE}`]),
      token('two', [`two.${ZONE}`], { types: ['A', 'AAAA', 'TXT'] }),
      token('off', [`off.${ZONE}`]),
    ],
    hosts: [{ name: `off.${ZONE}`, enabled: false }],
  });

  beforeAll(async () => {
    lab = await openLab({}, 'alias CNAME home\n');
    server = await lab.serve(options());
  }, 30_000);

  afterAll(async () => {
    await lab?.stop();
  });

  beforeEach(() => {
    count += 1;
    host = `host${count}.${ZONE}`;
  });

  const get = async (target: string, from = '198.51.100.7') => {
    const { status, body } = await server.ask(target, { headers: { 'X-Forwarded-For': from } });
    return [status, body];
  };
  /** Sends a request with the master secret, from 198.51.100.7. */
  const update = (query: string, from?: string) => get(`/update?token=${SECRET}&domain=${host}&${query}`, from);
  const published = async (name = host) => [await lab.look(name, 'A'), await lab.look(name, 'AAAA')];
  const unchanged = async (act: () => Promise<void>) => {
    const serial = await lab.serial();
    await act();
    expect(await lab.serial()).toBe(serial);
  };

  it('its replies are a word without a line end, and the second time the same', async () => {
    for (const target of [
      `/update?token=${SECRET}&domain=${host}`,
      `/update/?domain=${host}&token=${SECRET}&verbose=yes`,
    ]) {
      const reply = parseRaw(await exchangeRaw(server.port, `GET ${target}&myip=192.0.2.1 HTTP/1.0\r\n\r\n`));
      expect([reply.status, reply.body]).toEqual(OK);
      expect(reply.head).toMatch(/\r\ncontent-length: 2\r\n/i);
    }
    expect(await published()).toEqual([['192.0.2.1'], []]);
    const posted = await server.ask('/update', form({ token: SECRET, domain: host, myip: '192.0.2.2' }));
    expect([posted.status, posted.body]).toEqual(OK);
    expect(await published()).toEqual([['192.0.2.2'], []]);
  });

  it('what is our own fault is 503 with Retry-After', async () => {
    for (const [, word] of Object.values(FREEMYIP_ERRORS))
      expect(word).not.toMatch(/good|nochg|ok|true|success|updated/i);
    const dead = await lab.serve({ ...options(), port: await freePort(), nameserver_timeout_seconds: 1 });
    const { status, body, headers } = await dead.ask('/update?token=one-secret&domain=one&myip=192.0.2.1');
    expect([status, body]).toEqual([503, 'ERROR']);
    expect(headers['retry-after']).toMatch(/^\d+$/);
    await dead.stop();
  });

  it('hosts are labels, whole names, or names of freemyip.com', async () => {
    for (const name of ['one', `one.${ZONE}`, 'one.freemyip.com', 'ONE.FreeMyIP.com.', ''])
      expect(await get(`/update?domain=${name}&token=one-secret&myip=192.0.2.1`), name).toEqual(OK);
    await unchanged(async () => {
      for (const name of ['x.one.freemyip.com', 'freemyip.com', 'one.freemyip.com.example', `one,two.${ZONE}`, 'a..b'])
        expect(await get(`/update?domain=${name}&token=one-secret&myip=192.0.2.2`), name).toEqual(ERROR);
    });
  });

  it('no address, or an empty one, is that of the client in its own family', async () => {
    expect(await update('')).toEqual(OK);
    expect(await update('myip=', '2001:db8:7::7')).toEqual(OK);
    expect(await published()).toEqual([['198.51.100.7'], ['2001:db8:7::7']]);
    expect(await update('', '192.0.2.66, 198.51.100.9')).toEqual(OK);
    expect(await published()).toEqual([['198.51.100.9'], ['2001:db8:7::7']]);
  });

  it('myip is of either family, and delete takes both away', async () => {
    expect(await update('myip=192.0.2.1')).toEqual(OK);
    expect(await update('myip=2001:DB8:0::1')).toEqual(OK);
    expect(await published()).toEqual([['192.0.2.1'], ['2001:db8::1']]);
    expect(await update('delete=no&myip=192.0.2.1')).toEqual(OK);
    expect(await update('delete=yes&myip=192.0.2.1')).toEqual(OK);
    expect(await published()).toEqual([[], []]);
  });

  it('a text stands at _acme-challenge of the host, null or nothing takes it away, and the addresses stay', async () => {
    const texts = () => lab.look(`_acme-challenge.two.${ZONE}`, 'TXT');
    const write = (query: string) => get(`/update?token=two-secret&domain=two.freemyip.com&${query}`);
    await write('myip=192.0.2.1');
    expect(await write('txt=first')).toEqual(OK);
    expect(await write('txt=second')).toEqual(OK);
    expect(await texts()).toEqual(['"second"']);
    expect(await write('txt=null')).toEqual(OK);
    expect(await texts()).toEqual([]);
    expect(await published(`two.${ZONE}`)).toEqual([['192.0.2.1'], []]);
    // The requests of acme.sh.
    const challenge = '/update?token=two-secret&domain=_acme-challenge.two.freemyip.com&txt=';
    expect(await get(`${challenge}third`)).toEqual(OK);
    expect(await texts()).toEqual(['"third"']);
    expect(await get(challenge)).toEqual(OK);
    expect(await texts()).toEqual([]);
    await unchanged(async () => {
      expect(await write(`txt=${'x'.repeat(2000)}`)).toEqual(ERROR);
      expect(await get('/update?token=one-secret&domain=one&txt=x')).toEqual(ERROR);
    });
  });

  it('a bad address, a wrong, empty or foreign token, a host that is off: ERROR, and nothing changes', async () => {
    await unchanged(async () => {
      for (const query of ['myip=none', 'myip=127.0.0.1', 'myip=2001:db8::/64', 'myip=192.0.2.1,192.0.2.2'])
        expect(await update(query), query).toEqual(ERROR);
      for (const name of ['', 'wrong', 'two-secret', 'one-secre'])
        expect(await get(`/update?token=${name}&domain=one.${ZONE}&myip=192.0.2.9`), name).toEqual(ERROR);
      expect(await get('/update?token=off-secret&domain=off&myip=192.0.2.9')).toEqual(ERROR);
      expect(await get(`/update?token=${SECRET}&domain=alias.${ZONE}&myip=192.0.2.9`)).toEqual(ERROR);
      for (const method of ['HEAD', 'PATCH']) {
        const target = `/update?token=${SECRET}&domain=${host}&myip=192.0.2.9`;
        expect((await server.ask(target, { method })).status).toBe(405);
      }
    });
  });

  it('what is of dyndns2 or DuckDNS stays there, and so does all of it when this is switched off', async () => {
    for (const name of ['ip', 'myipv4', 'dnsto'])
      expect((await update(`${name}=192.0.2.1`))[1], name).toMatch(/^(good|nochg) 192\.0\.2\.1\n$/);
    expect(await update(`domains=${host}&ip=192.0.2.1&verbose=true`)).toEqual([200, 'OK\n192.0.2.1\n\nNOCHANGE']);
    await server.reload(lab.config({ ...options(), protocols: { freemyip: false } }));
    expect(await update('myip=192.0.2.1')).toEqual([200, 'nochg 192.0.2.1\n']);
    await server.reload(lab.config(options()));
    expect(await update('myip=192.0.2.1')).toEqual(OK);
  });
});
