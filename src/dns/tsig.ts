/**
 * TSIG (RFC 8945): signs and verifies messages, one by one or as a TCP stream of several (RFC 8945 §5.3.1).
 *
 * Nothing here reads a clock: the caller passes seconds since 1970. Left out: GSS-TSIG, and remembering the last
 * Time Signed per key (RFC 8945 §5.2.3, a SHOULD), so a replay within the fudge is not detected.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DomainName } from './name.ts';
import { RRClass, RRType, type TsigRdata } from './rdata.ts';
import { makeTsigKey, TSIG_ALGORITHMS, type TsigAlgorithmRow, type TsigKey } from './tsig-key.ts';
import { type DecodedMessage, encodeRecord, Rcode } from './wire/message.ts';
import { WireWriter } from './wire/writer.ts';

/** Values of the Error field (RFC 8945 §3). */
export const TsigErrorCode = { NOERROR: 0, BADSIG: 16, BADKEY: 17, BADTIME: 18, BADTRUNC: 22 } as const;

/** Allowed difference of the two clocks (RFC 8945 §10). A server takes no larger one from a client. */
export const DEFAULT_FUDGE_SECONDS = 300;

/** Why a reply was not verified. */
export type TsigFailure =
  /** The peer rejected our request. Its reply to BADKEY and BADSIG is not signed, so this is only a hint. */
  | { readonly side: 'theirs'; readonly error: number; readonly peerTime?: number }
  /** We rejected the peer's reply. */
  | { readonly side: 'ours'; readonly reason: 'unsigned' | 'key' | 'mac' | 'time' | 'truncation' };

export class TsigError extends Error {
  readonly failure: TsigFailure;
  /** The RCODE of the rejected message, which is not authenticated. */
  readonly rcode: number;
  constructor(failure: TsigFailure, rcode: number) {
    super(failure.side === 'theirs' ? `TSIG error ${failure.error} from the peer` : `TSIG check: ${failure.reason}`);
    this.name = 'TsigError';
    this.failure = failure;
    this.rcode = rcode;
  }
}

/** The client's side: signs one request, and verifies its reply or stream of replies. */
export class ClientTransaction {
  readonly #key: TsigKey;
  #priorMac: Uint8Array = new Uint8Array(0);
  #first = true;
  /** Messages of the stream since the last signed one (RFC 8945 §5.3.1). */
  #unsigned: Uint8Array[] = [];

  constructor(key: TsigKey) {
    this.#key = key;
  }

  /** Appends the TSIG record to the request. */
  sign(request: Uint8Array, nowSeconds: number): Buffer {
    const fields = { timeSigned: nowSeconds, fudgeSeconds: DEFAULT_FUDGE_SECONDS, error: 0, otherData: NOTHING };
    const mac = sentMac(this.#key, computeMac(this.#key, NOTHING, [request], fields, false));
    this.#priorMac = mac;
    const algorithm = algorithmOf(this.#key).wireName;
    return appendTsig(request, this.#key.keyName, { ...fields, algorithm, mac, originalId: idOf(request) });
  }

  /**
   * Checks key, MAC, time and truncation of one reply, in this order (RFC 8945 §5.2): without a valid MAC the time means
   * nothing.
   * @throws TsigError
   */
  verify(octets: Uint8Array, message: DecodedMessage, nowSeconds: number): void {
    const tsig = tsigOf(message);
    const fail = (failure: TsigFailure) => new TsigError(failure, message.rcode);
    if (tsig === undefined) throw fail({ side: 'ours', reason: 'unsigned' });
    if (!tsig.keyName.equals(this.#key.keyName) || !tsig.rdata.algorithm.equals(algorithmOf(this.#key).wireName)) {
      throw fail({ side: 'ours', reason: 'key' });
    }
    if (tsig.rdata.mac.length === 0 && tsig.rdata.error !== TsigErrorCode.NOERROR) {
      throw fail({ side: 'theirs', error: tsig.rdata.error });
    }
    const bare = withoutTsig(octets, message);
    const expected = computeMac(this.#key, this.#priorMac, [...this.#unsigned, bare], tsig.rdata, !this.#first);
    if (!macMatches(expected, tsig.rdata.mac)) throw fail({ side: 'ours', reason: 'mac' });
    this.#priorMac = tsig.rdata.mac;
    this.#first = false;
    this.#unsigned = [];
    if (tsig.rdata.error !== TsigErrorCode.NOERROR) {
      const peerTime = tsig.rdata.otherData.length === 6 ? readU48(tsig.rdata.otherData) : undefined;
      throw fail({ side: 'theirs', error: tsig.rdata.error, ...(peerTime === undefined ? {} : { peerTime }) });
    }
    if (Math.abs(nowSeconds - tsig.rdata.timeSigned) > tsig.rdata.fudgeSeconds) {
      throw fail({ side: 'ours', reason: 'time' });
    }
    if (tsig.rdata.mac.length < algorithmOf(this.#key).macOctets) throw fail({ side: 'ours', reason: 'truncation' });
  }

  /**
   * Checks the next message of a TCP stream. The first and the last must be signed, and at most 99 in a row may be
   * unsigned (RFC 8945 §5.3.1). After the last message the caller checks `complete`.
   * @throws TsigError
   */
  verifyNext(octets: Uint8Array, message: DecodedMessage, nowSeconds: number): void {
    if (message.tsigOffset === undefined && !this.#first && this.#unsigned.length < 99) {
      this.#unsigned.push(octets);
      return;
    }
    this.verify(octets, message, nowSeconds);
  }

  /** True if the last message so far was signed. */
  get complete(): boolean {
    return !this.#first && this.#unsigned.length === 0;
  }
}

export type ServerCheck =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'verified'; readonly key: TsigKey; readonly transaction: ServerTransaction }
  /** `transaction` adds the TSIG record with the error; undefined if the reply is a FORMERR without TSIG. */
  | {
      readonly kind: 'rejected';
      readonly rcode: typeof Rcode.NOTAUTH | typeof Rcode.FORMERR;
      readonly error: number;
      readonly transaction: ServerTransaction | undefined;
    };

/** The server's side: created by `checkRequest`, signs the reply or each message of a stream of replies. */
export class ServerTransaction {
  readonly #key: TsigKey;
  readonly #error: number;
  readonly #signed: boolean;
  /** The request's even if it is not the key's: clients ignore a TSIG record with another algorithm. */
  readonly #algorithm: DomainName;
  /** A BADTIME reply repeats the request's Time Signed so that the client accepts it (RFC 8945 §5.2.3). */
  readonly #requestTime: number;
  #priorMac: Uint8Array;
  #first = true;

  constructor(key: TsigKey, request: TsigRdata, error: number) {
    this.#key = key;
    this.#error = error;
    // BADKEY and BADSIG replies are not signed: the two sides share no key (RFC 8945 §5.2).
    this.#signed = error !== TsigErrorCode.BADKEY && error !== TsigErrorCode.BADSIG;
    this.#algorithm = request.algorithm;
    this.#requestTime = request.timeSigned;
    this.#priorMac = this.#signed ? request.mac : NOTHING;
  }

  sign(response: Uint8Array, nowSeconds: number): Buffer {
    const badTime = this.#error === TsigErrorCode.BADTIME;
    const fields = {
      timeSigned: badTime ? this.#requestTime : nowSeconds,
      fudgeSeconds: DEFAULT_FUDGE_SECONDS,
      error: this.#error,
      otherData: badTime ? writeU48(nowSeconds) : NOTHING,
    };
    const mac = this.#signed
      ? sentMac(this.#key, computeMac(this.#key, this.#priorMac, [response], fields, !this.#first))
      : NOTHING;
    this.#priorMac = mac;
    this.#first = false;
    const { keyName } = this.#key;
    return appendTsig(response, keyName, { ...fields, algorithm: this.#algorithm, mac, originalId: idOf(response) });
  }
}

/**
 * Checks key, MAC, time and truncation of a request, in this order (RFC 8945 §5.2). A BADTIME reply is signed: with the
 * clock checked first, anyone without a key could obtain a signature.
 *
 * @param maxFudgeSeconds a larger fudge of the request is taken for this one: it is how long a recorded request can be
 *   sent again, and the client alone chooses it
 */
export function checkRequest(
  octets: Uint8Array,
  message: DecodedMessage,
  findKey: (keyName: DomainName) => TsigKey | undefined,
  nowSeconds: number,
  maxFudgeSeconds = DEFAULT_FUDGE_SECONDS,
): ServerCheck {
  const tsig = tsigOf(message);
  if (tsig === undefined) return { kind: 'unsigned' };
  const { rdata } = tsig;
  const reject = (error: number, key: TsigKey): ServerCheck => ({
    kind: 'rejected',
    rcode: Rcode.NOTAUTH,
    error,
    transaction: new ServerTransaction(key, rdata, error),
  });
  const key = findKey(tsig.keyName);
  if (key === undefined || !rdata.algorithm.equals(algorithmOf(key).wireName)) {
    return reject(TsigErrorCode.BADKEY, key ?? UNKNOWN_KEY(tsig.keyName));
  }
  const { hashOctets, macOctets } = algorithmOf(key);
  // RFC 8945 §5.2.2.1: an impossible MAC length is a format error, not BADTRUNC.
  if (rdata.mac.length > hashOctets || rdata.mac.length < Math.max(10, hashOctets / 2)) {
    return { kind: 'rejected', rcode: Rcode.FORMERR, error: TsigErrorCode.NOERROR, transaction: undefined };
  }
  const bare = withoutTsig(octets, message);
  if (!macMatches(computeMac(key, NOTHING, [bare], rdata, false), rdata.mac)) return reject(TsigErrorCode.BADSIG, key);
  const fudgeSeconds = Math.min(rdata.fudgeSeconds, maxFudgeSeconds);
  if (Math.abs(nowSeconds - rdata.timeSigned) > fudgeSeconds) return reject(TsigErrorCode.BADTIME, key);
  if (rdata.mac.length < macOctets) return reject(TsigErrorCode.BADTRUNC, key);
  return { kind: 'verified', key, transaction: new ServerTransaction(key, rdata, TsigErrorCode.NOERROR) };
}

const NOTHING = new Uint8Array(0);
const UNKNOWN_KEY = (keyName: DomainName): TsigKey => makeTsigKey(keyName, 'hmac-sha256', Buffer.alloc(1));

type SignedFields = Pick<TsigRdata, 'timeSigned' | 'fudgeSeconds' | 'error' | 'otherData'>;

function algorithmOf(key: TsigKey): TsigAlgorithmRow {
  return TSIG_ALGORITHMS[key.algorithm];
}

function tsigOf(message: DecodedMessage): { keyName: DomainName; rdata: TsigRdata } | undefined {
  if (message.tsigOffset === undefined) return undefined;
  const record = message.additional[message.additional.length - 1];
  return record?.rdata.kind === 'TSIG' ? { keyName: record.ownerName, rdata: record.rdata } : undefined;
}

/**
 * The untruncated HMAC over the prior MAC with its length, the messages and the TSIG variables (RFC 8945 §4.3); in later
 * messages of a stream the timers replace the variables (RFC 8945 §5.3.1).
 */
function computeMac(
  key: TsigKey,
  priorMac: Uint8Array,
  messages: readonly Uint8Array[],
  fields: SignedFields,
  timersOnly: boolean,
): Uint8Array {
  const hmac = createHmac(algorithmOf(key).hash, key.secret);
  if (priorMac.length > 0) hmac.update(Uint8Array.of(priorMac.length >> 8, priorMac.length & 0xff)).update(priorMac);
  for (const message of messages) hmac.update(message);
  const variables = new WireWriter(160);
  if (!timersOnly) {
    variables.bytes(Buffer.from(key.keyName.key, 'latin1'));
    variables.u16(RRClass.ANY);
    variables.u32(0);
    variables.name(algorithmOf(key).wireName, false);
  }
  variables.u48(fields.timeSigned);
  variables.u16(fields.fudgeSeconds);
  if (!timersOnly) {
    variables.u16(fields.error);
    variables.u16(fields.otherData.length);
    variables.bytes(fields.otherData);
  }
  return hmac.update(variables.finish()).digest();
}

/** The MAC that is sent and that the next MAC covers: truncated if the algorithm says so (RFC 8945 §5.2.2.1). */
function sentMac(key: TsigKey, mac: Uint8Array): Uint8Array {
  return mac.subarray(0, algorithmOf(key).macOctets);
}

/** Compares in constant time. False if the received MAC is too short or too long (RFC 8945 §5.2.2.1). */
function macMatches(expected: Uint8Array, received: Uint8Array): boolean {
  if (received.length < Math.max(10, expected.length / 2) || received.length > expected.length) return false;
  return timingSafeEqual(expected.subarray(0, received.length), received);
}

function appendTsig(octets: Uint8Array, keyName: DomainName, rdata: Omit<TsigRdata, 'kind'>): Buffer {
  const writer = new WireWriter(octets.length + 160);
  writer.bytes(octets);
  encodeRecord(writer, {
    ownerName: keyName,
    type: RRType.TSIG,
    class: RRClass.ANY,
    ttl: 0,
    rdata: { kind: 'TSIG', ...rdata },
  });
  writer.patchU16(10, ((octets[10]! << 8) | octets[11]!) + 1);
  return writer.finish();
}

/** The message before it was signed: without the TSIG record, ARCOUNT decremented, original id (RFC 8945 §4.3.2). */
function withoutTsig(octets: Uint8Array, message: DecodedMessage): Uint8Array {
  const tsig = tsigOf(message)!;
  const bare = Uint8Array.prototype.slice.call(octets, 0, message.tsigOffset);
  const count = ((bare[10]! << 8) | bare[11]!) - 1;
  bare[0] = tsig.rdata.originalId >> 8;
  bare[1] = tsig.rdata.originalId;
  bare[10] = count >> 8;
  bare[11] = count;
  return bare;
}

function idOf(octets: Uint8Array): number {
  return (octets[0]! << 8) | octets[1]!;
}

function readU48(octets: Uint8Array): number {
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

function writeU48(value: number): Uint8Array {
  const writer = new WireWriter(6);
  writer.u48(value);
  return writer.finish();
}
