/** A backup of all databases of a server: first the store, then the zones, so that no change of a zone is older. */
import { AppError } from '../errors.ts';
import type { BackupReport, ZoneAdmin } from './zone-admin.ts';

/** The database of tokens, settings of hosts, history and wishes. */
export interface StoreCopy {
  readonly from: string;
  copy(toFile: string): Promise<void>;
}

/** The same administration of zones, whose backup has the store beside it: in FILE.store. */
export function withStoreBackup(admin: ZoneAdmin, store: StoreCopy | undefined): ZoneAdmin {
  if (store === undefined) return admin;
  return {
    zones: () => admin.zones(),
    exportZone: (apex) => admin.exportZone(apex),
    importZone: (apex, text, options) => admin.importZone(apex, text, options),
    setSerial: (apex, serial) => admin.setSerial(apex, serial),
    backup: async (file): Promise<BackupReport> => {
      const to = `${file}.store`;
      try {
        await store.copy(to);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new AppError('request-malformed', `The backup '${to}' could not be written: ${reason}.`, { cause });
      }
      const what = 'tokens, hosts, history and wishes';
      const { copies } = await admin.backup(file);
      return { copies: [{ what, from: store.from, to }, ...copies] };
    },
  };
}
