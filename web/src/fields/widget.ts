// What every widget is: one way to read a value of its kind, one to type it.
import type { ComponentType } from 'react';
import type { Field } from '../api/types';

export interface ReadProps {
  field: Field;
  value: unknown;
  /** What the server calls the record (or records) that a reference leads to. */
  title?: unknown;
  /** Inside of something that is itself pressed, such as a row: then no links. */
  plain?: boolean;
}

export interface EditProps {
  id?: string;
  field: Field;
  value: unknown;
  title?: unknown;
  onChange: (value: unknown) => void;
  /** A name for a widget that has no visible label of its own (a cell of a grid). */
  label?: string;
  describedBy?: string;
  invalid?: boolean;
  disabled?: boolean;
  autoFocus?: boolean;
  cell?: boolean;
  /** Stands in it while it is empty. */
  hint?: string;
}

export interface Widget {
  Read: ComponentType<ReadProps>;
  Edit: ComponentType<EditProps>;
  /** The editor is no single control that a label can point to. */
  group?: boolean;
  /** It needs the whole width of a form. */
  wide?: boolean;
}

/** What each single control has in common. */
export function control({ id, field, label, describedBy, invalid, disabled, autoFocus, cell }: EditProps) {
  return {
    id,
    className: 'input',
    'data-cell': cell || undefined,
    'aria-label': label,
    'aria-describedby': describedBy,
    'aria-invalid': invalid || undefined,
    'aria-required': field.required || undefined,
    // Somebody has to type it: nothing stands there by itself.
    'data-needed': (field.required && (field.default === null || field.default === undefined)) || undefined,
    disabled,
    autoFocus,
    // A dialog holds the focus: it gives it to what bears this.
    'data-autofocus': autoFocus || undefined,
  } as const;
}
