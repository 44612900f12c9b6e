/** Who reads a stream, and where what it gets is written. */

import type { CheckedCredential } from '../users/credential.ts';
import type { User } from '../users/user.ts';

export type StreamCaller =
  /** Of the control socket: without a credential. */
  | { readonly kind: 'operator' }
  | {
      readonly kind: 'user';
      readonly user: Pick<User, 'id' | 'role'>;
      readonly credential: CheckedCredential;
    };

/** The reply of one client. */
export interface StreamSink {
  /** Never waits: what the client does not take stays in memory. */
  write(octets: Uint8Array): void;
  /** Octets in memory that the client has not taken. */
  readonly pendingOctets: number;
  /** Ends the reply after what was written. A client that does not take that is disconnected soon. */
  end(): void;
  /** Disconnects the client at once. */
  destroy(): void;
}
