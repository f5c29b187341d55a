// Groups by one field down and another across; each figure leads to its records. Every sum is the server's.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { Field, Row } from '../../api/types';
import { Failed, Quiet, Skeleton } from '../../design/parts';
import { useI18n } from '../../i18n';
import { fieldOf } from '../../registry';
import { keys } from '../../registry/keys';
import { groupable, groupField, groupPath, inOrder, intoGroup } from '../list/groups';
import type { Condition } from '../list/where';
import { ChooseField } from './Choose';
import { Figure, GroupName, measures, sameGroup } from './measure';
import type { ShapeProps } from './Shape';

const MOST_ACROSS = 24;

export function useGroups(name: string, query: ShapeProps['query'], fields: readonly Field[], measure: Field | undefined, enabled = true) {
  const asked = { filter: query.filter, q: query.q, group: fields.map(groupPath).join(',') || undefined, sum: measure?.name };
  return useQuery({ queryKey: keys.list(name, asked), queryFn: ({ signal }) => api.list(name, asked, signal), placeholderData: keepPreviousData, enabled });
}

/** The field that a shape begins with where nothing was chosen: the state, or what comes first. */
export const firstBy = (props: Pick<ShapeProps, 'entity' | 'search'>): Field =>
  groupField(props.entity, props.search.by) ?? groupField(props.entity, props.entity.status ?? undefined) ?? groupable(props.entity)[0]!;

export function Pivot(props: ShapeProps) {
  const { name, entity, query, search, go, onDrill } = props;
  const { t, locale } = useI18n();
  const fields = groupable(entity);
  const by = firstBy(props);
  const across = groupField(entity, search.across);
  const measure = fieldOf(entity, search.measure);
  const cells = useGroups(name, query, across ? [by, across] : [by], measure);
  const downs = useGroups(name, query, [by], measure);
  const heads = useGroups(name, query, across ? [across] : [], measure, Boolean(across));
  const whole = useGroups(name, query, [], measure, Boolean(measure));

  const bar = (
    <div className="shape-bar">
      <ChooseField label={t('pivot.down')} fields={fields} value={by.name} onChange={(value) => go({ by: value })} />
      <ChooseField label={t('pivot.across')} fields={fields.filter((field) => field !== by)} value={across?.name ?? ''} none={t('group.nothing')} onChange={(value) => go({ across: value || undefined })} />
      <ChooseField label={t('pivot.measure')} fields={measures(entity)} value={measure?.name ?? ''} none={t('group.count')} onChange={(value) => go({ measure: value || undefined })} />
    </div>
  );
  if (cells.isError) return <>{bar}<Failed error={cells.error} retry={() => void cells.refetch()} /></>;
  if (!cells.data || !downs.data || (across && !heads.data)) return <>{bar}<Skeleton rows={6} /></>;
  if (cells.data.rows.length === 0) return <>{bar}<Quiet title={t('list.nothing')} /></>;

  const unique = (rows: Row[], field: Field): Row[] =>
    inOrder(rows.filter((row, index) => rows.findIndex((each) => sameGroup(each[groupPath(field)], row[groupPath(field)])) === index), field, locale);
  const rowsDown = unique(downs.data.rows, by);
  // Time goes from left to right: the newest that fit.
  const ordered = across ? unique(heads.data?.rows ?? [], across).slice(0, MOST_ACROSS) : [];
  const rowsAcross = across && groupPath(across) !== across.name ? ordered.reverse() : ordered;
  const conditions = (...each: [Field, Row][]): Condition[] | null => {
    const found = each.map(([field, row]) => intoGroup(field, row[groupPath(field)]));
    return found.includes(null) ? null : (found as Condition[]);
  };
  const figure = (rows: Row[], way: Condition[] | null) => rows.map((row, at) => (way
    ? <button key={at} type="button" className="pivot-figure" onClick={() => onDrill(way)}><Figure measure={measure} row={row} /></button>
    : <div key={at}><Figure measure={measure} row={row} /></div>));
  const of = (rows: Row[], field: Field, group: Row) => rows.filter((row) => sameGroup(row[groupPath(field)], group[groupPath(field)]));

  return (
    <>
      {bar}
      <div className="pivot-wrap">
        <table className="list pivot" aria-label={entity.plural}>
          <thead>
            <tr>
              <th scope="col">{by.label}</th>
              {rowsAcross.map((head, at) => <th key={at} scope="col" data-number><GroupName field={across!} row={head} /></th>)}
              <th scope="col" data-number>{measure ? t('list.total') : t('group.count')}</th>
            </tr>
          </thead>
          <tbody>
            {rowsDown.map((down, at) => (
              <tr key={at}>
                <th scope="row"><GroupName field={by} row={down} /></th>
                {rowsAcross.map((head, index) => (
                  <td key={index} data-number>{figure(of(of(cells.data.rows, by, down), across!, head), conditions([by, down], [across!, head]))}</td>
                ))}
                <td data-number className="pivot-sum">{figure(of(downs.data.rows, by, down), conditions([by, down]))}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <td>{t('list.total')}</td>
              {rowsAcross.map((head, at) => <td key={at} data-number>{figure(of(heads.data?.rows ?? [], across!, head), conditions([across!, head]))}</td>)}
              <td data-number>{measure ? (whole.data?.rows ?? []).map((row, at) => <div key={at}><Figure measure={measure} row={row} /></div>)
                : <Figure measure={undefined} row={{ count: downs.data.rows.reduce((sum, row) => sum + Number(row.count), 0) }} />}</td>
            </tr>
          </tfoot>
        </table>
      </div>
    </>
  );
}
