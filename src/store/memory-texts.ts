import type { StoredText, TextStore } from '../core/texts/text-store.ts';
// What is known of TXT values in memory: where there is no store, and for tests.

export function memoryTexts(): TextStore {
  const byName = new Map<string, Map<string, StoredText>>();
  return {
    async put(stored) {
      const { key } = stored.ownerName;
      byName.set(key, (byName.get(key) ?? new Map()).set(stored.text, stored));
    },
    async at(ownerName) {
      return [...(byName.get(ownerName.key)?.values() ?? [])].sort((a, b) => a.addedMs - b.addedMs);
    },
    async takeDue(nowMs, untilMs, limit) {
      const due = [...byName.values()]
        .flatMap((texts) => [...texts.values()])
        .filter(({ removeAtMs }) => removeAtMs <= nowMs)
        .sort((a, b) => a.removeAtMs - b.removeAtMs)
        .slice(0, limit)
        .map((stored) => ({ ...stored, removeAtMs: untilMs }));
      for (const taken of due) byName.get(taken.ownerName.key)?.set(taken.text, taken);
      return due;
    },
    async remove(ownerName, texts) {
      const known = byName.get(ownerName.key);
      for (const text of texts) known?.delete(text);
      if (known?.size === 0) byName.delete(ownerName.key);
    },
  };
}
