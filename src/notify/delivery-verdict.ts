/** What an answer of a webhook means: done, to be tried again, or refused for good; and what an operator can do about it. */
import type { PostOutcome } from './http-post.ts';

export type Verdict = 'delivered' | 'retry' | 'refused';

export function judge(outcome: PostOutcome): Verdict {
  if (outcome.kind === 'unanswered') return 'retry';
  const { status } = outcome;
  if (status >= 200 && status <= 299) return 'delivered';
  if (status === 408 || status === 429 || status >= 500) return 'retry';
  return 'refused';
}

/** In a few words, without the URL. */
export function describeOutcome(outcome: PostOutcome): string {
  if (outcome.kind === 'answered') return `status ${outcome.status}`;
  return outcome.reason === 'TIMEOUT' ? 'no answer in time' : `no answer (${outcome.reason})`;
}

/** A sentence for whoever set the URL; empty where nothing is wrong. */
export function adviceFor(outcome: PostOutcome): string {
  if (outcome.kind === 'answered') {
    const { status } = outcome;
    if (status >= 200 && status <= 299) return '';
    if (status >= 300 && status <= 399) return 'Redirects are not followed: set the URL that it points to.';
    switch (status) {
      case 401:
      case 403:
        return 'The receiver wants a credential, or another one: https://USER:PASSWORD@… in the URL, or as its manual says.';
      case 404:
      case 410:
        return 'The receiver does not know the path of the URL.';
      case 405:
        return 'The receiver takes no POST there: is this the URL of a page for people?';
      case 413:
      case 415:
      case 422:
        return "The receiver does not take this body: try another 'format'.";
      case 429:
        return 'The receiver takes no more for the moment; deliveries wait.';
      default:
        return status >= 500 ? 'The receiver has a fault; deliveries are tried again.' : 'The receiver refuses it.';
    }
  }
  const { reason } = outcome;
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(reason)) return 'The name of the host has no address: is it spelled right?';
  if (reason === 'ECONNREFUSED') return 'Nothing listens there: is the port right, and does the receiver run?';
  if (/^(EHOSTUNREACH|ENETUNREACH|TIMEOUT|ETIMEDOUT)$/.test(reason)) {
    return 'Is the receiver up, and does no firewall stand between?';
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(reason)) {
    return 'Its certificate is not trusted for this name; NODE_EXTRA_CA_CERTS=FILE adds an authority of your own.';
  }
  if (/^(EPROTO|ERR_SSL|HPE_)/.test(reason)) return 'It does not speak the protocol of the URL: https:// or http://?';
  return 'Is this the URL of a web server?';
}
