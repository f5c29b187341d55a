import { Tooltip } from '@mantine/core';
import { useId } from 'react';
import type { Field, Remark } from '../../api/types';
import { widgetOf } from '../../fields';
import { RecordLink } from '../../fields/ref';
import { useT } from '../../i18n';
import { isEmpty } from '../../registry';
import './form.css';

interface Props {
  field: Field;
  value: unknown;
  title?: unknown;
  editable: boolean;
  onChange?: (value: unknown) => void;
  error?: string;
  disabled?: boolean;
  autoFocus?: boolean;
  provenance?: string;
  notes?: readonly Remark[];
  layout?: 'beside' | 'stacked';
}

/** What is worth knowing and stands in nobody's way. */
export function Remarks({ notes, id }: { notes: readonly Remark[]; id?: string }) {
  return (
    <ul className="remarks" id={id} role="status">
      {notes.map((note, index) => (
        <li key={index}>
          {note.message}
          {note.links?.map((link) => (
            <span key={`${link.entity}#${link.id}`}> <RecordLink entity={link.entity} id={link.id} title={link.title} /></span>
          ))}
        </li>
      ))}
    </ul>
  );
}

/** A label, a widget, help and error: one field of a form or of a dialog. */
export function FieldSlot({ field, value, title, editable, onChange, error, disabled, autoFocus, provenance, notes, layout = 'beside' }: Props) {
  const t = useT();
  const id = useId();
  const widget = widgetOf(field);
  const { Read, Edit } = widget;
  const labelled = editable && !widget.group;
  const describedBy = [field.help ? `${id}-help` : '', error ? `${id}-error` : '', notes?.length ? `${id}-notes` : ''].filter(Boolean).join(' ') || undefined;
  const label = (
    <>
      {field.label}
      {editable && field.required && isEmpty(value) ? <span className="required" aria-hidden="true"> *</span> : null}
    </>
  );
  const origin = provenance === 'computed' ? t('form.computed') : provenance === 'default' ? t('form.default') : null;
  return (
    <div className="slot" data-layout={layout} data-wide={widget.wide || undefined} data-error={error ? true : undefined} data-field={field.name}
      role={labelled ? undefined : 'group'} aria-labelledby={labelled ? undefined : `${id}-label`}>
      <Tooltip label={field.help} disabled={!field.help} position="top-start">
        {labelled
          ? <label className="slot-label" id={`${id}-label`} htmlFor={id}>{label}</label>
          : <span className="slot-label" id={`${id}-label`}>{label}</span>}
      </Tooltip>
      <div className="slot-value">
        {editable ? (
          <Edit id={id} field={field} value={value} title={title} onChange={(next) => onChange?.(next)} describedBy={describedBy}
            invalid={Boolean(error)} disabled={disabled} autoFocus={autoFocus} />
        ) : (
          <div className="slot-read" title={origin ?? undefined}>
            {isEmpty(value) ? <span className="dim" aria-label={t('app.none')}>–</span> : <Read field={field} value={value} title={title} />}
          </div>
        )}
        {field.help ? <span className="hidden-text" id={`${id}-help`}>{field.help}</span> : null}
        {error ? <div className="field-error" id={`${id}-error`}>{error}</div> : null}
        {notes?.length ? <Remarks notes={notes} id={`${id}-notes`} /> : null}
      </div>
    </div>
  );
}
