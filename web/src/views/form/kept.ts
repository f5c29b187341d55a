// Unsaved input that survives a reload, per user and record.
import { readStored, store } from '../../app/storage';
import { isDirty, type Edits } from './model';

export const keptKey = (user: number, entity: string, id: number | null): string => `celek.draft.${user}.${entity}.${id ?? 'new'}`;

export function readKept(key: string): Edits | null {
  const text = readStored(key);
  if (!text) return null;
  try {
    const edits = JSON.parse(text) as Edits;
    const whole = [edits.fields, edits.before, edits.lines, edits.linesBefore].every((part) => part && typeof part === 'object');
    return whole && isDirty(edits) ? edits : null;
  } catch {
    return null;
  }
}

export function keep(key: string, edits: Edits): void {
  store(key, isDirty(edits) ? JSON.stringify(edits) : null);
}
