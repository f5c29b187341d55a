import { Icon, type IconName } from '../../design/icons';
import { useT, type Key } from '../../i18n';
import type { ShapeName } from '../shapes/shapes';

const LOOKS: Record<ShapeName | 'rows', { icon: IconName; label: Key }> = {
  rows: { icon: 'rows', label: 'shape.rows' }, board: { icon: 'board', label: 'shape.board' }, calendar: { icon: 'calendar', label: 'shape.calendar' },
  pivot: { icon: 'pivot', label: 'shape.pivot' }, chart: { icon: 'chart', label: 'shape.chart' },
};

/** Rows, or what else can be drawn of these records. */
export function ShapeSwitch({ shapes, shape, onChange }: { shapes: ShapeName[]; shape: ShapeName | undefined; onChange: (shape: ShapeName | undefined) => void }) {
  const t = useT();
  if (shapes.length === 0) return null;
  return (
    <div className="shape-switch" role="group" aria-label={t('shape.label')}>
      {[undefined, ...shapes].map((each) => (
        <button key={each ?? 'rows'} type="button" aria-pressed={each === shape} aria-label={t(LOOKS[each ?? 'rows'].label)} title={t(LOOKS[each ?? 'rows'].label)} onClick={() => onChange(each)}>
          <Icon name={LOOKS[each ?? 'rows'].icon} size={15} />
        </button>
      ))}
    </div>
  );
}
