/** The first step: who runs this server. */

import { useState } from 'preact/hooks';
import { call } from '../../api.ts';
import { Button } from '../../components/button.tsx';
import { CheckField, TextField } from '../../components/field.tsx';
import { Form } from '../../components/form.tsx';
import { Panel } from '../../components/page.tsx';
import { ErrorBox } from '../../components/states.tsx';
import { useAction } from '../../operation.ts';
import { fieldError } from '../../problem-text.ts';
import { texts } from '../../texts.ts';
import { hasFieldErrors } from './errors.ts';
import { Frame, type StepProps } from './frame.tsx';

const t = texts.setup.administrator;

export function AdministratorStep({ state, onAnswer, onStep }: StepProps) {
  const [name, setName] = useState(state.administrator?.name ?? 'admin');
  const [password, setPassword] = useState('');
  const [isShown, setShown] = useState(false);
  const { run, isRunning, error } = useAction(async () => {
    onAnswer(await call('PUT /v1/setup/administrator', { name: name.trim(), password }), 'zone');
  });
  return (
    <Frame step="administrator" onStep={onStep} title={t.title} lead={t.lead}>
      <Panel>
        <Form onSubmit={() => void run()}>
          <TextField
            label={t.name}
            note={t.nameNote}
            value={name}
            onValue={setName}
            error={fieldError(error, 'name')}
            autoComplete="username"
            required
            maxLength={64}
            isMono
          />
          <TextField
            label={t.password}
            note={t.passwordNote}
            type={isShown ? 'text' : 'password'}
            value={password}
            onValue={setPassword}
            error={fieldError(error, 'password')}
            autoComplete="new-password"
            required
            minLength={10}
            maxLength={200}
          />
          <CheckField label={t.show} value={isShown} onValue={setShown} />
          {!hasFieldErrors(error) && <ErrorBox error={error} />}
          <div class="form-actions">
            <Button type="submit" kind="primary" isBusy={isRunning}>
              {texts.setup.next}
            </Button>
          </div>
        </Form>
      </Panel>
    </Frame>
  );
}
