/**
 * Faults of a real BIND under load: stopped, frozen, slow, and back. No client gets a success for an address that is
 * not published, no accepted update is lost, and memory does not grow. Half of the clients use dyndns2, each with its
 * own token. The tests mostly wait, so they run concurrently, each with its own servers.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import { type HostToken, tokenSha256 } from '../../src/core/access/token.ts';
import { DomainName } from '../../src/dns/name.ts';
import { RRType } from '../../src/dns/rdata.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { RunningDyndns } from '../support/dyndns.ts';
import { type Fault, type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import type { Answer } from '../support/http-client.ts';
import { nsupdate } from '../support/nsupdate.ts';
import { POSTGRES_PROGRAMS, startPostgres } from '../support/postgres.ts';
import { waitUntil } from '../support/process.ts';
import { BIND_PROGRAMS, describeWith } from '../support/require-server.ts';
import { type LoadClient, type LoadReply, startLoad, type UpdateLoad } from '../support/update-load.ts';
import { openWatcher } from '../support/watcher.ts';
import { type Lab, openLab, SECRET, updateTarget, ZONE } from './lab.ts';

const CLIENTS = 50;
const TIMEOUT_S = 2;
/** The timeout where the primary is slow: a busy machine must not make it look silent. */
const LONG_TIMEOUT_S = 10;
/** Limit for a reply: the timeout of the primary, and one second more. */
const replyMs = (timeoutS: number) => (timeoutS + 1) * 1000;
/** A silent primary is probed every half minute; then all pending updates are published. */
const RECOVERY_MS = 45_000;
const MORE_MEMORY_MB = 80;
// Memory is measured with the flags of the systemd unit: without them it depends on the version of V8.
process.env['NODE_OPTIONS'] = '--v8-pool-size=1 --max-semi-space-size=2';

const host = (client: number) => `client${client}.${ZONE}`;
const ipv4 = (client: number, number: number) => `10.${client}.${number >> 8}.${number & 255}`;
const numberOf = (address: string | undefined) => {
  const [, , high = 0, low = 0] = (address ?? '').split('.').map(Number);
  return high * 256 + low;
};
const speaksDyndns2 = (client: number) => client % 2 === 1;
const secretOf = (client: number) => `secretOfClient${client}`;
const ROUTERS = Array.from({ length: CLIENTS }, (_, client) => client).filter(speaksDyndns2);

function rssMb({ process }: RunningDyndns): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${process.pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}

const isGood = ({ status, body }: LoadReply) => status === 200 && /^(good|UPDATED:) /.test(body);
/** dyndns2: the client must retry, with Retry-After. */
const isRetryLater = ({ status, body, retryAfter }: LoadReply) =>
  status === 503 && body === '911\n' && /^[1-9]\d*$/.test(retryAfter ?? '');
/** Not published, but accepted as a pending update. */
const isPending = (reply: LoadReply) => reply.status === 512 || isRetryLater(reply);

/** Sends the update of one client. */
function send(server: RunningDyndns, client: number, number: number): Promise<Answer> {
  const address = ipv4(client, number);
  const [target, secret] = speaksDyndns2(client)
    ? [`/nic/update?hostname=${host(client)}&myip=${address}`, secretOf(client)]
    : [`/update-by-query?fqdn=${host(client)}&ipv4=${address}`, SECRET];
  return server.ask(target, { headers: { Authorization: `Bearer ${secret}` } });
}

/** Waits for `count` more successful replies. */
async function untilGood(running: UpdateLoad, count: number): Promise<void> {
  const target = goodRepliesOf(running) + count;
  await waitUntil(`${count} good replies`, () => goodRepliesOf(running) >= target);
}

function goodRepliesOf({ clients }: UpdateLoad): number {
  return clients.reduce((sum, { replies }) => sum + replies.filter(isGood).length, 0);
}

let lastAlone: Promise<unknown> = Promise.resolve();

/** Serializes tasks that use all processors, and would delay the replies of other tests. */
function alone<T>(task: () => Promise<T>): Promise<T> {
  const result = lastAlone.then(task);
  lastAlone = result.catch(() => undefined);
  return result;
}

/** BIND, a fault proxy in front of it, and our servers, for one test. */
class Scene {
  readonly lab: Lab;
  readonly proxy: FaultProxy;

  private constructor(lab: Lab, proxy: FaultProxy) {
    this.lab = lab;
    this.proxy = proxy;
  }

  static async open({ onTestFinished }: TestContext): Promise<Scene> {
    const lab = await openLab();
    onTestFinished(() => lab.stop());
    const proxy = await startFaultProxy(lab.primary);
    onTestFinished(() => proxy.close());
    return new Scene(lab, proxy);
  }

  serve(options: Readonly<Record<string, unknown>> = {}): Promise<RunningDyndns> {
    const tokens = ROUTERS.map((client) => ({
      name: `client${client}`,
      sha256: tokenSha256(secretOf(client)),
      hosts: [host(client)],
    }));
    const store = 'sqlite:dyndns.db';
    return this.lab.serve({ store, tokens, nameserver_timeout_seconds: TIMEOUT_S, log_level: 20, ...options });
  }

  /**
   * Starts fifty clients; every twentieth good reply is compared with the primary. A probe requests a page that needs
   * only the server: its latency is granted to the server, the primary and the store, because it is that of this
   * machine.
   */
  load(server: RunningDyndns, checks: { enabled: boolean } = { enabled: true }): UpdateLoad & { slowestMs(): number } {
    let goodReplies = 0;
    let lagMs = 0;
    let running = true;
    const probe = async () => {
      while (running) {
        lagMs = Math.max(lagMs, (await server.ask('/')).ms);
        await delay(20);
      }
    };
    const probing = probe();
    const load = startLoad({
      clients: CLIENTS,
      host,
      pauseMs: 50,
      isAccepted: (reply) => isGood(reply) || isPending(reply),
      send: (client, number) => send(server, client, number),
      verify: async (client, reply) => {
        if (!isGood(reply)) return;
        goodReplies += 1;
        if (goodReplies % 20 !== 0 || !checks.enabled) return;
        const [address] = await this.lab.look(client.host, 'A');
        // Undefined: the primary has stopped since.
        if (address !== undefined) expect(`${client.host} ${numberOf(address)}`).toBe(`${client.host} ${reply.number}`);
      },
    });
    return {
      ...load,
      async stop() {
        running = false;
        await Promise.all([load.stop(), probing]);
      },
      slowestMs: () => Math.max(...load.clients.flatMap(({ replies }) => replies.map(({ ms }) => ms))) - 3 * lagMs,
    };
  }

  /** Resolves when every host has the newest address that was accepted, or a newer one. */
  async expectNothingLost(clients: readonly LoadClient[]): Promise<void> {
    const waiting = new Set(clients);
    const watcher = openWatcher(this.lab.primary);
    await waitUntil(
      'every host to have its newest address',
      async () => {
        for (const client of waiting) {
          const published = numberOf((await watcher.ask(DomainName.parse(client.host)))[0]);
          if (published < client.newestAccepted()) return false;
          waiting.delete(client);
        }
        return true;
      },
      RECOVERY_MS,
    )
      .catch((cause: unknown) => {
        const lost = [...waiting].map((client) => `${client.host} has not ${client.newestAccepted()}`);
        throw new Error(lost.slice(0, 5).join(', '), { cause });
      })
      .finally(() => watcher.close());
  }

  /**
   * Runs the clients before and during a fault, and checks that nothing was lost.
   * @param through the clients also run until the fault is over; otherwise the server must finish without them
   * @param timeoutS of the primary; a reply may take one second more
   * @returns the replies during the fault
   */
  async endure(
    server: RunningDyndns,
    through: boolean,
    begin: () => unknown,
    end: () => unknown,
    timeoutS = TIMEOUT_S,
  ): Promise<readonly LoadReply[]> {
    const checks = { enabled: true };
    const { running, memory } = await alone(async () => {
      const running = this.load(server, checks);
      await untilGood(running, 300);
      const memory = rssMb(server);
      checks.enabled = false;
      await begin();
      return { running, memory };
    });
    const fromMs = performance.now();
    await delay(8_000);
    if (!through) await running.stop();
    const toMs = performance.now();
    const peak = rssMb(server);
    await alone(async () => {
      await end();
      checks.enabled = true;
      if (through) await untilGood(running, CLIENTS);
      await running.stop();
    });
    const replies = running.during(fromMs, toMs);
    expect(running.slowestMs()).toBeLessThan(replyMs(timeoutS));
    expect(Math.max(peak, rssMb(server)) - memory).toBeLessThan(MORE_MEMORY_MB);
    expect(replies.length).toBeGreaterThan(CLIENTS);
    await this.expectNothingLost(running.clients);
    return replies;
  }
}

/** Expects that every reply says that the update is pending, in the words of each protocol. */
function expectAllPending(replies: readonly LoadReply[]): void {
  expect(replies.filter((reply) => !isPending(reply))).toEqual([]);
  for (const isOfProtocol of [isRetryLater, ({ status }: LoadReply) => status === 512]) {
    expect(replies.filter(isOfProtocol).length).toBeGreaterThan(CLIENTS / 2);
  }
}

describe.concurrent('recovery', () => {
  describeWith(BIND_PROGRAMS, 'a primary that fails under load', () => {
    it.for([
      ['stopped, and started again after the clients have stopped', false],
      ['stopped and started again under load', true],
    ] as const)('%s: no false success, no lost update', { timeout: 120_000 }, async ([, through], context) => {
      const scene = await Scene.open(context);
      const server = await scene.serve();
      const { primary } = scene.lab;
      expectAllPending(
        await scene.endure(
          server,
          through,
          () => primary.halt(),
          () => primary.restart(),
        ),
      );
    });

    it('frozen and thawed: a late message is not taken for a foreign edit', { timeout: 120_000 }, async (context) => {
      const scene = await Scene.open(context);
      const server = await scene.serve();
      const { primary } = scene.lab;
      context.onTestFinished(() => primary.thaw());
      expectAllPending(
        await scene.endure(
          server,
          false,
          () => primary.freeze(),
          () => primary.thaw(),
        ),
      );
      expect(server.log().filter(({ msg }) => msg.includes('somebody else'))).toEqual([]);
    });

    it('that applies everything but does not answer: no false success, no lost update', {
      timeout: 120_000,
    }, async (context) => {
      const scene = await Scene.open(context);
      const server = await scene.serve({ port: scene.proxy.port });
      const otherwise = (fault: Fault) => () => {
        scene.proxy.otherwise = fault;
      };
      expectAllPending(await scene.endure(server, false, otherwise('drop reply'), otherwise('none')));
      expect(server.log().filter(({ msg }) => msg.includes('somebody else'))).toEqual([]);
    });

    it('slow, but in time: every reply is a true success', { timeout: 120_000 }, async (context) => {
      const scene = await Scene.open(context);
      const { proxy } = scene;
      const server = await scene.serve({ port: proxy.port, nameserver_timeout_seconds: LONG_TIMEOUT_S });
      const replies = await scene.endure(
        server,
        true,
        () => {
          proxy.otherwise = 'late reply';
          proxy.delayMs = 300;
        },
        () => {
          proxy.otherwise = 'none';
        },
        LONG_TIMEOUT_S,
      );
      expect(replies.filter((reply) => !isGood(reply))).toEqual([]);
    });

    it('down while the server is restarted: the next process publishes the pending updates', {
      timeout: 60_000,
    }, async (context) => {
      const scene = await Scene.open(context);
      const { lab } = scene;
      const store = `sqlite:${lab.primary.directory}/restarted.db`;
      const first = await scene.serve({ store });
      await lab.primary.halt();
      const target = (label: string, more: Record<string, string>) =>
        updateTarget({ zone_name: ZONE, record_name: label, ...more });
      const reply = await first.ask(target('restart', { ipv4: '192.0.2.1' }));
      expect([reply.status, reply.body]).toEqual([
        512,
        expect.stringMatching(/ The update is kept and will be tried again\.\n$/),
      ]);
      expect((await first.ask(target('restart', { ipv4: '192.0.2.2', ipv6: '2001:db8::2' }))).status).toBe(512);
      expect((await send(first, ROUTERS[0]!, 7)).body).toBe('911\n');
      await first.process.stop('SIGKILL');
      await scene.serve({ store });
      await lab.primary.restart();
      const published = async () => [
        await lab.look(`restart.${ZONE}`, 'A'),
        await lab.look(`restart.${ZONE}`, 'AAAA'),
        await lab.look(host(ROUTERS[0]!), 'A'),
      ];
      await waitUntil(
        'the pending updates of the first server to be published',
        async () => (await published()).every((addresses) => addresses.length > 0),
        RECOVERY_MS,
      );
      expect(await published()).toEqual([['192.0.2.2'], ['2001:db8::2'], [ipv4(ROUTERS[0]!, 7)]]);
    });
  });

  describeWith(BIND_PROGRAMS, 'a foreign edit while an update is pending', () => {
    async function edited(context: TestContext, reconcile: 'report' | 'enforce', label: string) {
      const scene = await Scene.open(context);
      const { lab, proxy } = scene;
      const server = await scene.serve({ reconcile, port: proxy.port });
      const target = (ipv4: string) => updateTarget({ zone_name: ZONE, record_name: label, ipv4 });
      expect((await server.ask(target('192.0.2.1'))).status).toBe(200);
      proxy.otherwise = 'cut before';
      expect((await server.ask(target('192.0.2.2'))).status).toBe(512);
      const name = `${label}.${ZONE}`;
      const edit = [`update delete ${name} A`, `update add ${name} 60 A 192.0.2.99`];
      expect((await nsupdate(lab.primary, lab.key, ZONE, edit)).code).toBe(0);
      proxy.otherwise = 'none';
      return { lab, server };
    }

    it('stays, and is reported, with reconcile: report', { timeout: 60_000 }, async (context) => {
      const { lab, server } = await edited(context, 'report', 'reported');
      const warning = () => server.log().find(({ msg }) => msg.includes('somebody else has changed'));
      await waitUntil('the report', () => warning() !== undefined, RECOVERY_MS);
      expect(warning()?.msg).toContain(`reported.${ZONE}`);
      expect(await lab.look(`reported.${ZONE}`, 'A')).toEqual(['192.0.2.99']);
    });

    it('is overwritten with reconcile: enforce', { timeout: 60_000 }, async (context) => {
      const { lab } = await edited(context, 'enforce', 'enforced');
      const isBack = async () => (await lab.look(`enforced.${ZONE}`, 'A')).join() === '192.0.2.2';
      await waitUntil('the pending update to be published', isBack, RECOVERY_MS);
    });
  });

  describeWith([...BIND_PROGRAMS, ...POSTGRES_PROGRAMS], 'PostgreSQL', () => {
    const routerToken = (client: number): HostToken => ({
      id: `client${client}`,
      name: `client${client}`,
      sha256: tokenSha256(secretOf(client)),
      hosts: [DomainName.parse(host(client))],
      types: [RRType.A],
      addresses: 'any',
      createdMs: Date.now(),
    });

    it('restarted under load: tokens get 911 and recover, other updates continue, and nothing is lost', {
      timeout: 120_000,
    }, async (context) => {
      const scene = await Scene.open(context);
      const postgres = await startPostgres();
      context.onTestFinished(() => postgres.stop());
      const store = await openStore(postgres.url);
      await Promise.all(ROUTERS.map((client) => store.tokens.create(routerToken(client))));
      await store.close();
      const server = await scene.serve({ store: postgres.url, tokens: [] });
      const { running, memory, fromMs, toMs } = await alone(async () => {
        const running = scene.load(server);
        await untilGood(running, 300);
        const memory = rssMb(server);
        await postgres.restart();
        await untilGood(running, 300);
        await postgres.halt('SIGQUIT');
        const fromMs = performance.now();
        await delay(3_000);
        const toMs = performance.now();
        await postgres.restart();
        const before = running.clients.map(({ replies }) => replies.filter(isGood).length);
        await waitUntil('every client to go on', () =>
          running.clients.every(({ replies }, client) => replies.filter(isGood).length > before[client]!),
        );
        await running.stop();
        return { running, memory, fromMs, toMs };
      });
      // Without the store, cached tokens are valid for a second, and cached hosts for a minute.
      const duringOutage = running.during(fromMs + 1_000, toMs);
      expect(duringOutage.filter((reply) => !isRetryLater(reply) && !reply.body.startsWith('UPDATED: '))).toEqual([]);
      for (const kind of [isRetryLater, isGood]) expect(duringOutage.filter(kind).length).toBeGreaterThan(0);
      for (const [client, { replies }] of running.clients.entries()) {
        const refused = replies.filter((reply) => !isGood(reply));
        expect(refused.filter((reply) => !speaksDyndns2(client) || !isRetryLater(reply))).toEqual([]);
      }
      expect(running.slowestMs()).toBeLessThan(replyMs(TIMEOUT_S));
      expect(rssMb(server) - memory).toBeLessThan(MORE_MEMORY_MB);
      for (const client of running.clients) {
        const published = numberOf((await scene.lab.look(client.host, 'A'))[0]);
        expect(`${client.host} ${published}`).toBe(`${client.host} ${client.replies.findLast(isGood)?.number}`);
      }
    });
  });
});
