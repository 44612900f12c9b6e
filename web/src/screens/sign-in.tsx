/** The sign-in screen. */
import type { LinkSecret } from '../router.ts';
import { texts } from '../texts.ts';

export interface SignInProps {
  readonly secret?: LinkSecret;
  readonly hadSession?: boolean;
  readonly onSecretUsed: () => void;
}

export function SignIn(_props: SignInProps) {
  return (
    <main class="gate">
      <h1>{texts.signIn.title}</h1>
    </main>
  );
}
