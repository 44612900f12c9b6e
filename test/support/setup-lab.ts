/** `dyndns setup` as a process in a directory of its own, and its API as the page uses it. */
import { MAIN } from './dyndns.ts';
import { freePort } from './free-port.ts';
import { type Answer, type AskOptions, ask } from './http-client.ts';
import { freshDirectory } from './primary-server.ts';
import { type RunningProcess, removeNow, startProcess } from './process.ts';

export interface SetupLab {
  readonly directory: string;
  readonly port: number;
  readonly process: RunningProcess;
  /** The secret in the fragment of the printed link. */
  readonly link: string;
  /** Sends a request as the page does: with its Origin, its Sec-Fetch-Site and its cookie. */
  send(route: string, body?: object | string, options?: AskOptions): Promise<Answer>;
  /** The same, and reads the JSON of the reply. */
  call<Result = Record<string, unknown>>(route: string, body?: object): Promise<Result>;
  /** Uses the link. */
  signIn(): Promise<void>;
  stop(): Promise<void>;
}

export interface SetupLabOptions {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly directory?: string;
  /** The program and its arguments that run the command in their place: `unshare …`. */
  readonly wrapper?: readonly string[];
  /** The configuration file; by default one in the directory. */
  readonly file?: string;
}

export async function startSetupLab({
  args = [],
  env = {},
  directory: given,
  wrapper = [],
  file = 'dyndns.yml',
}: SetupLabOptions = {}): Promise<SetupLab> {
  const directory = given ?? freshDirectory('setup');
  const port = await freePort();
  const [command, ...before] = [...wrapper, process.execPath];
  const child = await startProcess({
    command: command!,
    args: [...before, MAIN, 'setup', '--listen', `127.0.0.1:${port}`, '--file', file, ...args],
    cwd: directory,
    env: { PATH: process.env['PATH'], ...env },
    ready: (output) => output.includes('#setup='),
    readyTimeoutMs: 60_000,
  });
  const link = /#setup=(\S+)/.exec(child.output())![1]!;
  let cookie = '';
  const lab: SetupLab = {
    directory,
    port,
    process: child,
    link,
    async send(route, body, { headers, ...more } = {}) {
      const [method = 'GET', path = '/'] = route.split(' ');
      const origin = `http://127.0.0.1:${port}`;
      const answer = await ask({ port }, path, {
        method,
        headers: { Origin: origin, 'Sec-Fetch-Site': 'same-origin', Cookie: cookie, ...headers },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...more,
      });
      const set = answer.headers['set-cookie']?.[0];
      if (set !== undefined) cookie = set.split(';', 1)[0]!;
      return answer;
    },
    async call(route, body) {
      const answer = await lab.send(route, body);
      if (answer.status !== 200) throw new Error(`${route}: ${answer.status} ${answer.body}`);
      return JSON.parse(answer.body) as never;
    },
    signIn: async () => void (await lab.call('POST /v1/setup/session', { link })),
    async stop() {
      await child.stop();
      removeNow(directory);
    },
  };
  return lab;
}
