// What a person has typed into a record, and how it meets what the server says. Pure functions, no business rule: typed
// values win, everything else is the server's.
import type { Draft, Entity, Field, FieldError, Meta, Row, Titles, Values } from '../../api/types';
import { splitPath } from '../../api/problem';
import { wellFormed } from '../../fields/malformed';

export interface LineEdit {
  /** Stable while typing: `id:5` of a stored line, `new:…` of one that is being made. */
  key: string;
  id?: number;
  typed: Values;
  deleted?: boolean;
}

export interface Edits {
  /** The revision that was on the screen when typing began. */
  rev: number | null;
  fields: Values;
  /** What stood there before, of each field that was typed into. */
  before: Values;
  lines: Record<string, LineEdit[]>;
  linesBefore: Record<string, Row[]>;
  at: number;
}

/** A draft as the server answered it, with the keys of the lines in the order in which they were sent. */
export interface Answered {
  draft: Draft;
  sent: Record<string, string[]>;
}

export const noEdits = (rev: number | null): Edits => ({ rev, fields: {}, before: {}, lines: {}, linesBefore: {}, at: 0 });

export function isDirty(edits: Edits): boolean {
  return (
    Object.keys(edits.fields).length > 0 ||
    Object.values(edits.lines).some((lines) => lines.some((line) => line.deleted || hasContent(line)))
  );
}

const hasContent = (line: LineEdit): boolean => Object.values(line.typed).some((value) => value !== null && value !== undefined);

/** New lines into which nothing was typed are not there yet. */
const counts = (line: LineEdit): boolean => line.id !== undefined || hasContent(line);

export const rowsOf = (record: Row | null | undefined, name: string): Row[] =>
  Array.isArray(record?.[name]) ? (record[name] as Row[]) : [];

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);

export function setField(edits: Edits, base: Row | null, name: string, value: unknown): Edits {
  const fields = { ...edits.fields };
  const before = { ...edits.before };
  if (!(name in before)) before[name] = base?.[name] ?? null;
  if (base && same(before[name], value)) {
    // Typed back to what it was: no change.
    delete fields[name];
    delete before[name];
  } else fields[name] = value;
  return { ...edits, fields, before, at: Date.now() };
}

let lineNumber = 0;

export function newLine(typed: Values = {}): LineEdit {
  lineNumber += 1;
  return { key: `new:${Date.now().toString(36)}${lineNumber}`, typed };
}

export function linesOf(edits: Edits, base: Row | null, name: string): LineEdit[] {
  return edits.lines[name] ?? rowsOf(base, name).map((row) => ({ key: `id:${row.id}`, id: row.id, typed: {} }));
}

export function setLines(edits: Edits, base: Row | null, name: string, change: (lines: LineEdit[]) => LineEdit[]): Edits {
  return {
    ...edits,
    lines: { ...edits.lines, [name]: change(linesOf(edits, base, name)) },
    linesBefore: name in edits.linesBefore ? edits.linesBefore : { ...edits.linesBefore, [name]: rowsOf(base, name) },
    at: Date.now(),
  };
}

export function setCell(edits: Edits, base: Row | null, name: string, key: string, field: string, value: unknown): Edits {
  return setLines(edits, base, name, (lines) =>
    lines.map((line) => {
      if (line.key !== key) return line;
      const typed = { ...line.typed, [field]: value };
      const stored = rowsOf(base, name).find((row) => row.id !== undefined && row.id === line.id);
      if (stored ? same(stored[field], value) : value === null) delete typed[field];
      return { ...line, typed };
    }),
  );
}

export function removeLine(edits: Edits, base: Row | null, name: string, key: string): Edits {
  return setLines(edits, base, name, (lines) =>
    lines.flatMap((line) => (line.key !== key ? [line] : line.id === undefined ? [] : [{ ...line, deleted: true }])),
  );
}

function lineBody(line: LineEdit, fields: readonly Field[], draft: boolean): Values {
  const typed = draft ? wellFormed(fields, line.typed) : line.typed;
  if (line.id === undefined) return typed;
  return line.deleted ? { id: line.id, _delete: true } : { id: line.id, ...typed };
}

export interface Body {
  body: Values;
  sent: Record<string, string[]>;
}

/**
 * The body of a draft or of a write. Lines that go away stand last, so that the index of each other line is that of its
 * row. A draft names all lines, a write of an existing record only those that changed.
 */
export function bodyOf(meta: Meta, entity: Entity, edits: Edits, base: Row | null, draft: boolean): Body {
  const body: Values = draft ? wellFormed(entity.fields, edits.fields) : { ...edits.fields };
  const sent: Record<string, string[]> = {};
  for (const owned of entity.lines ?? []) {
    if (!draft && !edits.lines[owned.name]) continue;
    const fields = meta.entities[owned.entity]?.fields ?? [];
    const lines = linesOf(edits, base, owned.name).filter(counts);
    const stay = lines.filter((line) => !line.deleted && (draft || line.id === undefined || Object.keys(line.typed).length > 0));
    const go = lines.filter((line) => line.deleted);
    if (!draft && stay.length + go.length === 0) continue;
    if (draft && stay.length + go.length === 0 && !base) continue;
    body[owned.name] = [...stay, ...go].map((line) => lineBody(line, fields, draft));
    sent[owned.name] = stay.map((line) => line.key);
  }
  if (draft && base?.id !== undefined) body.id = base.id;
  return { body, sent };
}

/** What stands on the screen: typed, else drafted, else stored. */
export function valuesOf(edits: Edits, base: Row | null, answered: Answered | null): Row {
  return { ...(base ?? {}), ...(answered?.draft.record ?? {}), ...edits.fields } as Row;
}

export function titlesOf(base: Row | null, answered: Answered | null): Titles {
  return { ...(base?._titles ?? {}), ...(answered?.draft.record._titles ?? {}), ...(answered?.draft.titles ?? {}) };
}

export interface ViewLine {
  key: string;
  values: Row;
  titles: Titles;
  fresh: boolean;
}

export function viewLines(edits: Edits, base: Row | null, answered: Answered | null, name: string): ViewLine[] {
  const stored = rowsOf(base, name);
  const drafted = rowsOf(answered?.draft.record, name);
  const draftedNew = drafted.filter((row) => row.id === undefined || row.id === null);
  const sent = answered?.sent[name] ?? [];
  const sentNew = sent.filter((key) => key.startsWith('new:'));
  const titles = answered?.draft.titles ?? {};
  return linesOf(edits, base, name)
    .filter((line) => !line.deleted)
    .map((line) => {
      const before = line.id === undefined ? undefined : stored.find((row) => row.id === line.id);
      const at = line.id === undefined ? sentNew.indexOf(line.key) : -1;
      const now = line.id === undefined ? (at < 0 ? undefined : draftedNew[at]) : drafted.find((row) => row.id === line.id);
      const lineTitles: Titles = { ...before?._titles, ...now?._titles };
      const prefix = `${name}.${now ? drafted.indexOf(now) : -1}.`;
      for (const [path, title] of Object.entries(titles)) {
        if (path.startsWith(prefix)) lineTitles[path.slice(prefix.length)] = title;
      }
      return {
        key: line.key,
        values: { ...before, ...now, ...line.typed } as Row,
        titles: lineTitles,
        fresh: line.id === undefined,
      };
    });
}

/** Errors as paths of the screen: `lines.2.price` as it was sent becomes `lines.KEY.price`. */
export function placeErrors(errors: readonly FieldError[] | undefined, sent: Record<string, string[]>): FieldError[] {
  return (errors ?? []).map((error) => {
    const path = error.field ? splitPath(error.field) : null;
    if (!path) return error;
    const key = sent[path[0]]?.[path[1]];
    return key === undefined ? { ...error, field: path[0] } : { ...error, field: `${path[0]}.${key}.${path[2]}` };
  });
}

export interface Collision {
  name: string;
  mine: unknown;
  theirs: unknown;
}

/** Fields that both sides changed, to different values. */
export function collisions(edits: Edits, theirs: Row): Collision[] {
  const found: Collision[] = [];
  for (const [name, mine] of Object.entries(edits.fields)) {
    if (!same(edits.before[name], theirs[name]) && !same(mine, theirs[name])) found.push({ name, mine, theirs: theirs[name] });
  }
  for (const name of Object.keys(edits.lines)) {
    const before = (edits.linesBefore[name] ?? []).map(plainLine);
    if (!same(before, rowsOf(theirs, name).map(plainLine))) {
      found.push({ name, mine: edits.lines[name]!.filter((line) => !line.deleted), theirs: rowsOf(theirs, name) });
    }
  }
  return found;
}

function plainLine(row: Row): Values {
  const { _titles, _operations, _read_only, ...rest } = row;
  void _titles;
  void _operations;
  void _read_only;
  return rest;
}

/** Puts my changes onto the newer record; with `dropped`, those fields take the other side's values. */
export function rebase(edits: Edits, theirs: Row, dropped: readonly string[] = []): Edits {
  const fields = Object.fromEntries(Object.entries(edits.fields).filter(([name]) => !dropped.includes(name)));
  const before = Object.fromEntries(Object.keys(fields).map((name) => [name, theirs[name] ?? null]));
  const lines: Record<string, LineEdit[]> = {};
  const linesBefore: Record<string, Row[]> = {};
  for (const [name, mine] of Object.entries(edits.lines)) {
    if (dropped.includes(name)) continue;
    const now = rowsOf(theirs, name);
    const kept = mine.filter((line) => line.id === undefined || now.some((row) => row.id === line.id));
    const added = now.filter((row) => !mine.some((line) => line.id === row.id));
    const stored = kept.filter((line) => line.id !== undefined);
    const fresh = kept.filter((line) => line.id === undefined);
    lines[name] = [...stored, ...added.map((row) => ({ key: `id:${row.id}`, id: row.id, typed: {} })), ...fresh];
    linesBefore[name] = now;
  }
  return { rev: theirs.rev ?? null, fields, before, lines, linesBefore, at: Date.now() };
}
