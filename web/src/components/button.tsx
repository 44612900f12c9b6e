/** Buttons, and links that look like them. */
import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icons.tsx';

type Kind = 'primary' | 'danger' | 'plain' | 'usual';

interface Look {
  readonly kind?: Kind | undefined;
  readonly isSmall?: boolean | undefined;
  readonly icon?: IconName | undefined;
  readonly children?: ComponentChildren;
}

export interface ButtonProps extends Look {
  readonly onClick?: ((event: MouseEvent) => void) | undefined;
  readonly type?: 'button' | 'submit';
  /** It works already: the button stays where it is, and does nothing. */
  readonly isBusy?: boolean | undefined;
  readonly disabled?: boolean | undefined;
  /** Of what it does, where its text alone does not say it: "Revoke router1". */
  readonly label?: string | undefined;
  readonly id?: string | undefined;
  readonly 'aria-expanded'?: boolean | undefined;
  readonly 'aria-pressed'?: boolean | undefined;
}

export function Button({
  kind,
  isSmall,
  icon,
  children,
  type = 'button',
  isBusy = false,
  onClick,
  label,
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      class={look(kind, isSmall)}
      aria-disabled={isBusy ? 'true' : undefined}
      aria-busy={isBusy ? 'true' : undefined}
      aria-label={label}
      onClick={(event) => {
        if (isBusy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {isBusy ? <span class="spinner" /> : icon && <Icon name={icon} size={isSmall ? 16 : 18} />}
      {children}
    </button>
  );
}

/** @param href of a screen (`href()` of router.ts) or another page */
export function ButtonLink({
  href,
  kind,
  isSmall,
  icon,
  children,
  label,
  download,
}: Look & { readonly href: string; readonly label?: string; readonly download?: string }) {
  return (
    <a class={look(kind, isSmall)} href={href} aria-label={label} download={download}>
      {icon && <Icon name={icon} size={isSmall ? 16 : 18} />}
      {children}
    </a>
  );
}

/** An icon alone; `label` is its name. */
export function IconButton({
  icon,
  label,
  onClick,
  class: extra = '',
}: {
  readonly icon: IconName;
  readonly label: string;
  readonly onClick: () => void;
  readonly class?: string;
}) {
  return (
    <button type="button" class={`button button-icon ${extra}`} aria-label={label} title={label} onClick={onClick}>
      <Icon name={icon} size={16} />
    </button>
  );
}

function look(kind: Kind = 'usual', isSmall = false): string {
  return `button${kind === 'usual' ? '' : ` button-${kind}`}${isSmall ? ' button-small' : ''}`;
}
