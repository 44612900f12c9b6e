/**
 * The socket of a service manager that receives the messages of systemd-notify. Node.js has no unix datagram sockets, so a Perl
 * program reads it. Closing the descriptor of a barrier message, which the end of recv does, answers it.
 */
import { type RunningProcess, startProcess } from './process.ts';

export interface NotifySocket {
  readonly path: string;
  /** Lines of the messages so far. */
  messages(): readonly string[];
  stop(): Promise<void>;
}

const READER = `
use Socket;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($socket, sockaddr_un($ARGV[0])) or die $!;
$| = 1;
print "ready\\n";
while (defined recv($socket, my $message, 4096, 0)) { print "$message\\n" }
`;

export async function startNotifySocket(path: string): Promise<NotifySocket> {
  const reader: RunningProcess = await startProcess({
    command: 'perl',
    args: ['-e', READER, path],
    ready: (output) => output.startsWith('ready\n'),
  });
  return {
    path,
    messages: () =>
      reader
        .output()
        .split('\n')
        .slice(1)
        .filter((line) => line !== ''),
    stop: () => reader.stop(),
  };
}
