/** The HTTP form of an operation, for clients and servers: which request it is, and where its input is. */
import { isInQuery, OPERATIONS, type Operation, type OperationName } from './operations.ts';

export interface OperationRequest {
  readonly method: Operation['method'];
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
  /** Of a path of older releases: the fields that it had, and the result. */
  readonly convertInput?: (fields: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
  readonly convertResult?: (result: object) => object;
}

export function requestOf(name: OperationName, input: object): OperationRequest {
  const operation = OPERATIONS[name];
  const { method, path } = operation;
  const fields = new Map(Object.entries(input).filter(([, value]) => value !== undefined));
  const target = fillPath(path, input as Readonly<Record<string, unknown>>);
  for (const field of fieldsOfPath(path)) fields.delete(field);
  if (!isInQuery(operation)) return { method, target, json: Object.fromEntries(fields) };
  const query = new URLSearchParams();
  for (const [field, value] of fields) for (const one of [value].flat()) query.append(field, String(one));
  return { method, target: query.size === 0 ? target : `${target}?${query}` };
}

/** The names of `{field}` in a path of the table. */
export function fieldsOfPath(path: string): readonly string[] {
  return path.split('/').flatMap((part) => (part.startsWith('{') ? [part.slice(1, -1)] : []));
}

/** A path of the table with the values of its fields. */
export function fillPath(path: string, values: Readonly<Record<string, unknown>>): string {
  const parts = path.split('/');
  return parts
    .map((part) => (part.startsWith('{') ? encodeURIComponent(String(values[part.slice(1, -1)])) : part))
    .join('/');
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

/** The methods of a path; empty: no operation has it. */
export function allowedMethods(pathname: string, has: (operation: Operation) => boolean): readonly string[] {
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((method) => {
    const found = findOperation(method, pathname);
    return found !== undefined && has(found.operation);
  });
  return methods.includes('GET') ? ['GET', 'HEAD', ...methods.slice(1)] : methods;
}
