/**
 * `dyndns doctor`: what the secondaries of an embedded zone serve, as the running server knows it. Whether they answer the
 * internet, the check of the nameservers shows.
 */
import type { SecondaryState } from '../admin/zone-operations.ts';
import type { Finding, FindingStatus } from './ports.ts';

/** @param secondaries as the running server reports them; `unknown`: no server runs; undefined: the zone has none */
export function checkSecondaries(secondaries: readonly SecondaryState[] | 'unknown' | undefined): Finding[] {
  if (secondaries === undefined) return [];
  if (secondaries === 'unknown') {
    const text = 'No server answers on the control socket, and only a running one knows what the secondaries serve.';
    return [{ check: 'secondaries', status: 'not checked', text, advice: 'Start dyndns, then run this again.' }];
  }
  return secondaries.map((secondary) => {
    const { endpoint, state = 'unknown', text, problem } = secondary;
    const { status, advice } = judge(state, problem);
    const words = [`The secondary ${endpoint} ${text ?? state}.`, ...(problem === undefined ? [] : [`It ${problem}.`])];
    return { check: 'secondaries', status, text: words.join(' '), ...(advice !== undefined && { advice }) };
  });
}

function judge(
  state: NonNullable<SecondaryState['state']>,
  problem: string | undefined,
): { readonly status: FindingStatus; readonly advice?: string } {
  switch (state) {
    case 'up-to-date':
    case 'sent':
      return problem === undefined ? { status: 'ok' } : { status: 'warning', advice: FOLLOWS_LATE };
    case 'behind':
      return {
        status: 'warning',
        advice: 'Run this again in a minute. If it is still behind, look into its log for transfers.',
      };
    case 'unknown':
      return { status: 'not checked', advice: 'Run this again when it has asked for the zone.' };
    case 'refused':
      return {
        status: 'problem',
        advice:
          'It took the transfer and does not serve the data: its log says why. It may have a limit for records, or a check that ' +
          'our data does not pass.',
      };
    case 'ahead':
      return {
        status: 'problem',
        advice:
          "It ignores this primary until the serial here is later: 'dyndns zone serial' sets one. This happens after a restore " +
          'from an older backup.',
      };
    case 'not-answering':
      return {
        status: 'problem',
        advice:
          'Check that it runs, and that UDP from this machine to its port is not blocked. For one that does not serve the zone, ' +
          "set 'poll: false' in 'secondaries'.",
      };
    case 'not-serving':
      return {
        status: 'problem',
        advice:
          'Configure the zone there, with this primary and the same key; docs/operating/hidden-primary.md has files for BIND, ' +
          'Knot and NSD. A zone that expired must be transferred again.',
      };
  }
}

const FOLLOWS_LATE = 'Without NOTIFY it follows only when its own timers (SOA REFRESH) let it.';
