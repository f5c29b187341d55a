// Groups as bars: lying ones for what has names, standing ones for time. A bar leads to its records, and its figure can be read.
import { Failed, Quiet, Skeleton } from '../../design/parts';
import { useI18n } from '../../i18n';
import { fieldOf } from '../../registry';
import { groupable, groupPath, inOrder, intoGroup } from '../list/groups';
import { ChooseField } from './Choose';
import { Figure, GroupName, measures, size } from './measure';
import { firstBy, useGroups } from './Pivot';
import type { ShapeProps } from './Shape';
import { share } from './shapes';

const MOST_BARS = 30;

export function Chart(props: ShapeProps) {
  const { name, entity, query, search, go, onDrill } = props;
  const { t, locale } = useI18n();
  const by = firstBy(props);
  const measure = fieldOf(entity, search.measure);
  const groups = useGroups(name, query, [by], measure);
  const timed = groupPath(by) !== by.name;
  const bar = (
    <div className="shape-bar">
      <ChooseField label={t('group.label')} fields={groupable(entity)} value={by.name} onChange={(value) => go({ by: value })} />
      <ChooseField label={t('pivot.measure')} fields={measures(entity)} value={measure?.name ?? ''} none={t('group.count')} onChange={(value) => go({ measure: value || undefined })} />
    </div>
  );
  if (groups.isError) return <>{bar}<Failed error={groups.error} retry={() => void groups.refetch()} /></>;
  if (!groups.data) return <>{bar}<Skeleton rows={6} /></>;
  if (groups.data.rows.length === 0) return <>{bar}<Quiet title={t('list.nothing')} /></>;
  const all = inOrder(groups.data.rows, by, locale);
  const sorted = timed ? all.slice(0, MOST_BARS).reverse() : by.kind === 'choice' ? all : [...all].sort((a, b) => size(measure, b) - size(measure, a));
  const rows = sorted.slice(0, MOST_BARS);
  const longest = Math.max(...rows.map((row) => Math.abs(size(measure, row))));
  return (
    <>
      {bar}
      <ul className={timed ? 'columns-chart' : 'bars-chart'} aria-label={`${entity.plural}: ${by.label}`}>
        {rows.map((row, at) => {
          const way = intoGroup(by, row[groupPath(by)]);
          const length = `${share(Math.abs(size(measure, row)), longest)}%`;
          return (
            <li key={at}>
              <button type="button" disabled={!way} onClick={() => way && onDrill([way])} data-negative={size(measure, row) < 0 || undefined}>
                <span className="chart-name"><GroupName field={by} row={row} /></span>
                <span className="chart-track" aria-hidden="true"><span className="chart-bar" style={timed ? { height: length } : { width: length }} /></span>
                <span className="chart-figure"><Figure measure={measure} row={row} /></span>
              </button>
            </li>
          );
        })}
      </ul>
      {sorted.length > rows.length || (timed && all.length > MOST_BARS) ? <p className="dim small shape-note">{t('chart.cut', { count: MOST_BARS })}</p> : null}
    </>
  );
}
