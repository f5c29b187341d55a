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
