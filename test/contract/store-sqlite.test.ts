/** Runs the contract of a store on the store in an SQLite file. */
import { join } from 'node:path';
import { openStore } from '../../src/store/open-store.ts';
import { requireBuiltSqlite } from '../support/built-sqlite.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow } from '../support/process.ts';
import { describeStore } from './store.ts';

requireBuiltSqlite();
const directory = freshDirectory('store');
const url = `sqlite:${join(directory, 'dyndns.db')}`;

describeStore({
  title: 'in SQLite',
  open: () => openStore(url),
  reopen: async (store) => {
    await store.close();
    return openStore(url);
  },
  close: async (store) => {
    await store.close();
    removeNow(directory);
  },
});
