/** The address echo: tells a client its own address. No header holds anything that looks like one (old clients scan them). */
import { AppError } from '../../core/errors.ts';
import type { DoorReply, DoorRequest, Protocol, Route } from '../door.ts';
import { formatOriginalError } from './original.ts';

function echo(request: DoorRequest): DoorReply {
  const address = request.clientAddress;
  if (address === undefined) throw new AppError('address-invalid', 'The address of the client is not known here.');
  return { status: 200, body: `${address.text}\n`, outcome: 'info', detail: 'address echo' };
}

const route = (pattern: string): Route => ({ methods: ['GET'], safe: true, pattern, handle: echo });

export const echoProtocol: Protocol = {
  name: 'echo',
  routes: [route('/myip'), route('/ip')],
  formatError: formatOriginalError,
};
