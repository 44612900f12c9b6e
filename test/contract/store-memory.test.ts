/** Runs the contract of a store on the store in memory. */
import { openMemoryStore } from '../../src/store/memory.ts';
import { describeStore } from './store.ts';

describeStore({
  title: 'in memory',
  open: async () => openMemoryStore(),
  close: (store) => store.close(),
});
