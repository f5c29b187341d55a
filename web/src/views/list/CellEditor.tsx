// One value of one record, typed where it stands. Enter keeps it, Tab goes on to the next, Escape takes it back.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { api, asProblem, newKey } from '../../api/client';
import type { Field, Row } from '../../api/types';
import { widgetOf } from '../../fields';
import { malformed } from '../../fields/malformed';
import { useT } from '../../i18n';

interface Props {
  entity: string;
  row: Row;
  field: Field;
  /** 1 goes on to the next cell, -1 back, 0 ends. */
  onDone: (step: number) => void;
}

export function CellEditor({ entity, row, field, onDone }: Props) {
  const t = useT();
  const client = useQueryClient();
  const [value, setValue] = useState(row[field.name]);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const running = useRef(false);
  const latest = useRef(value);
  latest.current = value;
  const { Edit } = widgetOf(field);

  // At once, and again when what was disabled for a moment was refused.
  useEffect(() => {
    if (busy) return;
    const control = box.current?.querySelector<HTMLElement>('input:not([tabindex="-1"]), select, textarea');
    control?.focus();
    if (control instanceof HTMLInputElement && control.type !== 'checkbox') control.select();
  }, [busy]);

  const keep = async (step: number, typed = latest.current) => {
    if (running.current) return;
    if (JSON.stringify(typed ?? null) === JSON.stringify(row[field.name] ?? null)) return onDone(step);
    const wrong = malformed(field, typed, t);
    if (wrong) return setError(wrong);
    running.current = true;
    setBusy(true);
    try {
      await api.change(entity, row.id!, row.rev ?? 0, { [field.name]: typed ?? null }, newKey());
      await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'entity' && queryKey[1] === entity });
      onDone(step);
    } catch (failed) {
      const problem = asProblem(failed);
      setError(problem.errors?.find((each) => each.field === field.name)?.message ?? problem.detail ?? problem.title);
    } finally {
      running.current = false;
      setBusy(false);
    }
  };

  const press = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === 'Escape') {
      event.preventDefault();
      onDone(0);
    } else if (event.key === 'Enter' || event.key === 'Tab') {
      // A picker takes over what is chosen in it first.
      if (event.defaultPrevented && event.key === 'Enter') return;
      event.preventDefault();
      const step = event.key === 'Enter' ? 0 : event.shiftKey ? -1 : 1;
      setTimeout(() => void keep(step));
    }
  };

  return (
    <div className="cell-editor" ref={box} onKeyDown={press} onDoubleClick={(event) => event.stopPropagation()}
      onBlur={(event) => { if (!event.currentTarget.contains(event.relatedTarget) && !error) setTimeout(() => void keep(0)); }}>
      <Edit field={field} value={value} title={row._titles?.[field.name]} cell disabled={busy} invalid={error !== null} label={field.label}
        onChange={(next) => { setError(null); setValue(next); }} />
      {error ? <span className="field-error" role="alert">{error}</span> : null}
    </div>
  );
}
