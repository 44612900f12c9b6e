/** Fields of forms: a label, a note on what to enter, and what is wrong, connected for screen readers. */
import type { ComponentChildren, InputHTMLAttributes, TargetedEvent } from 'preact';
import { useId } from 'preact/hooks';
import { Icon } from './icons.tsx';

interface FieldParts {
  readonly label: string;
  readonly note?: ComponentChildren;
  /** What is wrong. */
  readonly error?: string | undefined;
}

export interface TextFieldProps extends FieldParts {
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly type?: 'text' | 'password' | 'search' | 'number' | 'date' | 'url' | 'email';
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly autoComplete?: string;
  readonly autoFocus?: boolean;
  readonly inputMode?: 'numeric' | 'url' | 'email' | 'text';
  /** Addresses, names and secrets. */
  readonly isMono?: boolean;
  readonly maxLength?: number;
  readonly minLength?: number;
  readonly min?: string;
  readonly list?: readonly string[];
  /** More than one line. */
  readonly rows?: number;
  readonly name?: string;
  readonly disabled?: boolean;
}

export function TextField({
  label,
  note,
  error,
  value,
  onValue,
  isMono,
  list,
  rows,
  autoFocus,
  ...rest
}: TextFieldProps) {
  const id = useId();
  const shared = {
    id,
    class: `input${isMono ? ' mono' : ''}`,
    value,
    onInput: (event: TargetedEvent<HTMLInputElement | HTMLTextAreaElement>) => onValue(event.currentTarget.value),
    'aria-invalid': error === undefined ? undefined : ('true' as const),
    'aria-describedby': describedBy(id, note, error),
    // A dialog gives the focus to the field with the attribute.
    ...(autoFocus && { ref: focusOnce, autofocus: true }),
    ...(isMono && { spellcheck: false, autocapitalize: 'none' as const }),
  };
  return (
    <FieldFrame id={id} label={label} note={note} error={error}>
      {rows === undefined ? (
        <input {...({ ...rest, ...shared, ...(list && { list: `${id}-list` }) } as InputHTMLAttributes)} />
      ) : (
        <textarea
          {...shared}
          rows={rows}
          required={rest.required}
          placeholder={rest.placeholder}
          maxLength={rest.maxLength}
        />
      )}
      {list && (
        <datalist id={`${id}-list`}>
          {list.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </FieldFrame>
  );
}

function focusOnce(element: HTMLElement | null): void {
  element?.focus();
}

export interface SelectFieldProps<Value extends string> extends FieldParts {
  readonly value: Value;
  readonly onValue: (value: Value) => void;
  readonly options: readonly (readonly [Value, string])[];
  readonly disabled?: boolean;
}

export function SelectField<Value extends string>({
  label,
  note,
  error,
  value,
  onValue,
  options,
  disabled,
}: SelectFieldProps<Value>) {
  const id = useId();
  return (
    <FieldFrame id={id} label={label} note={note} error={error}>
      <select
        id={id}
        class="input"
        value={value}
        disabled={disabled}
        aria-describedby={describedBy(id, note, error)}
        onChange={(event) => onValue(event.currentTarget.value as Value)}
      >
        {options.map(([key, title]) => (
          <option key={key} value={key}>
            {title}
          </option>
        ))}
      </select>
    </FieldFrame>
  );
}

export function CheckField({
  label,
  note,
  value,
  onValue,
  disabled,
}: {
  readonly label: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly value: boolean;
  readonly onValue: (value: boolean) => void;
  readonly disabled?: boolean;
}) {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={value}
        disabled={disabled}
        aria-describedby={note === undefined ? undefined : `${id}-note`}
        onChange={(event) => onValue(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{label}</label>
        {note !== undefined && (
          <p id={`${id}-note`} class="field-note">
            {note}
          </p>
        )}
      </div>
    </div>
  );
}

/** A search field without a visible label. */
export function SearchField({
  label,
  value,
  onValue,
}: {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
}) {
  return (
    <input
      class="input search"
      type="search"
      aria-label={label}
      placeholder={label}
      value={value}
      onInput={(event) => onValue(event.currentTarget.value)}
    />
  );
}

function FieldFrame({ id, label, note, error, children }: FieldParts & { id: string; children: ComponentChildren }) {
  return (
    <div class="field">
      <label class="field-label" for={id}>
        {label}
      </label>
      {children}
      {error !== undefined && (
        <p id={`${id}-error`} class="field-error">
          <Icon name="warning" size={16} />
          {error}
        </p>
      )}
      {note !== undefined && (
        <p id={`${id}-note`} class="field-note">
          {note}
        </p>
      )}
    </div>
  );
}

function describedBy(id: string, note: ComponentChildren, error: string | undefined): string | undefined {
  const ids = [...(error === undefined ? [] : [`${id}-error`]), ...(note === undefined ? [] : [`${id}-note`])];
  return ids.length === 0 ? undefined : ids.join(' ');
}
