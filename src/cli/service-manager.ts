/**
 * Tells systemd that the server is ready, what it does and that it ends (Type=notify, sd_notify(3)). Node.js cannot open a
 * unix datagram socket, so the program systemd-notify sends the messages: the unit needs NotifyAccess=all. Left out:
 * RELOADING=1, because ExecReload= waits for the outcome by itself.
 */
import { execFile } from 'node:child_process';

const PROGRAM = 'systemd-notify';
const TIMEOUT_MS = 5_000;
const ADVICE =
  "Install the package that has it, or set 'Type=exec' in the unit: without it systemd ends the server when TimeoutStartSec= is over.";

export class ServiceManager {
  readonly #isThere: boolean;
  readonly #warn: (text: string) => void;
  readonly #program: string;
  /** Messages are sent one after the other. */
  #sent: Promise<void> = Promise.resolve();
  #hasFailed = false;
  #isReady = false;
  #status = 'Starting';

  /** @param environment with NOTIFY_SOCKET if systemd waits for messages; without it nothing is sent */
  constructor(environment: NodeJS.ProcessEnv, warn: (text: string) => void, program: string = PROGRAM) {
    this.#isThere = environment['NOTIFY_SOCKET'] !== undefined;
    this.#warn = warn;
    this.#program = program;
  }

  /** The sockets are open. Sends the status, too. */
  ready(): void {
    this.#isReady = true;
    this.#send(['--ready', `--status=${this.#status}`]);
  }

  /** A sentence for `systemctl status`; sent once the server is ready. */
  status(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    if (this.#isReady) this.#send([`--status=${text}`]);
  }

  /** The server ends. Resolves when systemd has all messages; never rejects. */
  stopping(): Promise<void> {
    this.#send(['STOPPING=1', '--status=Ends']);
    return this.#sent;
  }

  #send(args: readonly string[]): void {
    if (!this.#isThere || this.#hasFailed) return;
    this.#sent = this.#sent.then(() => this.#run(args));
  }

  #run(args: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      execFile(this.#program, args, { timeout: TIMEOUT_MS }, (error, _stdout, stderr) => {
        if (error !== null && !this.#hasFailed) {
          this.#hasFailed = true;
          const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
          const reason = isMissing ? 'it is not installed' : stderr.trim() || error.message.trim();
          this.#warn(
            `systemd expects a message that the server is ready, and ${this.#program} failed: ${reason}. ${ADVICE}`,
          );
        }
        resolve();
      });
    });
  }
}
