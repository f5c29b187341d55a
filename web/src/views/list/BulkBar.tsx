// What can be done to the records that were picked: operations, one value for all, away with them.
import { Button, Menu, Progress as Bar } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useRef, useState, type FormEvent } from 'react';
import { api, asProblem, newKey } from '../../api/client';
import type { Entity, Row, Values } from '../../api/types';
import { Dialog } from '../../design/Dialog';
import { IconButton } from '../../design/parts';
import { errorsOf } from '../../fields/malformed';
import { useT } from '../../i18n';
import { askedFields, fieldOf, formOperations, isEditable, isEmpty, missingInput, useMeta, type NamedOperation } from '../../registry';
import { FieldSlot } from '../form/FieldSlot';
import { byReason, throughAll, type Progress } from './bulk';
import { fits } from './columns';

interface Props {
  name: string;
  entity: Entity;
  rows: Row[];
  /** There are more that match than were picked: takes them all. */
  onAll?: () => void;
  count?: number;
  onClear: () => void;
}

type Asking = { kind: 'operation'; operation: NamedOperation } | { kind: 'change' } | { kind: 'delete' };

export function BulkBar({ name, entity, rows, count, onAll, onClear }: Props) {
  const t = useT();
  const meta = useMeta();
  const client = useQueryClient();
  const [asking, setAsking] = useState<Asking | null>(null);
  const [told, setTold] = useState<{ label: string; progress: Progress } | null>(null);
  const stop = useRef(false);
  const operations = formOperations(meta, name).filter((operation) => !operation.read && operation.target);
  const fields = entity.rights.write && !entity.append_only ? entity.fields.filter((field) => isEditable(field) && fits(field)) : [];

  const run = async (label: string, act: (row: Row) => Promise<unknown>) => {
    setAsking(null);
    stop.current = false;
    await throughAll(rows, act, asProblem, (progress) => setTold({ label, progress }), () => stop.current);
    void client.invalidateQueries({ predicate: ({ queryKey }) => ['entity', 'figures', 'inbox', 'task'].includes(String(queryKey[0])) });
  };
  const operate = (operation: NamedOperation, input: Values) =>
    void run(operation.label, (row) => api.operate(operation.name, { ...input, [operation.target!]: row.id }, newKey()));
  const begin = (operation: NamedOperation) => {
    if (operation.dangerous || missingInput(operation, {}).length) setAsking({ kind: 'operation', operation });
    else operate(operation, {});
  };
  const beside = operations.slice(0, 2);
  const rest = operations.slice(2);

  return (
    <>
      <div className="bulk" role="region" aria-label={t('bulk.label')}>
        <b className="num" aria-live="polite">{t('bulk.picked', { count: rows.length })}</b>
        {onAll && count !== undefined && count > rows.length ? <Button size="compact-sm" variant="subtle" onClick={onAll}>{t('bulk.takeAll', { count })}</Button> : null}
        {beside.map((operation) => (
          <Button key={operation.name} size="compact-sm" variant="default" disabled={told?.progress.running} title={operation.help ?? undefined} onClick={() => begin(operation)}>
            {operation.label}
          </Button>
        ))}
        {fields.length ? <Button size="compact-sm" variant="default" disabled={told?.progress.running} onClick={() => setAsking({ kind: 'change' })}>{t('bulk.change')}</Button> : null}
        {rest.length || entity.rights.delete ? (
          <Menu position="top-end" width={260}>
            <Menu.Target><IconButton icon="dots" size={28} label={t('app.more')} /></Menu.Target>
            <Menu.Dropdown>
              {rest.map((operation) => <Menu.Item key={operation.name} onClick={() => begin(operation)}>{operation.label}</Menu.Item>)}
              {entity.rights.delete && !entity.append_only ? <Menu.Item color="red.8" onClick={() => setAsking({ kind: 'delete' })}>{t('form.delete')}</Menu.Item> : null}
            </Menu.Dropdown>
          </Menu>
        ) : null}
        <IconButton icon="close" iconSize={14} size={28} label={t('bulk.clear')} onClick={onClear} />
      </div>
      {asking?.kind === 'operation' ? (
        <Ask title={`${asking.operation.label}: ${t('list.count', { count: rows.length })}`} help={asking.operation.help} operation={asking.operation}
          onClose={() => setAsking(null)} onSubmit={(input) => operate(asking.operation, input)} />
      ) : null}
      {asking?.kind === 'change' ? (
        <Change entity={entity} title={`${t('bulk.change')}: ${t('list.count', { count: rows.length })}`} fields={fields.map((field) => field.name)} onClose={() => setAsking(null)}
          onSubmit={(body) => void run(t('bulk.change'), (row) => api.change(name, row.id!, row.rev ?? 0, body, newKey()))} />
      ) : null}
      {asking?.kind === 'delete' ? (
        <Dialog title={`${t('form.delete')}: ${t('list.count', { count: rows.length })}`} onClose={() => setAsking(null)}>
          <p>{t('bulk.deleteSure')}</p>
          <div className="row-of-buttons" style={{ justifyContent: 'flex-end', marginTop: 16 }}>
            <Button variant="default" onClick={() => setAsking(null)}>{t('app.cancel')}</Button>
            <Button color="red.8" onClick={() => void run(t('form.delete'), (row) => api.remove(name, row.id!))}>{t('form.delete')}</Button>
          </div>
        </Dialog>
      ) : null}
      {told ? (
        <Report name={name} label={told.label} progress={told.progress} onStop={() => { stop.current = true; }}
          onClose={() => { setTold(null); if (told.progress.refused.length === 0) onClear(); }} />
      ) : null}
    </>
  );
}

function Report({ name, label, progress, onStop, onClose }: { name: string; label: string; progress: Progress; onStop: () => void; onClose: () => void }) {
  const t = useT();
  const over = progress.done + progress.refused.length;
  return (
    <Dialog title={label} size="lg" onClose={() => (progress.running ? onStop() : onClose())}>
      <div className="dialog-form" role="status">
        <p className="num">{t('bulk.progress', { done: progress.done, all: progress.all })}</p>
        {progress.running ? <Bar value={(over * 100) / Math.max(1, progress.all)} aria-label={label} /> : null}
        {progress.refused.length ? (
          <div className="bulk-refused">
            <h3>{t('bulk.refused', { count: progress.refused.length })}</h3>
            {byReason(progress.refused).map(({ reason, rows }) => (
              <div key={reason}>
                <p>{reason}</p>
                <ul>
                  {rows.slice(0, 20).map((row) => (
                    <li key={row.id}><Link to="/e/$entity/$id" params={{ entity: name, id: String(row.id) }}>{row._title ?? `#${row.id}`}</Link></li>
                  ))}
                  {rows.length > 20 ? <li className="dim">{t('bulk.others', { count: rows.length - 20 })}</li> : null}
                </ul>
              </div>
            ))}
          </div>
        ) : null}
        <div className="row-of-buttons" style={{ justifyContent: 'flex-end' }}>
          {progress.running ? <Button variant="default" onClick={onStop}>{t('bulk.stop')}</Button> : <Button data-primary data-autofocus onClick={onClose}>{t('app.close')}</Button>}
        </div>
      </div>
    </Dialog>
  );
}

function Ask({ title, help, operation, onClose, onSubmit }: {
  title: string; help?: string | null; operation: NamedOperation; onClose: () => void; onSubmit: (input: Values) => void;
}) {
  const t = useT();
  const fields = askedFields(operation);
  const [values, setValues] = useState<Values>(() => Object.fromEntries(fields.filter((field) => !isEmpty(field.default)).map((field) => [field.name, field.default])));
  const wrong = errorsOf(fields, values, t);
  const ready = Object.keys(wrong).length === 0 && missingInput(operation, values).length === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) onSubmit(values);
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="dialog-form" onSubmit={submit} noValidate>
        {help ? <p className="dim">{help}</p> : null}
        {operation.dangerous ? <p>{t('op.confirm')}</p> : null}
        {fields.map((field, index) => (
          <FieldSlot key={field.name} field={field} value={values[field.name]} editable layout="stacked" autoFocus={index === 0} error={wrong[field.name]}
            onChange={(value) => setValues((old) => ({ ...old, [field.name]: value }))} />
        ))}
        <div className="row-of-buttons" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>{t('app.cancel')}</Button>
          <Button type="submit" data-primary disabled={!ready} color={operation.dangerous ? 'red.8' : undefined}>{operation.label}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function Change({ entity, title, fields, onClose, onSubmit }: {
  entity: Entity; title: string; fields: string[]; onClose: () => void; onSubmit: (body: Values) => void;
}) {
  const t = useT();
  const [name, setName] = useState('');
  const [value, setValue] = useState<unknown>(null);
  const field = fieldOf(entity, name);
  const wrong = field ? errorsOf([field], { [name]: value }, t)[name] : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (field && !wrong) onSubmit({ [name]: field.kind === 'bool' ? value === true : value });
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="dialog-form" onSubmit={submit} noValidate>
        <label>
          <span className="dim small">{t('where.field')}</span>
          <select className="input" data-autofocus value={name} onChange={(event) => { setName(event.currentTarget.value); setValue(null); }}>
            <option value="">{''}</option>
            {fields.map((each) => <option key={each} value={each}>{fieldOf(entity, each)!.label}</option>)}
          </select>
        </label>
        {field ? <FieldSlot key={name} field={field} value={value} editable layout="stacked" error={wrong} onChange={setValue} /> : null}
        <div className="row-of-buttons" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>{t('app.cancel')}</Button>
          <Button type="submit" data-primary disabled={!field || Boolean(wrong)}>{t('where.apply')}</Button>
        </div>
      </form>
    </Dialog>
  );
}
