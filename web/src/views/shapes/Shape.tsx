import type { ListQuery } from '../../api/client';
import type { Entity } from '../../api/types';
import type { ListSearch } from '../../app/router';
import type { Running } from '../operation/useOperation';
import type { Condition } from '../list/where';
import { Board } from './Board';
import { Calendar } from './Calendar';
import { Chart } from './Chart';
import { Pivot } from './Pivot';
import './shapes.css';
import type { ShapeName } from './shapes';

export interface ShapeProps {
  name: string;
  entity: Entity;
  query: ListQuery;
  search: ListSearch;
  conditions: Condition[];
  running: Running;
  go: (change: Partial<ListSearch>, replace?: boolean) => void;
  /** To the records behind what is shown. */
  onDrill: (more: Condition[]) => void;
}

const SHAPES = { board: Board, calendar: Calendar, pivot: Pivot, chart: Chart };

export function Shape({ shape, ...props }: ShapeProps & { shape: ShapeName }) {
  const Drawn = SHAPES[shape];
  return <Drawn {...props} />;
}
