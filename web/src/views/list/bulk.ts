// The same thing done to many records: a few at once, each judged for itself, and told which were refused and why.
import type { Problem, Row } from '../../api/types';

export interface Refused {
  row: Row;
  problem: Problem;
}

export interface Progress {
  all: number;
  done: number;
  refused: Refused[];
  running: boolean;
}

/** So many at once: neighbours share a commit, and the server has other people too. */
export const AT_ONCE = 4;

/** Goes through `rows`; `stopped` is asked before each. Answers what came of it, and tells on the way. */
export async function throughAll(
  rows: readonly Row[], act: (row: Row) => Promise<unknown>, asProblem: (error: unknown) => Problem, tell: (progress: Progress) => void, stopped: () => boolean,
): Promise<Progress> {
  let progress: Progress = { all: rows.length, done: 0, refused: [], running: true };
  const put = (change: Partial<Progress>) => {
    progress = { ...progress, ...change };
    tell(progress);
  };
  put({});
  const waiting = [...rows];
  const work = async () => {
    for (let row = waiting.shift(); row && !stopped(); row = waiting.shift()) {
      try {
        await act(row);
        put({ done: progress.done + 1 });
      } catch (error) {
        put({ refused: [...progress.refused, { row, problem: asProblem(error) }] });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  put({ running: false });
  return progress;
}

/** Refusals of the same kind together, the most frequent first. */
export function byReason(refused: readonly Refused[]): { reason: string; rows: Row[] }[] {
  const found = new Map<string, Row[]>();
  for (const { row, problem } of refused) {
    const reason = problem.errors?.[0]?.message ?? problem.detail ?? problem.title;
    found.set(reason, [...(found.get(reason) ?? []), row]);
  }
  return [...found].map(([reason, rows]) => ({ reason, rows })).sort((a, b) => b.rows.length - a.rows.length);
}
