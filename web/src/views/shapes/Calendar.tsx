// Records by a day. Where the day may be typed, a card is dragged to another one.
import { Button } from '@mantine/core';
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, asProblem, newKey } from '../../api/client';
import type { Row } from '../../api/types';
import { IconButton } from '../../design/parts';
import { useI18n } from '../../i18n';
import { formatMonth, toZone } from '../../i18n/format';
import { fieldOf, isEditable } from '../../registry';
import { keys } from '../../registry/keys';
import { ChooseField } from './Choose';
import { both } from '../list/where';
import type { ShapeProps } from './Shape';
import { dayFields, otherMonth, weeksOf } from './shapes';

const IN_A_DAY = 4;

export function Calendar({ name, entity, query, search, go, onDrill }: ShapeProps) {
  const { t, locale, timeZone } = useI18n();
  const client = useQueryClient();
  const fields = dayFields(entity);
  const field = fields.find((each) => each.name === search.by) ?? fieldOf(entity, entity.view?.card?.date) ?? fields[0]!;
  const today = toZone(new Date().toISOString(), timeZone).slice(0, 10);
  const month = /^\d{4}-(0[1-9]|1[0-2])$/.test(search.across ?? '') ? search.across! : today.slice(0, 7);
  const weeks = weeksOf(month);
  const days = weeks.flat();
  const asked = { filter: both(query.filter, { [field.name]: { ge: days[0], le: days.at(-1) } }), q: query.q, sort: field.sorted ? field.name : undefined, limit: 1000 };
  const page = useQuery({ queryKey: keys.list(name, asked), queryFn: ({ signal }) => api.list(name, asked, signal), placeholderData: keepPreviousData });
  const [carried, setCarried] = useState<Row | null>(null);
  const [over, setOver] = useState<string | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const may = isEditable(field) && entity.rights.write && !entity.append_only;
  const status = fieldOf(entity, entity.status);
  const byDay = new Map<string, Row[]>();
  for (const row of page.data?.rows ?? []) byDay.set(String(row[field.name]), [...(byDay.get(String(row[field.name])) ?? []), row]);

  const move = async (row: Row, day: string) => {
    setCarried(null);
    setOver(null);
    setRefused(null);
    if (row[field.name] === day) return;
    try {
      await api.change(name, row.id!, row.rev ?? 0, { [field.name]: day }, newKey());
      await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'entity' && queryKey[1] === name });
    } catch (error) {
      const problem = asProblem(error);
      setRefused(problem.errors?.[0]?.message ?? problem.detail ?? problem.title);
    }
  };

  return (
    <>
      <div className="shape-bar">
        <IconButton icon="chevronLeft" label={t('calendar.before')} onClick={() => go({ across: otherMonth(month, -1) })} />
        <h2 aria-live="polite">{formatMonth(month, locale)}</h2>
        <IconButton icon="chevronRight" label={t('calendar.after')} onClick={() => go({ across: otherMonth(month, 1) })} />
        <Button size="compact-sm" variant="default" onClick={() => go({ across: undefined })}>{t('calendar.today')}</Button>
        <ChooseField label={t('calendar.by')} fields={fields} value={field.name} onChange={(by) => go({ by })} />
        {refused ? <span className="field-error" role="alert">{refused}</span> : null}
      </div>
      <table className="calendar" aria-label={`${entity.plural}, ${formatMonth(month, locale)}`}>
        <thead>
          <tr>
            {days.slice(0, 7).map((day) => <th key={day} scope="col">{new Intl.DateTimeFormat(locale, { weekday: 'short', timeZone: 'UTC' }).format(new Date(day))}</th>)}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={week[0]}>
              {week.map((day) => {
                const rows = byDay.get(day) ?? [];
                return (
                  <td key={day} data-other={!day.startsWith(month) || undefined} data-today={day === today || undefined} data-over={over === day || undefined} data-day={day}
                    onDragOver={(event) => { if (carried) { event.preventDefault(); setOver(day); } }} onDrop={(event) => { event.preventDefault(); if (carried) void move(carried, day); }}>
                    <span className="day num">{Number(day.slice(8))}</span>
                    <ul>
                      {rows.slice(0, IN_A_DAY).map((row) => (
                        <li key={row.id}>
                          <Link to="/e/$entity/$id" params={{ entity: name, id: String(row.id) }} preload={false} className="event ellipsis" draggable={may}
                            data-colour={status?.choices?.find((choice) => choice.value === row[status.name])?.colour ?? 'grey'}
                            onDragStart={() => setCarried(row)} onDragEnd={() => { setCarried(null); setOver(null); }}>
                            {row._title ?? `#${row.id}`}
                          </Link>
                        </li>
                      ))}
                    </ul>
                    {rows.length > IN_A_DAY ? (
                      <button type="button" className="day-more small" onClick={() => onDrill([{ field: field.name, op: 'eq', value: day }])}>{t('calendar.more', { count: rows.length - IN_A_DAY })}</button>
                    ) : null}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {page.data?.next ? <p className="dim small shape-note">{t('calendar.cut')}</p> : null}
    </>
  );
}
