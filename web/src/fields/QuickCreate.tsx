// A record that is missing while another one is typed: its name is known already, the rest as far as it is needed.
import { Button } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { api } from '../api/client';
import type { Row } from '../api/types';
import { Dialog } from '../design/Dialog';
import { useT } from '../i18n';
import { fieldOf, isEditable, sectionsOf, useMeta } from '../registry';
import { FieldSlot, Remarks } from '../views/form/FieldSlot';
import { useDocument } from '../views/form/useDocument';
import { widgetOf } from './index';

const AT_MOST = 8;

export function QuickCreate({ entity: name, text, onClose, onMade }: { entity: string; text: string; onClose: () => void; onMade: (row: Row) => void }) {
  const t = useT();
  const meta = useMeta();
  const entity = meta.entities[name]!;
  const title = fieldOf(entity, entity.title)!;
  const document = useDocument(name, null, { [title.name]: text }, true);
  const [failed, setFailed] = useState(false);
  const simple = (sectionsOf(entity)[0]?.fields ?? []).filter((field) => isEditable(field) && !widgetOf(field).group);
  const needed = entity.fields.filter((field) => field.required && isEditable(field) && !['bool', 'lines'].includes(field.kind) && field.default === null);
  const fields = [...new Set([title, ...needed, ...simple])].slice(0, Math.max(AT_MOST, needed.length + 1));

  const submit = async (event: FormEvent) => {
    // It may stand in a form of its own.
    event.preventDefault();
    event.stopPropagation();
    const id = await document.save();
    if (id === null) return setFailed(true);
    onMade(await api.record(name, id));
  };
  return (
    <Dialog title={t('form.new', { entity: entity.label })} onClose={onClose}>
      <form className="dialog-form" noValidate onSubmit={(event) => void submit(event)}>
        {failed && document.problem ? <div className="notice" data-tone="bad" role="alert">{document.problem.detail ?? document.problem.title}</div> : null}
        {fields.map((field) => (
          <FieldSlot key={field.name} field={field} value={document.values[field.name]} title={document.titles[field.name]} editable layout="stacked" autoFocus={field === title}
            error={document.errors.byField[field.name]} onChange={(value) => document.setField(field.name, value)} />
        ))}
        {document.notes.length ? <div className="notice" data-tone="attention"><Remarks notes={document.notes} /></div> : null}
        <div className="row-of-buttons" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>{t('app.cancel')}</Button>
          <Button type="submit" data-primary loading={document.saving}>{t('form.create')}</Button>
        </div>
      </form>
    </Dialog>
  );
}
