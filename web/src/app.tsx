/** The app: sign-in, or the shell with the screen of the URL. */
import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Button } from './components/button.tsx';
import { Page } from './components/page.tsx';
import { Empty, ErrorBox, Loading } from './components/states.tsx';
import { Toasts } from './components/toast.tsx';
import { type LinkSecret, location, type SetupSecret } from './router.ts';
import type { ScreenProps } from './screen-props.ts';
import { SignIn } from './screens/sign-in.tsx';
import { findScreen, type Screen } from './screens.ts';
import { isAdmin, loadSession, session } from './session.ts';
import { Shell } from './shell.tsx';
import { texts } from './texts.ts';

export function App({ secret }: { readonly secret: LinkSecret | SetupSecret | undefined }) {
  const pending = useSignal(secret);
  return (
    <>
      <Body secret={pending.value} onSecretUsed={() => (pending.value = undefined)} />
      <Toasts />
    </>
  );
}

function Body({ secret, onSecretUsed }: { secret: LinkSecret | SetupSecret | undefined; onSecretUsed: () => void }) {
  const { value } = session;
  if (secret !== undefined && secret.kind !== 'setup') return <SignIn secret={secret} onSecretUsed={onSecretUsed} />;
  switch (value.state) {
    case 'unknown':
      return (
        <main class="gate" aria-busy="true">
          <Loading lines={3} />
        </main>
      );
    case 'failed':
      return (
        <main class="gate">
          <ErrorBox error={value.error} onRetry={() => void loadSession()} />
        </main>
      );
    case 'signed-out':
      return <SignIn hadSession={value.hadSession} onSecretUsed={onSecretUsed} />;
    case 'setup':
      return <Setup secret={secret?.secret} isOpen={value.isOpen} />;
    case 'signed-in':
      return <SignedIn />;
  }
}

function SignedIn() {
  const { parts, query } = location.value;
  const found = findScreen(parts, isAdmin());
  if (found?.screen.isBare) return <Loader key={parts.join('/')} {...found} query={query} />;
  return (
    <Shell current={found?.screen}>
      {found === undefined ? <Unknown /> : <Loader key={parts.join('/')} {...found} query={query} />}
    </Shell>
  );
}

type SetupModule = typeof import('./screens/setup/setup.tsx');

/** The wizard: the module is needed once in the life of a server. */
function Setup(props: { readonly secret: string | undefined; readonly isOpen: boolean }) {
  const [module, setModule] = useState<SetupModule>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    import('./screens/setup/setup.tsx').then(setModule, setError);
  }, []);
  if (module !== undefined) return <module.Setup {...props} />;
  return (
    <main class="gate">
      {error === undefined ? <Loading lines={3} /> : <ErrorBox error={new Error(texts.shell.screenFailed)} />}
    </main>
  );
}

function Unknown() {
  const { title, text, action } = texts.shell.unknownScreen;
  return (
    <Page title={title}>
      <Empty
        title={text}
        action={
          <a class="button" href="#/">
            {action}
          </a>
        }
      />
    </Page>
  );
}

const loaded = new Map<Screen, ComponentType<ScreenProps>>();

/** Loads the module of a screen when it is opened for the first time. */
function Loader({ screen, params, query }: { screen: Screen } & ScreenProps) {
  const [state, setState] = useState<{ error?: unknown; round: number }>({ round: 0 });
  const Component = loaded.get(screen);
  useEffect(() => {
    if (loaded.has(screen)) return;
    screen.load().then(
      (module) => {
        loaded.set(screen, module.default);
        setState(({ round }) => ({ round: round + 1 }));
      },
      // After an upgrade of the server, the files of the older page are not there any more.
      (error: unknown) => setState(({ round }) => ({ error, round: round + 1 })),
    );
  }, [screen]);
  if (Component !== undefined) return <Component params={params} query={query} />;
  if (state.error === undefined) return <Loading lines={6} />;
  return (
    <Empty
      title={texts.shell.screenFailed}
      action={<Button onClick={() => window.location.reload()}>{texts.shell.reloadPage}</Button>}
    />
  );
}
