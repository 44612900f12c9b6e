/** Judges the answer of a webhook: delivered, retry, or refused for good; and advises the operator. */
import type { PostOutcome } from './http-post.ts';

export type Verdict = 'delivered' | 'retry' | 'refused';

export function judge(outcome: PostOutcome): Verdict {
  if (outcome.kind === 'unanswered') return 'retry';
  const { status } = outcome;
  if (status >= 200 && status <= 299) return 'delivered';
  if (status === 408 || status === 429 || status >= 500) return 'retry';
  return 'refused';
}

/** A few words, which never contain the URL. */
export function describeOutcome(outcome: PostOutcome): string {
  if (outcome.kind === 'answered') return `status ${outcome.status}`;
  return outcome.reason === 'TIMEOUT' ? 'timeout' : `no answer (${outcome.reason})`;
}

/** A sentence for the operator who set the URL; empty after a success. */
export function adviceFor(outcome: PostOutcome): string {
  if (outcome.kind === 'answered') {
    const { status } = outcome;
    if (status >= 200 && status <= 299) return '';
    if (status >= 300 && status <= 399) return 'Redirects are not followed. Configure the URL that it redirects to.';
    switch (status) {
      case 401:
      case 403:
        return 'The receiver requires another credential. Use https://USER:PASSWORD@… in the URL, or see its manual.';
      case 404:
      case 410:
        return 'The receiver does not know the path of the URL.';
      case 405:
        return 'The receiver does not accept POST requests. Check whether this is the URL of a web page.';
      case 413:
      case 415:
      case 422:
        return "The receiver does not accept this body. Try another 'format'.";
      case 429:
        return 'The receiver throttles deliveries, which now wait.';
      default:
        return status >= 500 ? 'The receiver has an internal error.' : 'The receiver refused the delivery.';
    }
  }
  const { reason } = outcome;
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(reason)) return 'The host name has no address. Check the spelling.';
  if (reason === 'ECONNREFUSED') return 'Nothing listens there. Check the port, and whether the receiver is running.';
  if (/^(EHOSTUNREACH|ENETUNREACH|TIMEOUT|ETIMEDOUT)$/.test(reason)) {
    return 'Check whether the receiver is running, and whether a firewall blocks the connection.';
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(reason)) {
    return 'Its certificate is not trusted for this name. NODE_EXTRA_CA_CERTS=FILE adds your own authority.';
  }
  if (/^(EPROTO|ERR_SSL|HPE_)/.test(reason))
    return 'It does not speak the protocol of the URL. Check https:// and http://.';
  return 'Check whether this is the URL of a web server.';
}
