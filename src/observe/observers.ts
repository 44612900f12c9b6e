import type { Observer } from '../core/observer.ts';
/** One Observer that tells several: the log and the counts. */

/** @param observers told in this order; one that throws keeps the news from those after it */
export function tellAll(...observers: readonly Observer[]): Observer {
  return {
    batchPublished: (event) => {
      for (const observer of observers) observer.batchPublished(event);
    },
    requestAnswered: (event) => {
      for (const observer of observers) observer.requestAnswered(event);
    },
    dnsUpdateAnswered: (event) => {
      for (const observer of observers) observer.dnsUpdateAnswered(event);
    },
    warn: (text) => {
      for (const observer of observers) observer.warn(text);
    },
    info: (text) => {
      for (const observer of observers) observer.info?.(text);
    },
  };
}
