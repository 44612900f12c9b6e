/** Runs the contract of a store on the store in PostgreSQL. */
import { openStore } from '../../src/store/open-store.ts';
import { POSTGRES_PROGRAMS, type PostgresServer, startPostgres } from '../support/postgres.ts';
import { describeWith } from '../support/require-server.ts';
import { describeStore } from './store.ts';

describeWith(POSTGRES_PROGRAMS, 'with a real PostgreSQL', () => {
  let server: PostgresServer;
  describeStore({
    title: 'in PostgreSQL',
    open: async () => {
      server = await startPostgres();
      return openStore(server.url);
    },
    reopen: async (store) => {
      await store.close();
      return openStore(server.url);
    },
    close: async (store) => {
      await store.close();
      await server.stop();
    },
  });
});
