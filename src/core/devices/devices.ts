/** The table of devices and update clients with settings of their own, and how a word finds its row. */
import { AppError } from '../errors.ts';
import type { Device } from './device.ts';
import { CURL, DDCLIENT, DDNS_UPDATER, DDUPDATE, HOME_ASSISTANT, INADYN, OTHER } from './programs.ts';
import { ASUS, FRITZBOX, MIKROTIK, OPENWRT, OPNSENSE, PFSENSE, SYNOLOGY, UNIFI } from './routers.ts';

export const DEVICES: readonly Device[] = [
  FRITZBOX,
  OPENWRT,
  UNIFI,
  OPNSENSE,
  PFSENSE,
  MIKROTIK,
  SYNOLOGY,
  ASUS,
  DDCLIENT,
  INADYN,
  CURL,
  DDNS_UPDATER,
  DDUPDATE,
  HOME_ASSISTANT,
  OTHER,
];

export const DEVICE_IDS: readonly string[] = DEVICES.map(({ id }) => id);

/** The row of an id, a title or another word for it: `fritzbox`, `FRITZ!Box`, `RouterOS`. */
export function findDevice(word: string): Device | undefined {
  const wanted = plainWord(word);
  return DEVICES.find(
    ({ id, title, aliases = [] }) =>
      plainWord(id) === wanted || plainWord(title) === wanted || aliases.includes(wanted),
  );
}

/** @throws AppError request-malformed with every known one */
export function getDevice(word: string): Device {
  const device = findDevice(word);
  if (device !== undefined) return device;
  throw new AppError('request-malformed', `'client' must be one of ${DEVICE_IDS.join(', ')}.`);
}

/** Lower-case letters and digits only. */
function plainWord(text: string): string {
  return text
    .slice(0, 64)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '');
}
