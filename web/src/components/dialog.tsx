/** Dialogs: the browser's own <dialog>, which holds the focus and closes with Escape. */

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { useAction } from '../operation.ts';
import { texts } from '../texts.ts';
import { Button, IconButton } from './button.tsx';
import { TextField } from './field.tsx';
import { Form } from './form.tsx';
import { ErrorBox } from './states.tsx';

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly isWide?: boolean;
  readonly children: ComponentChildren;
}

/** Shown as long as it is rendered. */
export function Dialog({ title, onClose, isWide = false, children }: DialogProps) {
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = element;
    const before = document.activeElement;
    current?.showModal();
    return () => {
      current?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={`dialog${isWide ? ' dialog-wide' : ''}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-body">
        <div class="dialog-head">
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label={texts.common.close} onClick={onClose} />
        </div>
        {children}
      </div>
    </dialog>
  );
}

export interface ConfirmDestructiveProps {
  /** "Revoke router1?" */
  readonly title: string;
  /** What ends or is deleted, each by its name. */
  readonly destroys: readonly ComponentChildren[];
  /** What stays. */
  readonly note?: ComponentChildren;
  /** "Revoke router1". */
  readonly action: string;
  /** The text to enter first, where it cannot be undone and concerns much. */
  readonly word?: string;
  readonly children?: ComponentChildren;
  /** Does it. */
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** Names what an action destroys, and does it after a second click. */
export function ConfirmDestructive({
  title,
  destroys,
  note,
  action,
  word,
  children,
  onConfirm,
  onClose,
}: ConfirmDestructiveProps) {
  const [entered, setEntered] = useState('');
  const { run, isRunning, error } = useAction(onConfirm);
  const isReady = word === undefined || entered.trim() === word;
  const confirm = async () => {
    if (await run()) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <Form
        onSubmit={() => {
          if (isReady) void confirm();
        }}
      >
        <ul class="destroyed">
          {destroys.map((one, index) => (
            <li key={index}>{one}</li>
          ))}
        </ul>
        {note !== undefined && <p class="soft">{note}</p>}
        {children}
        {word !== undefined && (
          <TextField
            label={texts.common.enterToConfirm(word)}
            value={entered}
            onValue={setEntered}
            isMono
            autoComplete="off"
          />
        )}
        <ErrorBox error={error} />
        <div class="form-actions">
          <Button onClick={onClose}>{texts.common.cancel}</Button>
          <Button type="submit" kind="danger" isBusy={isRunning} disabled={!isReady}>
            {action}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
