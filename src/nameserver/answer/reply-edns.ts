/**
 * The OPT record of every reply, whatever its RCODE and whichever path made it: NSID (RFC 5001), the server cookie (RFC
 * 7873), EXPIRE (RFC 7314) and the idle time of TCP (RFC 7828), each only for a client that requests it.
 *
 * Left out on purpose: padding (RFC 7830 §6: only for encrypted transports) and a client subnet (RFC 7871 §7.2.1: no answer
 * depends on it).
 */
import type { ResourceRecord } from '../../dns/rdata.ts';
import { EdnsOption, ednsRecord } from '../../dns/wire/edns.ts';
import type { CookieAnswers } from './cookie-answers.ts';
import type { DnsPeer } from './dns-service.ts';
import type { RequestEdns } from './request-edns.ts';

export interface ReplyEdns {
  readonly dnssecOk: boolean;
  /** Options in wire form, one character per octet. */
  options: string;
  /** The server cookie is ours, so the source address is not forged. */
  readonly cookieIsValid: boolean;
  /** A reply with the SOA of a zone has its EXPIRE. */
  readonly expire: boolean;
}

export interface ReplyEdnsOptions {
  readonly nsid: string | undefined;
  readonly cookies: CookieAnswers;
  /** The time after which an idle TCP connection is closed. */
  readonly tcpIdleSeconds: number;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** The reply to a request without options that concern us, which is the usual one: shared, so that it costs nothing. */
const WITHOUT_OPTIONS: ReplyEdns = { dnssecOk: false, options: '', cookieIsValid: false, expire: false };
const WITHOUT_OPTIONS_DO: ReplyEdns = { ...WITHOUT_OPTIONS, dnssecOk: true };

export class ReplyEdnsMaker {
  readonly #cookies: CookieAnswers;
  readonly #now: () => number;
  readonly #nsidOption: string;
  readonly #keepaliveOption: string;

  constructor({ nsid, cookies, tcpIdleSeconds, now }: ReplyEdnsOptions) {
    this.#cookies = cookies;
    this.#now = now;
    this.#nsidOption = nsid === undefined ? '' : ednsOption(EdnsOption.NSID, Buffer.from(nsid).toString('latin1'));
    // In units of 100 milliseconds (RFC 7828 §3.1).
    const timeout = Math.min(tcpIdleSeconds * 10, 0xffff);
    this.#keepaliveOption = ednsOption(EdnsOption.TCP_KEEPALIVE, String.fromCharCode(timeout >> 8, timeout & 0xff));
  }

  make(request: RequestEdns, peer: DnsPeer, overTcp: boolean): ReplyEdns {
    const { cookie, dnssecOk, expire } = request;
    if (cookie === undefined && !request.nsid && !request.keepalive && !expire) {
      return dnssecOk ? WITHOUT_OPTIONS_DO : WITHOUT_OPTIONS;
    }
    let options = request.nsid ? this.#nsidOption : '';
    let cookieIsValid = false;
    if (cookie !== undefined) {
      const answer = this.#cookies.answer(cookie, peer.address, this.#now());
      if (answer !== undefined) {
        cookieIsValid = answer.valid;
        options += ednsOption(EdnsOption.COOKIE, latin1(answer.reply));
      }
    }
    // Over UDP the option is ignored (RFC 7828 §3.2.1).
    if (request.keepalive && overTcp) options += this.#keepaliveOption;
    return { dnssecOk, options, cookieIsValid, expire };
  }
}

/** Adds EXPIRE if it was requested: for a primary the field of the SOA (RFC 7314 §3). @param soaRdata one character per octet */
export function addExpire(edns: ReplyEdns, soaRdata: string): void {
  // Before MINIMUM, the last field (RFC 1035 §3.3.13).
  if (edns.expire) edns.options += ednsOption(EdnsOption.EXPIRE, soaRdata.slice(-8, -4));
}

/** The OPT record for replies that are not written by ReplyWriter. */
export function replyOpt({ dnssecOk, options }: ReplyEdns): ResourceRecord {
  return { ...ednsRecord({ dnssecOk }), rdata: { kind: 'unknown', octets: Buffer.from(options, 'latin1') } };
}

function ednsOption(code: number, octets: string): string {
  return String.fromCharCode(code >> 8, code & 0xff, octets.length >> 8, octets.length & 0xff) + octets;
}

function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString('latin1');
}
