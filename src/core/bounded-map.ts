/** Maps of limited size: what strangers can make entries in must not grow without an end. */

/** Sets a key as the newest of the map, and evicts the oldest one above `limit`. */
export function setBounded<K, V>(map: Map<K, V>, key: K, value: V, limit: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= limit) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
