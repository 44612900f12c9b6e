/** The audit list of a whole server: old entries are deleted, and changes are added, also while the HTTP API is disabled. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { eventId } from '../../src/core/history/history.ts';
import { openStore } from '../../src/store/open-store.ts';
import { operate } from '../support/api-lab.ts';
import { startEmbedded } from '../support/embedded-server.ts';
import { freshDirectory } from '../support/primary-server.ts';
import { removeNow, waitUntil } from '../support/process.ts';

const ZONE = 'dyn.example.com';
const DAY_MS = 86_400_000;

it.each([
  ['admin.audit_days', { admin: { enabled: true, audit_days: 30 } }, [10]],
  ['a year, while the HTTP API is disabled', {}, [10, 300]],
] as const)('has the changes of the time of %s', async (_, config, days) => {
  const directory = freshDirectory('audit');
  onTestFinished(() => removeNow(directory));
  const url = `sqlite:${join(directory, 'store.db')}`;
  const store = await openStore(url);
  const entries = [10, 300, 400].map((age) => {
    const timeMs = Date.now() - age * DAY_MS;
    const id = eventId(timeMs, age, new Uint8Array(10));
    return { id, timeMs, actor: 'anna', source: '', operation: 'addHost', target: `${age}`, outcome: 'done' };
  });
  await store.audit.append(entries);
  await store.close();
  const control = { socketPath: join(directory, 'control.sock') };
  const server = await startEmbedded({
    zone: ZONE,
    config: { store: url, control: `unix:${control.socketPath}`, ...config },
  });
  onTestFinished(() => server.stop());
  const targets = async () => (await operate(control, 'readAudit', {})).entries.map(({ target }) => target);
  await waitUntil('old entries to be deleted', async () => (await targets()).length === days.length);
  expect(await targets()).toEqual(days.map(String));
  await operate(control, 'createUser', { name: 'bert' });
  const [newest] = (await operate(control, 'readAudit', { limit: 1 })).entries;
  expect(newest).toMatchObject({ user: 'operator', operation: 'createUser', target: 'bert', outcome: 'done' });
});
