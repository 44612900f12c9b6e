/** Hooks: an operation whose result a screen shows (`useOperation`), and one that a person starts (`useAction`). */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type Input, isAborted, type OperationKey, type Result, send } from './api.ts';
import { onResync } from './events.ts';

export interface Loaded<Value> {
  /** Stays while it is loaded again. */
  readonly data: Value | undefined;
  readonly error: unknown;
  readonly isLoading: boolean;
  /** The entity tag of `data`. */
  readonly tag: string | undefined;
  /** Reads it again. */
  readonly reload: () => void;
}

/**
 * The result of an operation that reads. It is read again when the input changes, and when the event stream may have missed events.
 * @param input undefined: nothing is read yet
 */
export function useOperation<Key extends OperationKey>(key: Key, input: Input<Key> | undefined): Loaded<Result<Key>> {
  const [state, setState] = useState<Omit<Loaded<Result<Key>>, 'reload'>>(EMPTY);
  const [round, setRound] = useState(0);
  const identity = input === undefined ? undefined : `${key} ${JSON.stringify(input)}`;
  const shown = useRef<string | undefined>(undefined);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  // `identity` is the input; `round` starts it again.
  useEffect(() => {
    if (input === undefined) return undefined;
    const abort = new AbortController();
    // What belongs to another input is not shown for this one.
    const isSame = shown.current === identity;
    setState((old) => ({ ...old, isLoading: true, ...(!isSame && { error: undefined }) }));
    send(key, input, { signal: abort.signal }).then(
      ({ result, tag }) => {
        shown.current = identity;
        if (!abort.signal.aborted) setState({ data: result, error: undefined, isLoading: false, tag });
      },
      (error: unknown) => {
        if (!abort.signal.aborted && !isAborted(error)) {
          setState((old) => ({ ...old, ...(!isSame && { data: undefined }), error, isLoading: false }));
        }
      },
    );
    return () => abort.abort();
  }, [identity, round]);
  useEffect(() => onResync(reload), [reload]);
  return { ...state, reload };
}

const EMPTY = { data: undefined, error: undefined, isLoading: true, tag: undefined };

export interface Action<Given> {
  /** Starts it. @returns whether it succeeded */
  readonly run: (given: Given) => Promise<boolean>;
  readonly isRunning: boolean;
  readonly error: unknown;
  readonly clear: () => void;
}

/** Work that a person starts: one at a time, with its error. */
export function useAction<Given = void>(work: (given: Given) => Promise<unknown>): Action<Given> {
  const [state, setState] = useState<{ isRunning: boolean; error: unknown }>({ isRunning: false, error: undefined });
  const isRunning = useRef(false);
  const isMounted = useRef(true);
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  const run = useCallback(async (given: Given) => {
    if (isRunning.current) return false;
    isRunning.current = true;
    setState({ isRunning: true, error: undefined });
    let error: unknown;
    try {
      await latest.current(given);
      return true;
    } catch (cause) {
      error = cause;
      return false;
    } finally {
      isRunning.current = false;
      if (isMounted.current) setState({ isRunning: false, error });
    }
  }, []);
  const clear = useCallback(() => setState({ isRunning: false, error: undefined }), []);
  return { run, ...state, clear };
}
