// A list in groups: how many records each has, and what they come to. A group leads to its records.
import { useQuery } from '@tanstack/react-query';
import { api, type ListQuery } from '../../api/client';
import type { Entity, Field } from '../../api/types';
import { Failed, Quiet, Skeleton } from '../../design/parts';
import { widgetOf } from '../../fields';
import { useI18n } from '../../i18n';
import { formatDecimal, formatMonth } from '../../i18n/format';
import { columnsOf, isEmpty } from '../../registry';
import { keys } from '../../registry/keys';
import { groupPath, inOrder, intoGroup, summable, sumIn } from './groups';
import type { Condition } from './where';

interface Props {
  name: string;
  entity: Entity;
  field: Field;
  query: ListQuery;
  onOpen: (condition: Condition) => void;
}

export function Groups({ name, entity, field, query, onOpen }: Props) {
  const { t, locale } = useI18n();
  const sums = summable(columnsOf(entity).map((column) => column.field));
  const path = groupPath(field);
  const asked: ListQuery = { filter: query.filter, q: query.q, group: path, sum: sums.map((sum) => sum.name).join(',') || undefined };
  const page = useQuery({ queryKey: keys.list(name, asked), queryFn: ({ signal }) => api.list(name, asked, signal) });
  if (page.isError) return <Failed error={page.error} retry={() => void page.refetch()} />;
  if (!page.data) return <Skeleton rows={6} />;
  if (page.data.rows.length === 0) return <Quiet title={t('list.nothing')} />;
  const { Read } = widgetOf(field);
  return (
    <table className="list groups" aria-label={t('group.by', { field: field.label })}>
      <thead>
        <tr>
          <th scope="col">{field.label}</th>
          <th scope="col" data-number>{t('group.count')}</th>
          {sums.map((sum) => <th key={sum.name} scope="col" data-number>{sum.label}</th>)}
        </tr>
      </thead>
      <tbody>
        {inOrder(page.data.rows, field, locale).map((row, index) => {
          const value = row[path];
          const condition = intoGroup(field, value);
          const shown = isEmpty(value) ? <span className="dim">{t('group.none')}</span>
            : path !== field.name ? <>{formatMonth(value, locale)}</>
              : <Read field={field} value={value} title={row._titles?.[path]} plain />;
          return (
            <tr key={index} onClick={condition ? () => onOpen(condition) : undefined}>
              <th scope="row">
                {condition ? <button type="button" className="row-link group-link" onClick={(event) => { event.stopPropagation(); onOpen(condition); }}>{shown}</button> : shown}
              </th>
              <td data-number>{formatDecimal(row.count, locale)}</td>
              {sums.map((sum) => {
                const { Read: Sum } = widgetOf(sum);
                const total = sumIn(row, sum);
                return <td key={sum.name} data-number>{isEmpty(total) ? null : <Sum field={sum} value={total} plain />}</td>;
              })}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
