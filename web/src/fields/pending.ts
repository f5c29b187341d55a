// What was typed faster than the server could answer: whoever saves waits for it first.

const waiting = new Set<Promise<unknown>>();

export function pend<T>(work: Promise<T>): Promise<T> {
  waiting.add(work);
  void work.finally(() => waiting.delete(work)).catch(() => {});
  return work;
}

export async function settled(): Promise<void> {
  while (waiting.size > 0) await Promise.allSettled([...waiting]);
}

const looking = new Set<string>();

/** Nobody knows yet whether this leads to something. */
export const isLookedFor = (text: string): boolean => looking.has(text);

/** Looks for what was typed; `none` is told when it leads to nothing. */
export function lookFor(text: string, work: () => Promise<boolean>, none: () => void): void {
  looking.add(text);
  void pend(work().catch(() => false).then((found) => {
    looking.delete(text);
    if (!found) none();
  }));
}
