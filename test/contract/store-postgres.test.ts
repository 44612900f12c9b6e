/** Runs the contract of a store on the store in PostgreSQL. */
import { openStore } from '../../src/store/open-store.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/require-server.ts';
import { describeStore } from './store.ts';

describeWith(POSTGRES_PROGRAMS, 'with a real PostgreSQL', () => {
  let server: PostgresServer;
  let url: string;
  describeStore({
    title: 'in PostgreSQL',
    open: async () => {
      server = await startPostgres();
      // Most databases have the order of a language, which is another one than that of octets.
      url = await server.createDatabase('store', "template template0 locale_provider icu icu_locale 'en-US'");
      return openStore(url);
    },
    reopen: async (store) => {
      await store.close();
      return openStore(url);
    },
    close: async (store) => {
      await store.close();
      await server.stop();
    },
  });
});
