/** Backs up all data of a server: first the store, then the zones and their keys, so that the zones have every change in the history. */
import { AppError, errorText } from '../errors.ts';
import type { BackupReport, ZoneAdmin } from './zone-admin.ts';

/** The database of tokens, settings of hosts, history and pending updates. */
export interface StoreCopy {
  readonly from: string;
  copy(toFile: string): Promise<void>;
}

/** The same administration of zones, whose backup also copies the store, to FILE.store. */
export function withStoreBackup(admin: ZoneAdmin, store: StoreCopy | undefined): ZoneAdmin {
  if (store === undefined) return admin;
  return {
    dnssec: () => admin.dnssec(),
    zones: () => admin.zones(),
    exportZone: (apex, signed) => admin.exportZone(apex, signed),
    importZone: (apex, text, options) => admin.importZone(apex, text, options),
    setSerial: (apex, serial) => admin.setSerial(apex, serial),
    recoverZone: (apex, serial) => admin.recoverZone(apex, serial),
    discardUnserved: (apex, ownerName, type) => admin.discardUnserved(apex, ownerName, type),
    backup: async (file): Promise<BackupReport> => {
      const to = `${file}.store`;
      try {
        await store.copy(to);
      } catch (cause) {
        const reason = errorText(cause);
        throw new AppError('request-malformed', `The backup '${to}' could not be written: ${reason}.`, { cause });
      }
      const what = 'tokens, hosts, history and pending updates';
      const { copies } = await admin.backup(file);
      return { copies: [{ what, from: store.from, to }, ...copies] };
    },
  };
}
