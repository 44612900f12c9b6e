/** Names as people write them: without the final dot that the server puts behind a full name. */
export function plainName(name: string): string {
  return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name;
}
