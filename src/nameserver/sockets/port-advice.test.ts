/** Advice for ports that cannot be opened: with real processes that use the port, and with a fake /proc. */
import { createSocket } from 'node:dgram';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startBind } from '../../../test/support/bind.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { freshDirectory } from '../../../test/support/primary-server.ts';
import { removeNow, startProcess } from '../../../test/support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../../../test/support/require-server.ts';
import { DnsListenError, DnsListeners } from './listeners.ts';
import { portAdvice } from './port-advice.ts';

const onLinux = describe.runIf(process.platform === 'linux');
const service = { answerDatagram: () => undefined, answerStream: () => undefined };

async function openError(host: string, port: number): Promise<DnsListenError> {
  const listeners = new DnsListeners();
  try {
    await listeners.open(service, { listen: [{ host, port }] });
  } catch (error) {
    expect(error).toBeInstanceOf(DnsListenError);
    return error as DnsListenError;
  } finally {
    await listeners.close(0);
  }
  throw new Error('it opened');
}

/** A node process that opens one port and prints `ready`. */
function startHolder(protocol: 'udp' | 'tcp', host: string, port: number) {
  const open =
    protocol === 'udp'
      ? `require('node:dgram').createSocket('${host.includes(':') ? 'udp6' : 'udp4'}').bind(${port}, '${host}', ready)`
      : `require('node:net').createServer().listen(${port}, '${host}', ready)`;
  return startProcess({
    command: process.execPath,
    args: ['-e', `const ready = () => console.log('ready'); ${open}`],
    ready: (output) => output.includes('ready'),
  });
}

onLinux('a port that another program uses', () => {
  it.each([
    ['udp', '127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['tcp', '127.0.0.1', '127.0.0.1', '127.0.0.1'],
    ['udp', '127.0.0.1', '0.0.0.0', '127.0.0.1'],
    ['tcp', '0.0.0.0', '127.0.0.1', '0.0.0.0'],
    ['udp', '::', '127.0.0.1', '[::]'],
    ['tcp', '::1', '::', '[::1]'],
  ] as const)(
    '%s: in use on %s, requested on %s: names the program, its process and its address',
    async (protocol, used, requested, place) => {
      const port = await freePort();
      const holder = await startHolder(protocol, used, port);
      try {
        const error = await openError(requested, port);
        const entry = requested.includes(':') ? `[${requested}]:${port}` : `${requested}:${port}`;
        expect(error.message).toBe(
          `Cannot listen on '${entry}' (${protocol.toUpperCase()}): node (process ${holder.pid}) uses ${place}:${port}. Stop it, or choose another port or address in dns.listen.`,
        );
        expect(error.code).toBe('EADDRINUSE');
      } finally {
        await holder.stop();
      }
    },
  );

  it('is reported as an overlap if it is this program itself', async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { port } = socket.address();
    const advice = portAdvice({ host: '0.0.0.0', port, protocol: 'udp', code: 'EADDRINUSE', message: '' });
    expect(advice).toBe(
      `This program already uses 127.0.0.1:${port}: two entries of dns.listen overlap. Remove one of them.`,
    );
    await new Promise<void>((resolve) => socket.close(resolve));
  });
});

if (process.platform === 'linux') {
  describeWith(BIND_PROGRAMS, 'a port that BIND uses', () => {
    it('says how to stop BIND, to move it, or to let it serve the zone', async () => {
      const bind = await startBind({ zones: [{ name: 'example.com' }], keys: [] });
      try {
        const { message } = await openError('0.0.0.0', bind.port);
        expect(message).toContain(`named (process ${bind.pid}) uses 127.0.0.1:${bind.port}. This is BIND.`);
        expect(message).toContain('systemctl disable --now named');
        expect(message).toContain('dns.listen');
      } finally {
        await bind.stop();
      }
    });
  });
}

describe('with a fake /proc', () => {
  let proc = '';
  afterEach(() => removeNow(proc));

  interface Made {
    readonly table: string;
    readonly hex: string;
    readonly state?: string;
    readonly uid?: number;
    /** Name and id of processes that have the socket open. */
    readonly holders?: readonly (readonly [name: string, pid: number])[];
  }

  function makeProc({ table, hex, state = '07', uid = 0, holders = [] }: Made): void {
    proc = freshDirectory('proc');
    mkdirSync(join(proc, '4711/net'), { recursive: true });
    symlinkSync('4711', join(proc, 'self'));
    const line = `  0: ${hex} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000 ${uid} 0 99001 2 0 0`;
    const other = '  1: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 99002 2 0 0';
    writeFileSync(join(proc, '4711/net', table), `  sl  local_address rem_address\n${other}\n${line}\n`);
    for (const [name, pid] of holders) {
      mkdirSync(join(proc, `${pid}/fd`), { recursive: true });
      writeFileSync(join(proc, `${pid}/comm`), `${name}\n`);
      symlinkSync('socket:[99001]', join(proc, `${pid}/fd/12`));
    }
  }

  const taken = (host: string, protocol: 'udp' | 'tcp', port = 53) =>
    portAdvice({ host, port, protocol, code: 'EADDRINUSE', message: 'bind EADDRINUSE' }, proc);

  const RESOLVED =
    "it is the stub resolver for the programs of this machine. Either list in dns.listen only the public addresses, for example ['192.0.2.1:53', '[2001:db8::1]:53'], which does not affect the stub resolver; or disable the stub resolver: set DNSStubListener=no under [Resolve] in /etc/systemd/resolved.conf, then run 'ln -sf /run/systemd/resolve/resolv.conf /etc/resolv.conf' and 'systemctl restart systemd-resolved'.";

  it('systemd-resolved, seen by root: both solutions', () => {
    makeProc({ table: 'udp', hex: '3500007F:0035', holders: [['systemd-resolve', 612]] });
    expect(taken('0.0.0.0', 'udp')).toBe(`systemd-resolved (process 612) uses 127.0.0.53:53: ${RESOLVED}`);
  });

  it('systemd-resolved whose open files are hidden: recognized by its address', () => {
    makeProc({ table: 'tcp', hex: '3500007F:0035', state: '0A', uid: 991 });
    expect(taken('0.0.0.0', 'tcp')).toBe(`systemd-resolved uses 127.0.0.53:53: ${RESOLVED}`);
  });

  it('another user: how to find the program', () => {
    makeProc({ table: 'udp6', hex: '00000000000000000000000000000000:0035', uid: 53 });
    expect(taken('::', 'udp')).toBe(
      "A program of another user (uid 53) uses [::]:53. To find it, run as root: ss -lnpu 'sport = :53'. Stop it, or choose another port or address in dns.listen.",
    );
  });

  it('an IPv6 address in the byte order of the table', () => {
    makeProc({ table: 'udp6', hex: 'B80D0120000000000000000001000000:0035' });
    expect(taken('2001:db8::1', 'udp')).toContain('uses [2001:db8::1]:53');
  });

  it('dnsmasq of a network of this machine, and one for all addresses', () => {
    makeProc({ table: 'udp', hex: '017AA8C0:0035', holders: [['dnsmasq', 801]] });
    expect(taken('0.0.0.0', 'udp')).toMatch(
      /^dnsmasq \(process 801\) uses 192\.168\.122\.1:53\. It serves a network of this machine/,
    );
    removeNow(proc);
    makeProc({ table: 'udp', hex: '00000000:0035', holders: [['dnsmasq', 801]] });
    expect(taken('192.0.2.1', 'udp')).toContain('set port=0 in dnsmasq.conf');
  });

  it('a service with a socket from systemd is named instead of systemd', () => {
    const holders = [
      ['systemd', 1],
      ['resolver', 802],
    ] as const;
    makeProc({ table: 'udp', hex: '00000000:0035', holders });
    expect(taken('0.0.0.0', 'udp')).toContain('resolver (process 802)');
    removeNow(proc);
    makeProc({ table: 'udp', hex: '00000000:0035', holders: [['systemd', 1]] });
    expect(taken('0.0.0.0', 'udp')).toContain('systemctl list-sockets');
  });

  it('a connection and another address do not conflict', () => {
    makeProc({ table: 'tcp', hex: '00000000:0035', state: '01', holders: [['other', 803]] });
    expect(taken('0.0.0.0', 'tcp')).toContain("ss -lnpt 'sport = :53'");
    removeNow(proc);
    makeProc({ table: 'udp', hex: '3500007F:0035', holders: [['systemd-resolve', 612]] });
    expect(taken('192.0.2.1', 'udp')).toMatch(/^Another program uses the port\./);
  });

  it('a port that is not permitted: three ways', () => {
    makeProc({ table: 'udp', hex: '3500007F:0035' });
    const denied = (port: number) =>
      portAdvice({ host: '0.0.0.0', port, protocol: 'udp', code: 'EACCES', message: 'bind EACCES' }, proc);
    for (const words of [
      'AmbientCapabilities=CAP_NET_BIND_SERVICE',
      'setcap cap_net_bind_service=+ep',
      'sysctl net.ipv4.ip_unprivileged_port_start=53',
      'udp dport 53 redirect to :5300',
      'dns.listen',
    ]) {
      expect(denied(53)).toContain(words);
    }
    expect(denied(5300)).toContain('ports from 1024 on need no permission');
    mkdirSync(join(proc, 'sys/net/ipv4'), { recursive: true });
    writeFileSync(join(proc, 'sys/net/ipv4/ip_unprivileged_port_start'), '53\n');
    expect(denied(53)).toContain('ports from 53 on need no permission');
  });
});

describe('other reasons', () => {
  it('an address that this machine does not have', async () => {
    expect((await openError('192.0.2.77', await freePort())).message).toMatch(
      /^Cannot listen on '192\.0\.2\.77:\d+' \(TCP\): This machine has no address '192\.0\.2\.77'\. .* dns\.listen/,
    );
  });

  it('no IPv6', () => {
    const failed = { host: '::', port: 53, protocol: 'udp', code: 'EAFNOSUPPORT', message: '' } as const;
    expect(portAdvice(failed)).toBe('This machine has no IPv6. Remove the entry from dns.listen.');
  });

  it('anything else repeats the message of the system', () => {
    const failed = { host: '::', port: 53, protocol: 'udp', code: 'ENOBUFS', message: 'bind ENOBUFS' } as const;
    expect(portAdvice(failed)).toBe('bind ENOBUFS. Check the option dns.listen.');
  });
});
