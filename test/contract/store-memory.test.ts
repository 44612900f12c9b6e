// The store in memory passes the contract of a store.
import { openMemoryStore } from '../../src/store/memory.ts';
import { describeStore } from './store.ts';

describeStore({
  title: 'in memory',
  open: async () => openMemoryStore(),
  close: (store) => store.close(),
});
