/** Words for a port that cannot be opened. */
export interface FailedListen {
  readonly host: string;
  readonly port: number;
  readonly protocol: 'udp' | 'tcp';
  readonly code: string | undefined;
  readonly message: string;
}

export function portAdvice(failed: FailedListen, _procRoot = '/proc'): string {
  return failed.message;
}
