/** The start of the page: reads the secret of a link, finds out who is signed in, and shows the app. */
import { render } from 'preact';
import './theme.ts';
import { App } from './app.tsx';
import { takeLinkSecret, takeSignInFailure } from './router.ts';
import { loadSession, loadSetup, signInFailure } from './session.ts';

signInFailure.value = takeSignInFailure();
const secret = takeLinkSecret();
// A link is exchanged for a session first.
if (secret === undefined) void loadSession();
else if (secret.kind === 'setup') void loadSetup().catch(() => loadSession());
render(<App secret={secret} />, document.getElementById('app')!);
