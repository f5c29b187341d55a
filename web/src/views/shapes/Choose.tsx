import type { Field } from '../../api/types';

interface Props {
  label: string;
  fields: readonly Pick<Field, 'name' | 'label'>[];
  value: string;
  none?: string;
  onChange: (value: string) => void;
}

/** A small choice among fields. */
export function ChooseField({ label, fields, value, none, onChange }: Props) {
  if (fields.length < (none === undefined ? 2 : 1)) return null;
  return (
    <label className="group-by">
      <span className="dim small">{label}</span>
      <select className="input" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {none === undefined ? null : <option value="">{none}</option>}
        {fields.map((field) => <option key={field.name} value={field.name}>{field.label}</option>)}
      </select>
    </label>
  );
}
