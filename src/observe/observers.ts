/** An Observer that passes each event to several: the log and the counters. */
import type { Observer } from '../core/observer.ts';

/** @param observers called in this order; if one throws, those after it are not called */
export function combineObservers(...observers: readonly Observer[]): Observer {
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
