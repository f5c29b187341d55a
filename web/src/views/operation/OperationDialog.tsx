import { Button } from '@mantine/core';
import { useMemo, useState, type FormEvent } from 'react';
import { sortErrors } from '../../api/problem';
import type { Values } from '../../api/types';
import { Dialog } from '../../design/Dialog';
import { FieldSlot } from '../form/FieldSlot';
import { widgetOf } from '../../fields';
import { errorsOf } from '../../fields/malformed';
import { useT } from '../../i18n';
import { askedFields, isEmpty, operationOf, useMeta } from '../../registry';
import { Refusal } from './Outcome';
import type { Call } from './stack';
import type { Running } from './useOperation';

export function OperationDialog({ call, running }: { call: Call; running: Running }) {
  const t = useT();
  const meta = useMeta();
  const operation = operationOf(meta, call.operation)!;
  const fields = askedFields(operation);
  const [values, setValues] = useState<Values>(() => ({
    ...Object.fromEntries(fields.filter((field) => !isEmpty(field.default)).map((field) => [field.name, field.default])),
    ...call.input,
  }));
  const [tried, setTried] = useState(false);
  const busy = call.status === 'running';
  const wrong = useMemo(() => errorsOf(fields, values, t), [fields, values, t]);
  const shows = (path: string) => fields.some((field) => field.name === path.split('.')[0]);
  const refused = sortErrors(call.problem?.errors, shows);
  const errors: Record<string, string> = { ...refused.byField, ...(tried ? wrong : {}) };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (Object.keys(wrong).length === 0 && !busy) {
      running.submit(Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)));
    }
  };

  // The first field that is one control; where there is none, the way back.
  const first = fields.findIndex((field) => !widgetOf(field).group);
  const wide = fields.some((field) => field.kind === 'list');
  return (
    <Dialog title={call.label} size={wide ? 'xl' : 'md'} onClose={running.cancel}>
      <form onSubmit={submit} noValidate className="dialog-form">
        {operation.help ? <p className="dim">{operation.help}</p> : null}
        {operation.dangerous ? <p>{t('op.confirm')}</p> : null}
        {call.problem && (refused.general.length > 0 || Object.keys(refused.byField).length === 0) ? (
          <div className="notice" data-tone="bad" role="alert">
            <Refusal problem={{ ...call.problem, errors: refused.general.map((message) => ({ message })) }} label={call.label} running={running} />
          </div>
        ) : null}
        {fields.map((field, index) => (
          <FieldSlot key={field.name} field={field} value={values[field.name]} title={call.titles?.[field.name]} editable layout="stacked"
            autoFocus={index === first} disabled={busy}
            error={errors[field.name] ?? Object.entries(errors).find(([path]) => path.startsWith(`${field.name}.`))?.[1]}
            onChange={(value) => setValues((old) => ({ ...old, [field.name]: value }))} />
        ))}
        <div className="row-of-buttons" style={{ justifyContent: 'flex-end', marginTop: 4 }}>
          <Button variant="default" data-autofocus={first < 0 || undefined} onClick={running.cancel}>{t('app.back')}</Button>
          <Button type="submit" loading={busy} data-primary color={operation.dangerous ? 'red.8' : undefined}>{call.label}</Button>
        </div>
      </form>
    </Dialog>
  );
}
