/** The HTTP form of an operation, for both ends of the control socket: which request it is, and where its input is. */
import { OPERATIONS, type Operation, type OperationName } from '../core/admin/operations.ts';

export interface OperationRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly target: string;
  /** The JSON body; undefined if the input is in the target. */
  readonly json?: object;
}

export interface FoundOperation {
  readonly name: OperationName;
  readonly operation: Operation;
  /** Fields of the input in the path, decoded. @throws URIError */
  readonly pathFields: () => Readonly<Record<string, string>>;
}

/** True if the other fields of the input are in the query. */
export function isInQuery({ method, body }: Operation): boolean {
  return method === 'GET' || body !== undefined;
}

export function requestOf(name: OperationName, input: object): OperationRequest {
  const operation = OPERATIONS[name];
  const { method, path } = operation;
  const fields = new Map(Object.entries(input).filter(([, value]) => value !== undefined));
  const target = path.replace(/\{(\w+)\}/g, (_, field: string) => {
    const value = String(fields.get(field));
    fields.delete(field);
    return encodeURIComponent(value);
  });
  if (!isInQuery(operation)) return { method, target, json: Object.fromEntries(fields) };
  const query = new URLSearchParams([...fields].map(([field, value]): [string, string] => [field, String(value)]));
  return { method, target: query.size === 0 ? target : `${target}?${query}` };
}

/** @param pathname as it was sent, without the query */
export function findOperation(method: string, pathname: string): FoundOperation | undefined {
  const sent = pathname.split('/');
  for (const [name, operation] of Object.entries(OPERATIONS) as [OperationName, Operation][]) {
    const parts = operation.path.split('/');
    const isThis =
      operation.method === method &&
      parts.length === sent.length &&
      parts.every((part, index) => part === sent[index] || (part.startsWith('{') && sent[index] !== ''));
    if (!isThis) continue;
    const pathFields = () =>
      Object.fromEntries(
        parts.flatMap((part, index) =>
          part.startsWith('{') ? [[part.slice(1, -1), decodeURIComponent(sent[index]!)]] : [],
        ),
      );
    return { name, operation, pathFields };
  }
  return undefined;
}
