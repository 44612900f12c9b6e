/** A time of a key or a signature for people: ISO 8601, in UTC. @param seconds since 1970 */
export function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;
}
