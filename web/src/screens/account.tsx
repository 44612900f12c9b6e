/** The own account. */
import { Page } from '../components/page.tsx';
import { me } from '../session.ts';
import { texts } from '../texts.ts';

export default function Account() {
  return <Page title={texts.account.title}>{me().user.name}</Page>;
}
