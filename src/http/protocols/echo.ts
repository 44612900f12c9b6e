/**
 * The address echo: replies with the client's own address, in each of the forms that clients expect. No header contains
 * anything that looks like an address, because old clients scan headers, too. IPv4-mapped addresses are unmapped.
 */
import { requireCaller } from '../../core/access/require-caller.ts';
import type { DoorReply, DoorRequest, Protocol, Route } from '../request/door.ts';
import { originalErrorReply } from '../request/error-reply.ts';

interface EchoForm {
  readonly contentType: string;
  readonly format: (address: string) => string;
}

const TEXT: EchoForm = { contentType: 'text/plain; charset=utf-8', format: (address) => `${address}\n` };
const JSON_TEXT: EchoForm = {
  contentType: 'application/json; charset=utf-8',
  format: (address) => JSON.stringify({ ip: address }),
};
/** The exact reply of Dyn's CheckIP: clients search for the text around the address. */
const CHECKIP: EchoForm = {
  contentType: 'text/html; charset=utf-8',
  format: (address) =>
    `<html><head><title>Current IP Check</title></head><body>Current IP Address: ${address}</body></html>\r\n`,
};
/** The form of FreeDNS. */
const DETECTED: EchoForm = { contentType: TEXT.contentType, format: (address) => `Detected IP : ${address}\n` };

/** @throws AppError caller-unknown */
function echo({ clientAddress }: DoorRequest, { contentType, format }: EchoForm): DoorReply {
  return {
    status: 200,
    body: format(requireCaller(clientAddress).text),
    contentType,
    outcome: 'info',
    detail: 'address echo',
  };
}

const route = (pattern: string, form: EchoForm): Route => ({
  methods: ['GET'],
  safe: true,
  pattern,
  handle: (request) => echo(request, request.parameters['format'] === 'json' ? JSON_TEXT : form),
});

export const echoProtocol: Protocol = {
  name: 'echo',
  routes: [
    route('/myip', TEXT),
    route('/ip', TEXT),
    route('/checkip.txt', TEXT),
    route('/nic/checkip.html', TEXT),
    route('/json', JSON_TEXT),
    route('/checkip', CHECKIP),
    route('/dynamic/check.php', DETECTED),
  ],
  formatError: originalErrorReply,
};
