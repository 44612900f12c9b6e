/** Texts to be copied: an address, a value of a field, a file. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { plainName } from '../names.ts';
import { texts } from '../texts.ts';
import { IconButton } from './button.tsx';
import { announce } from './toast.tsx';

const SHOWN_MS = 1_600;

/** @param what is copied, for the name of the button: "address" */
export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [isDone, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    const isCopied = await copyText(text);
    announce(isCopied ? texts.common.copied : texts.common.copyFailed);
    if (!isCopied) return;
    setDone(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(false), SHOWN_MS);
  };
  return (
    <IconButton
      class={`copy-button${isDone ? ' copy-done' : ''}`}
      icon={isDone ? 'check' : 'copy'}
      label={texts.common.copy(what)}
      onClick={() => void copy()}
    />
  );
}

/** A host name, which may continue on the next line behind a dot. */
export function HostName({ name }: { readonly name: string }) {
  const parts = plainName(name).split(/(?<=\.)/);
  return <>{parts.flatMap((part, index) => (index === 0 ? [part] : [<wbr key={`${index} ${part}`} />, part]))}</>;
}

/** An IP address without a button. */
export function AddressText({ value }: { readonly value: string }) {
  return <code>{breakable(value)}</code>;
}

/** An IP address or a host name, in one typeface with a button to copy it. */
export function Address({ value, what = texts.common.address }: { readonly value: string; readonly what?: string }) {
  return (
    <span class="address">
      <code>{breakable(value)}</code>
      <CopyButton text={value} what={what} />
    </span>
  );
}

/** An IPv6 address may continue on the next line behind a colon; nothing else of it is broken. */
function breakable(value: string) {
  const parts = value.split(/(?<=:)(?!:)/);
  return parts.flatMap((part, index) => (index === 0 ? [part] : [<wbr key={`${index} ${part}`} />, part]));
}

/** Lines of a file or a command. @param isWrapped long lines are broken rather than scrolled */
export function CodeBlock({
  text,
  what,
  isWrapped = false,
}: {
  readonly text: string;
  readonly what: string;
  readonly isWrapped?: boolean;
}) {
  return (
    <div class={`code-block${isWrapped ? ' code-block-wrap' : ''}`}>
      <pre tabIndex={0} aria-label={what} role="region">
        <code>{text}</code>
      </pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}

/** The clipboard of a page that was not loaded by https has only the old way. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('readonly', '');
    area.className = 'hidden-text';
    const open = document.querySelector('dialog[open]') ?? document.body;
    open.append(area);
    const before = document.activeElement;
    area.select();
    try {
      return document.execCommand('copy');
    } catch {
      return false;
    } finally {
      area.remove();
      if (before instanceof HTMLElement) before.focus();
    }
  }
}
