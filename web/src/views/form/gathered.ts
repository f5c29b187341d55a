// History as one reads it: what one operation did to a record at one moment is one entry.
import type { HistoryRow } from '../../api/types';

/** Neighbours of the same operation, person and moment are one; the oldest value before and the newest after stay. */
export function gathered(rows: readonly HistoryRow[]): HistoryRow[] {
  const out: HistoryRow[] = [];
  for (const row of rows) {
    const last = out.at(-1);
    if (last && last.at === row.at && last.operation === row.operation && last.actor?.id === row.actor?.id && (last.step ?? null) === (row.step ?? null)) {
      // Newest first: `row` happened before `last`.
      const changes = last.changes.map((change) => {
        const earlier = row.changes.find((each) => each.field === change.field);
        return earlier ? { ...change, before: earlier.before, before_title: earlier.before_title } : change;
      });
      const added = row.changes.filter((change) => !last.changes.some((each) => each.field === change.field));
      out[out.length - 1] = { ...last, kind: row.kind === 'created' ? 'created' : last.kind, changes: [...changes, ...added] };
    } else out.push(row);
  }
  return out;
}
