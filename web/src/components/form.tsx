/** A form that its screen sends, and the two buttons at the end of one in a dialog. */
import type { ComponentChildren } from 'preact';
import { texts } from '../texts.ts';
import { Button } from './button.tsx';

interface FormProps {
  readonly onSubmit: () => unknown;
  /** The server alone says what is wrong with a field. */
  readonly isUnchecked?: boolean;
  readonly children: ComponentChildren;
}

export function Form({ onSubmit, isUnchecked = false, children }: FormProps) {
  return (
    <form
      class="form"
      noValidate={isUnchecked}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}

interface DialogActionsProps {
  readonly onCancel: () => void;
  readonly isBusy: boolean;
  /** What the button that sends says. */
  readonly children: ComponentChildren;
}

export function DialogActions({ onCancel, isBusy, children }: DialogActionsProps) {
  return (
    <div class="form-actions">
      <Button onClick={onCancel}>{texts.common.cancel}</Button>
      <Button type="submit" kind="primary" isBusy={isBusy}>
        {children}
      </Button>
    </div>
  );
}
