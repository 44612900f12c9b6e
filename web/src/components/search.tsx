/** A search that is in the URL, and waits a moment for the next key. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { setQuery } from '../router.ts';
import { SearchField } from './field.tsx';

/** Less than between two keys of most people, and of the 200 ms in which the result is to be there. */
const WAIT_MS = 50;

/** @param value of `q` in the URL */
export function Search({ label, value }: { readonly label: string; readonly value: string }) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  useEffect(() => {
    // Another link changed the URL.
    if (value !== sent.current) setText(value);
    sent.current = value;
  }, [value]);
  useEffect(() => {
    if (text === sent.current) return undefined;
    const timer = setTimeout(() => {
      sent.current = text;
      setQuery({ q: text });
    }, WAIT_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return <SearchField label={label} value={text} onValue={setText} />;
}
