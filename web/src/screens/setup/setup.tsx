/** The wizard of `dyndns setup`: exchanges the link, then shows the first step that has no answer. */
import { useEffect, useState } from 'preact/hooks';
import { call } from '../../api.ts';
import { ErrorBox, Loading } from '../../components/states.tsx';
import type { SetupState } from '../../setup-types.ts';
import { texts } from '../../texts.ts';
import { AdministratorStep } from './administrator.tsx';
import type { Step } from './frame.tsx';
import { NetworkStep } from './network.tsx';
import { ReviewStep } from './review.tsx';
import { ZoneStep } from './zone.tsx';

const t = texts.setup;

export interface SetupProps {
  /** Of the link, if the page was opened by it. */
  readonly secret: string | undefined;
  /** This browser has used the link before. */
  readonly isOpen: boolean;
}

export function Setup({ secret, isOpen }: SetupProps) {
  const [state, setState] = useState<SetupState>();
  const [error, setError] = useState<unknown>();
  const [chosen, setChosen] = useState<Step>();
  const open = async () => {
    setError(undefined);
    try {
      if (!isOpen && secret !== undefined) await call('POST /v1/setup/session', { link: secret });
      setState(await call('GET /v1/setup', {}));
    } catch (cause) {
      setError(cause);
    }
  };
  useEffect(() => {
    if (isOpen || secret !== undefined) void open();
  }, []);
  if (!isOpen && secret === undefined) {
    return (
      <main class="gate">
        <div class="panel gate-card">
          <h1>{t.noLink.title}</h1>
          <p>{t.noLink.text}</p>
        </div>
      </main>
    );
  }
  if (state === undefined) {
    return (
      <main class="gate">
        <h1 class="hidden-text">{t.opening}</h1>
        {error === undefined ? <Loading lines={3} /> : <ErrorBox error={error} />}
      </main>
    );
  }
  const step = chosen ?? nextStep(state);
  const props = {
    state,
    onStep: setChosen,
    onAnswer: (answered: SetupState, next: Step) => {
      setState(answered);
      setChosen(next);
    },
  };
  switch (step) {
    case 'administrator':
      return <AdministratorStep {...props} />;
    case 'zone':
      return <ZoneStep {...props} />;
    case 'network':
      return <NetworkStep {...props} />;
    default:
      return <ReviewStep {...props} />;
  }
}

function nextStep({ administrator, zone }: SetupState): Step {
  if (administrator === undefined) return 'administrator';
  return zone === undefined ? 'zone' : 'network';
}
