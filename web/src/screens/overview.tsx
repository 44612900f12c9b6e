/** The overview: all names with their state. */
import { Page, Panel } from '../components/page.tsx';
import { Show } from '../components/states.tsx';
import { useOperation } from '../operation.ts';
import { texts } from '../texts.ts';

export default function Overview() {
  const hosts = useOperation('GET /v1/hosts', { limit: 100 });
  return (
    <Page title={texts.overview.title}>
      <Panel>
        <Show of={hosts}>{({ hosts: rows }) => <p>{rows.map(({ host }) => host).join(', ')}</p>}</Show>
      </Panel>
    </Page>
  );
}
