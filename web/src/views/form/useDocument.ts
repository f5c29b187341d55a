// One record that is being looked at or typed into.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { api, ApiError, asProblem, newKey } from '../../api/client';
import { sortErrors } from '../../api/problem';
import type { Allowed, Problem, Row, Values } from '../../api/types';
import { errorsOf } from '../../fields/malformed';
import { settled } from '../../fields/pending';
import { useI18n } from '../../i18n';
import { useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { keep, keptKey, readKept } from './kept';
import {
  bodyOf, collisions, isDirty, newLine, noEdits, placeErrors, rebase, removeLine, setCell, setField, setLines, titlesOf, valuesOf,
  viewLines, type Answered, type Collision, type Edits, linesOf,
} from './model';

/** Typing is evaluated after it has paused this long. */
const PAUSE = 150;

export interface Clash {
  theirs: Row;
  fields: Collision[];
}

/** `scratch`: only for the moment, neither kept for later nor taken up from before. */
export function useDocument(name: string, id: number | null, preset?: Values, scratch = false) {
  const { t, language } = useI18n();
  const meta = useMeta();
  const entity = meta.entities[name]!;
  const client = useQueryClient();
  const key = keptKey(meta.user.id, name, id);

  const stored = useQuery({
    queryKey: keys.record(name, id ?? 0),
    queryFn: ({ signal }) => api.record(name, id!, signal),
    enabled: id !== null,
  });
  const base = id === null ? null : stored.data ?? null;

  const [edits, setEdits] = useState<Edits>(() => {
    const kept = scratch ? null : readKept(key);
    if (kept) return kept;
    return preset ? { ...noEdits(null), fields: preset, at: Date.now() } : noEdits(null);
  });
  const [restoredAt, setRestoredAt] = useState<number | null>(() => (scratch ? null : readKept(key)?.at ?? null));
  const [answered, setAnswered] = useState<Answered | null>(null);
  const [draftProblem, setDraftProblem] = useState<Problem | null>(null);
  const [problem, setProblem] = useState<{ problem: Problem; sent: Record<string, string[]> } | null>(null);
  const [clash, setClash] = useState<Clash | null>(null);
  const [saving, setSaving] = useState(false);
  const turn = useRef(0);
  const saveKey = useRef<{ body: string; key: string } | null>(null);
  const dirty = isDirty(edits);

  const latest = useRef(edits);
  latest.current = edits;

  useEffect(() => {
    if (!scratch) keep(key, edits);
  }, [key, edits, scratch]);

  // The live draft. Answers that come late are dropped: only that of the newest turn is taken.
  useEffect(() => {
    turn.current += 1;
    const mine = turn.current;
    if (!dirty && id !== null) {
      setAnswered(null);
      setDraftProblem(null);
      return;
    }
    if (id !== null && !base) return;
    const controller = new AbortController();
    const { body, sent } = bodyOf(meta, entity, edits, base, true);
    const timer = setTimeout(
      () => {
        api.draft(name, body, controller.signal).then(
          (draft) => {
            if (turn.current !== mine) return;
            setAnswered({ draft, sent });
            setDraftProblem(null);
          },
          (error: unknown) => {
            if (turn.current === mine && !(error instanceof DOMException)) setDraftProblem(asProblem(error));
          },
        );
      },
      edits.at === 0 ? 0 : PAUSE,
    );
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [edits, base?.rev, name, id, language, dirty]); // eslint-disable-line react-hooks/exhaustive-deps

  const change = useCallback(
    (make: (old: Edits) => Edits) => {
      setProblem(null);
      setEdits((old) => {
        const started = isDirty(old) ? old : { ...old, rev: base?.rev ?? null };
        return make(started);
      });
    },
    [base],
  );

  const discard = useCallback(() => {
    setEdits(noEdits(null));
    setRestoredAt(null);
    setProblem(null);
    setClash(null);
  }, []);

  const shows = (path: string): boolean => {
    const [first = '', , cell] = path.split('.');
    const owned = entity.lines?.find((each) => each.name === first);
    if (owned) return cell ? Boolean(entity.view?.lines?.[first]?.includes(cell) ?? true) : false;
    return entity.fields.some((field) => field.name === path);
  };

  const errors = useMemo(() => {
    const found = sortErrors(
      [
        ...placeErrors(answered?.draft.errors, answered?.sent ?? {}).filter((error) => isTouched(edits, error.field)),
        ...placeErrors(problem?.problem.errors, problem?.sent ?? {}),
      ],
      shows,
    );
    const byField: Record<string, string> = { ...found.byField, ...errorsOf(entity.fields, edits.fields, t) };
    for (const owned of entity.lines ?? []) {
      const fields = meta.entities[owned.entity]?.fields ?? [];
      for (const line of edits.lines[owned.name] ?? []) {
        for (const [field, message] of Object.entries(errorsOf(fields, line.typed, t))) byField[`${owned.name}.${line.key}.${field}`] = message;
      }
    }
    return { byField, general: found.general };
  }, [answered, problem, edits, entity, meta, t]); // eslint-disable-line react-hooks/exhaustive-deps

  const isMalformed = (now: Edits): boolean =>
    Object.keys(errorsOf(entity.fields, now.fields, t)).length > 0 ||
    (entity.lines ?? []).some((owned) => (now.lines[owned.name] ?? []).some((line) => !line.deleted && Object.keys(errorsOf(meta.entities[owned.entity]?.fields ?? [], line.typed, t)).length > 0));
  const malformed = isMalformed(edits);

  /** Saves; answers the record's id, or null when it was refused. */
  const running = useRef(false);
  const save = useCallback(async (): Promise<number | null> => {
    if (running.current) return null;
    running.current = true;
    setSaving(true);
    // What was typed too fast to be known yet is waited for; then all of it counts, or nothing is sent.
    await settled();
    await new Promise((drawn) => setTimeout(drawn));
    const edits = latest.current;
    if (isMalformed(edits)) {
      running.current = false;
      setSaving(false);
      return null;
    }
    setProblem(null);
    const { body, sent } = bodyOf(meta, entity, edits, base, false);
    const text = JSON.stringify([body, edits.rev]);
    if (saveKey.current?.body !== text) saveKey.current = { body: text, key: newKey() };
    try {
      const answer = id === null
        ? await api.create(name, body, saveKey.current.key)
        : await api.change(name, id, edits.rev ?? base?.rev ?? 0, body, saveKey.current.key);
      saveKey.current = null;
      if (id !== null) {
        // First what is stored, then away with what was typed: nothing flickers back.
        await client.fetchQuery({ queryKey: keys.record(name, id), queryFn: () => api.record(name, id), staleTime: 0 });
      }
      if (!scratch) keep(key, noEdits(null));
      setEdits(noEdits(null));
      setRestoredAt(null);
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'entity' && queryKey[1] === name && queryKey[2] !== 'record' });
      return answer.id ?? id;
    } catch (error) {
      if (error instanceof ApiError && error.status === 412 && id !== null) {
        const theirs = await client.fetchQuery({ queryKey: keys.record(name, id), queryFn: () => api.record(name, id), staleTime: 0 });
        setClash({ theirs, fields: collisions(edits, theirs) });
      } else setProblem({ problem: asProblem(error), sent });
      return null;
    } finally {
      running.current = false;
      setSaving(false);
    }
  }, [meta, entity, base, id, name, client, key, scratch]); // eslint-disable-line react-hooks/exhaustive-deps

  const resolve = useCallback(
    (keepMine: boolean) => {
      if (!clash) return;
      setEdits((old) => rebase(old, clash.theirs, keepMine ? [] : clash.fields.map((field) => field.name)));
      setClash(null);
    },
    [clash],
  );

  const values = valuesOf(edits, base, answered);
  const operations: Allowed[] = (dirty ? answered?.draft.operations : undefined) ?? base?._operations ?? answered?.draft.operations ?? [];

  return {
    entity, base, stored, dirty, saving, malformed, clash, errors, operations, restoredAt,
    problem: problem?.problem ?? null,
    draftProblem,
    values,
    locked: values._read_only ?? null,
    titles: titlesOf(base, answered),
    provenance: answered?.draft.provenance ?? {},
    notes: (dirty || id === null ? answered?.draft.notes : undefined) ?? [],
    lines: (lines: string) => viewLines(edits, base, answered, lines),
    setField: (field: string, value: unknown) => change((old) => setField(old, base, field, value)),
    setCell: (lines: string, line: string, field: string, value: unknown) => change((old) => setCell(old, base, lines, line, field, value)),
    /** Adds an empty line, or the one that is being typed into. */
    addLine: (lines: string, line = newLine()): string => {
      change((old) => setLines(old, base, lines, (all) => (all.some((each) => each.key === line.key) ? all : [...all, line])));
      return line.key;
    },
    removeLine: (lines: string, line: string) => change((old) => removeLine(old, base, lines, line)),
    isLastLine: (lines: string, line: string) => linesOf(edits, base, lines).filter((each) => !each.deleted).at(-1)?.key === line,
    save, discard, resolve,
  };
}

export type Document = ReturnType<typeof useDocument>;

/** A new record is not scolded for what has not been typed yet. */
function isTouched(edits: Edits, path: string | null | undefined): boolean {
  if (!path || edits.rev !== null) return true;
  const [first = '', key, cell] = path.split('.');
  if (!key) return first in edits.fields;
  return Boolean(edits.lines[first]?.some((line) => line.key === key && (!cell || cell in line.typed)));
}
