/**
 * TSIG (RFC 8945) with real peers: named and knotd verify and sign for our client, nsupdate and dig for our server, and a
 * zone of some thousand records is transferred as a signed stream.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DomainName } from '../../src/dns/name.ts';
import { RRClass, RRType } from '../../src/dns/rdata.ts';
import { ClientTransaction, checkRequest, TsigError, type TsigFailure } from '../../src/dns/tsig.ts';
import { makeTsigKey, TSIG_ALGORITHMS, type TsigAlgorithm, type TsigKey } from '../../src/dns/tsig-key.ts';
import { parseUpdate } from '../../src/dns/update.ts';
import { decodeMessage, encodeMessage, makeMessage, Opcode, Rcode } from '../../src/dns/wire/message.ts';
import { TcpExchanger } from '../../src/net/tcp.ts';
import { startBind } from '../support/bind.ts';
import { dig } from '../support/dig.ts';
import { freePort } from '../support/free-port.ts';
import { startKnot } from '../support/knot.ts';
import { nsupdate } from '../support/nsupdate.ts';
import type { PrimaryServer } from '../support/primary-server.ts';
import { runProgram } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith, KNOT_PROGRAMS } from '../support/require-server.ts';

const SECRET = Buffer.from('not a secret');
const BASE64 = SECRET.toString('base64');
const ZONE = 'example.com';
const RECORDS = 3000;
/** Algorithms of named and knotd. Neither supports the truncated ones of RFC 8945 §6 by their wire names. */
const WHOLE: readonly TsigAlgorithm[] = [
  'hmac-md5',
  'hmac-sha1',
  'hmac-sha224',
  'hmac-sha256',
  'hmac-sha384',
  'hmac-sha512',
];
const TRUNCATED = (Object.keys(TSIG_ALGORITHMS) as TsigAlgorithm[]).filter((name) => !WHOLE.includes(name));

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function keyNamed(name: string, algorithm: TsigAlgorithm, secret: Uint8Array = SECRET): TsigKey {
  return makeTsigKey(DomainName.parse(name), algorithm, secret);
}

const STARTERS = [
  ['named', BIND_PROGRAMS, startBind],
  ['knotd', KNOT_PROGRAMS, startKnot],
] as const;

for (const [title, programs, start] of STARTERS) {
  describeWith(programs, `${title} and our client`, () => {
    let server: PrimaryServer;
    let exchanger: TcpExchanger;

    beforeAll(async () => {
      const records = Array.from({ length: RECORDS }, (_, i) => `n${i} IN TXT "${'x'.repeat(60)}"\n`).join('');
      const keys = WHOLE.map((algorithm) => ({ name: `${algorithm}.key`, algorithm, secret: BASE64 }));
      server = await start({ zones: [{ name: ZONE, records }], keys });
      exchanger = new TcpExchanger(server);
    }, 30_000);
    afterAll(async () => {
      exchanger?.close();
      await server?.stop();
    });

    async function ask(key: TsigKey, now = nowSeconds()): Promise<TsigFailure | 'verified'> {
      const transaction = new ClientTransaction(key);
      const questions = [{ qname: DomainName.parse(ZONE), qtype: RRType.SOA, qclass: RRClass.IN }];
      const reply = await exchanger.exchange(
        (id) => transaction.sign(encodeMessage(makeMessage({ id, questions })), now),
        performance.now() + 5000,
      );
      try {
        transaction.verify(reply.octets, reply.message, nowSeconds());
        expect(reply.message.answers).toHaveLength(1);
        return 'verified';
      } catch (error) {
        if (error instanceof TsigError) return error.failure;
        throw error;
      }
    }

    it.each(WHOLE)('%s: the request and the reply are verified', async (algorithm) => {
      expect(await ask(keyNamed(`${algorithm}.key`, algorithm))).toBe('verified');
      expect(await ask(keyNamed(`${algorithm}.KEY`, algorithm))).toBe('verified');
    });

    it.each(TRUNCATED)('%s is not supported', async (algorithm) => {
      const whole = algorithm.replace(/-\d+$/, '');
      expect(await ask(keyNamed(`${whole}.key`, algorithm))).toEqual({ side: 'theirs', error: 17 });
    });

    it('BADKEY, BADSIG and BADTIME are distinguished', async () => {
      expect(await ask(keyNamed('other.key', 'hmac-sha256'))).toEqual({ side: 'theirs', error: 17 });
      expect(await ask(keyNamed('hmac-sha256.key', 'hmac-sha512'))).toEqual({ side: 'theirs', error: 17 });
      const wrong = keyNamed('hmac-sha256.key', 'hmac-sha256', Buffer.from('x'));
      expect(await ask(wrong)).toEqual({ side: 'theirs', error: 16 });
      const late = await ask(keyNamed('hmac-sha256.key', 'hmac-sha256'), nowSeconds() - 1000);
      expect(late).toEqual({ side: 'theirs', error: 18, peerTime: expect.any(Number) });
      const { peerTime } = late as { peerTime: number };
      expect(Math.abs(peerTime - nowSeconds())).toBeLessThan(5);
    });

    describe('a transfer', () => {
      const key = keyNamed('hmac-sha256.key', 'hmac-sha256');
      let client: ClientTransaction;
      let signedRequest: Buffer;
      let messages: Buffer[];

      beforeAll(async () => {
        client = new ClientTransaction(key);
        const questions = [{ qname: DomainName.parse(ZONE), qtype: RRType.AXFR, qclass: RRClass.IN }];
        signedRequest = client.sign(encodeMessage(makeMessage({ id: 7, questions })), nowSeconds());
        messages = await transfer(server, signedRequest);
      });

      it('is a stream of several messages with all records, verified to its end', () => {
        expect(messages.length).toBeGreaterThan(3);
        let records = 0;
        for (const octets of messages) {
          const message = decodeMessage(octets);
          records += message.answers.length;
          client.verifyNext(octets, message, nowSeconds());
        }
        expect(records).toBe(RECORDS + 4);
        expect(client.complete).toBe(true);
      });

      it('is not verified when a message in the middle is missing', () => {
        const again = new ClientTransaction(key);
        // The same request at the same second gives the same MAC.
        const rdata = decodeMessage(signedRequest).additional[0]?.rdata;
        if (rdata?.kind !== 'TSIG') throw new Error('no TSIG record');
        const questions = [{ qname: DomainName.parse(ZONE), qtype: RRType.AXFR, qclass: RRClass.IN }];
        expect(again.sign(encodeMessage(makeMessage({ id: 7, questions })), rdata.timeSigned)).toEqual(signedRequest);
        expect(() => {
          for (const octets of messages.toSpliced(1, 1)) again.verifyNext(octets, decodeMessage(octets), nowSeconds());
          if (!again.complete) throw new TsigError({ side: 'ours', reason: 'unsigned' }, 0);
        }).toThrow(TsigError);
      });
    });
  });
}

/** Requests a transfer and returns all messages up to the second SOA. */
function transfer(server: PrimaryServer, request: Buffer): Promise<Buffer[]> {
  return new Promise((resolve, reject) => {
    const messages: Buffer[] = [];
    let incoming = Buffer.alloc(0);
    let soas = 0;
    const socket = connect(server.port, server.host, () => {
      socket.write(Buffer.concat([Buffer.of(request.length >> 8, request.length & 0xff), request]));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the transfer was cut')));
    socket.on('data', (chunk) => {
      incoming = Buffer.concat([incoming, chunk]);
      while (incoming.length >= 2 && incoming.length >= 2 + incoming.readUInt16BE(0)) {
        const octets = incoming.subarray(2, 2 + incoming.readUInt16BE(0));
        incoming = incoming.subarray(2 + octets.length);
        messages.push(octets);
        const { answers, rcode } = decodeMessage(octets);
        soas += answers.filter((record) => record.type === RRType.SOA).length;
        if (soas < 2 && rcode === 0) continue;
        resolve(messages);
        socket.destroy();
      }
    });
  });
}

describeWith(BIND_PROGRAMS, 'nsupdate, dig and our server', () => {
  const apex = DomainName.parse(ZONE);
  const known = WHOLE.map((algorithm) => keyNamed(`${algorithm}.key`, algorithm));
  const updates: string[] = [];
  let clockOffset = 0;
  let port: number;
  let udp: UdpSocket;
  let tcp: Server;

  /** A nameserver with one SOA that accepts every signed UPDATE. */
  function answer(octets: Buffer): Buffer {
    const now = nowSeconds() + clockOffset;
    const message = decodeMessage(octets);
    const found = checkRequest(octets, message, (name) => known.find((key) => key.keyName.equals(name)), now);
    const { id, opcode, questions } = message;
    const base = { id, opcode, questions, response: true };
    if (found.kind === 'unsigned') return encodeMessage(makeMessage({ ...base, rcode: Rcode.REFUSED }));
    if (found.kind === 'rejected') {
      const refusal = encodeMessage(makeMessage({ ...base, rcode: found.rcode }));
      return found.transaction?.sign(refusal, now) ?? refusal;
    }
    if (opcode === Opcode.UPDATE) {
      for (const edit of parseUpdate(message).edits) updates.push(edit.kind);
      return found.transaction.sign(encodeMessage(makeMessage(base)), now);
    }
    const rname = DomainName.parse('hostmaster', apex);
    const times = { serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 };
    const rdata = { kind: 'SOA' as const, mname: DomainName.parse('ns1', apex), rname, ...times };
    const soa = { ownerName: apex, type: RRType.SOA, class: RRClass.IN, ttl: 60, rdata };
    const isApex = questions[0]?.qname.equals(apex) === true && questions[0].qtype === RRType.SOA;
    const sections = isApex ? { answers: [soa] } : { authority: [soa], rcode: Rcode.NXDOMAIN };
    return found.transaction.sign(encodeMessage(makeMessage({ ...base, ...sections, authoritative: true })), now);
  }

  beforeAll(async () => {
    port = await freePort();
    udp = createSocket('udp4');
    udp.on('message', (octets, from) => udp.send(answer(octets), from.port, from.address));
    tcp = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.on('data', (frame) => {
        const reply = answer(frame.subarray(2));
        socket.write(Buffer.concat([Buffer.of(reply.length >> 8, reply.length & 0xff), reply]));
      });
    });
    await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => tcp.listen(port, '127.0.0.1', resolve));
  });
  afterAll(() => {
    udp.close();
    tcp.close();
  });

  /** nsupdate without a zone statement: it finds the zone by signed SOA queries first. */
  function update(keyLine: string, ...args: string[]) {
    const input = `server 127.0.0.1 ${port}\nkey ${keyLine}\nupdate add a.${ZONE} 60 A 192.0.2.1\nsend\n`;
    return runProgram('nsupdate', ['-t', '5', '-r', '0', ...args], { input });
  }

  it.each(WHOLE)('%s: nsupdate verifies the signed answers to its SOA query and to its UPDATE', async (algorithm) => {
    for (const args of [[], ['-v']]) {
      updates.length = 0;
      const { code, stderr } = await update(`${algorithm}:${algorithm}.key ${BASE64}`, ...args);
      expect({ code, stderr, updates }).toEqual({ code: 0, stderr: '', updates: ['add-to-rrset'] });
    }
  });

  it.each(WHOLE)('%s: dig verifies a signed answer', async (algorithm) => {
    const { rcode, text } = await dig({ host: '127.0.0.1', port }, [
      '-y',
      `${algorithm}:${algorithm}.key:${BASE64}`,
      ZONE,
      'SOA',
    ]);
    expect(rcode).toBe('NOERROR');
    expect(text).not.toMatch(/could not be validated|Couldn't verify/);
  });

  it('both report why our server rejected a request', async () => {
    const address = { host: '127.0.0.1', port };
    const asked = async (key: string) => (await dig(address, ['-y', key, ZONE, 'SOA'])).text;
    expect(await asked(`hmac-sha256:hmac-sha256.key:${Buffer.from('x').toString('base64')}`)).toMatch(/BADSIG/);
    expect(await asked(`hmac-sha256:unknown.key:${BASE64}`)).toMatch(/BADKEY/);
    expect(await asked(`hmac-sha512:hmac-sha256.key:${BASE64}`)).toMatch(/hmac-sha512\..*BADKEY/);
    const short = await asked(`hmac-sha256-128:hmac-sha256.key:${BASE64}`);
    expect(short).toMatch(/BADTRUNC/);
    const unknown = { name: 'unknown.key', algorithm: 'hmac-sha512', secret: BASE64 };
    const { stderr } = await nsupdate(address, unknown, ZONE, [`update delete a.${ZONE} A`]);
    expect(stderr).toMatch(/NOTAUTH\(BADKEY\)/);
    clockOffset = 1000;
    try {
      const late = await asked(`hmac-sha256:hmac-sha256.key:${BASE64}`);
      expect(late).toMatch(/BADTIME 6 /);
      // nsupdate prints "tsig indicates error" for an unverified MAC; this text only for a verified one.
      expect(late).toMatch(/clocks are unsynchronized/);
    } finally {
      clockOffset = 0;
    }
  });
});
