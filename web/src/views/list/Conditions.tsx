// What narrows a list, in words: the view's own filters, the conditions that a person added, and the way to add one.
import { Button, Popover } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import type { Entity, Field } from '../../api/types';
import { Icon } from '../../design/icons';
import { IconButton } from '../../design/parts';
import { widgetOf } from '../../fields';
import { useI18n, useT, type Key } from '../../i18n';
import { formatMonth } from '../../i18n/format';
import { fieldOf, useMeta } from '../../registry';
import { needsValue, operatorsOf, sendable, textValue, valueText, type Condition, type Operator } from './where';

const WORDS: Record<Operator, Key> = {
  eq: 'where.eq', ne: 'where.ne', contains: 'where.contains', ge: 'where.ge', le: 'where.le', month: 'where.month', empty: 'where.empty',
  filled: 'where.filled',
};

/** The value of a condition, by the widget of its field. */
function Shown({ field, condition }: { field: Field; condition: Condition }) {
  const { locale } = useI18n();
  const meta = useMeta();
  if (condition.op === 'month') return <>{formatMonth(condition.value, locale)}</>;
  const { Read } = widgetOf(field);
  const value = textValue(field, condition.value, meta.company.currency);
  return <Read field={{ ...field, choices: field.choices?.map((choice) => ({ ...choice, colour: null })) }} value={value} plain />;
}

interface Props {
  entity: Entity;
  conditions: Condition[];
  onChange: (conditions: Condition[]) => void;
}

export function Conditions({ entity, conditions, onChange }: Props) {
  const t = useT();
  return (
    <>
      {conditions.map((condition, index) => {
        const field = fieldOf(entity, condition.field)!;
        return (
          <span className="chip condition" key={`${condition.field} ${condition.op} ${condition.value}`}>
            <span className="ellipsis">
              {field.label}{condition.op === 'eq' || condition.op === 'month' ? ':' : ` ${t(WORDS[condition.op])}`}{' '}
              {needsValue(condition.op) ? <b><Shown field={field} condition={condition} /></b> : null}
            </span>
            <IconButton icon="close" iconSize={12} size={20} label={t('where.remove', { field: field.label })}
              onClick={() => onChange(conditions.filter((_, at) => at !== index))} />
          </span>
        );
      })}
      <AddCondition entity={entity} onAdd={(condition) => onChange([...conditions.filter((each) => JSON.stringify(each) !== JSON.stringify(condition)), condition])} />
    </>
  );
}

function AddCondition({ entity, onAdd }: { entity: Entity; onAdd: (condition: Condition) => void }) {
  const t = useT();
  const meta = useMeta();
  const fields = entity.fields.filter((field) => operatorsOf(field).length > 0);
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [op, setOp] = useState<Operator>('eq');
  const [value, setValue] = useState('');
  const field = fieldOf(entity, name);
  const condition: Condition = { field: name, op, value: needsValue(op) ? value : '' };
  const ready = field !== undefined && sendable(field, condition) !== undefined;
  if (fields.length === 0) return null;

  const choose = (next: string) => {
    const chosen = fieldOf(entity, next);
    setName(next);
    setOp(chosen ? operatorsOf(chosen)[0]! : 'eq');
    setValue(chosen?.kind === 'bool' ? 'true' : '');
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!ready) return;
    onAdd(condition);
    setOpen(false);
    choose('');
  };

  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" width={320} trapFocus returnFocus withRoles>
      <Popover.Target>
        <button type="button" className="chip chip-add" onClick={() => setOpen(!open)}>
          <Icon name="plus" size={12} /> {t('where.add')}
        </button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('where.add')}>
        <form className="where-form" onSubmit={submit} noValidate>
          <label>
            <span className="dim small">{t('where.field')}</span>
            <select className="input" data-autofocus value={name} onChange={(event) => choose(event.currentTarget.value)}>
              <option value="">{''}</option>
              {fields.map((each) => <option key={each.name} value={each.name}>{each.label}</option>)}
            </select>
          </label>
          {field ? (
            <label>
              <span className="dim small">{t('where.how')}</span>
              <select className="input" value={op} onChange={(event) => { setOp(event.currentTarget.value as Operator); if (field.kind !== 'bool') setValue(''); }}>
                {operatorsOf(field).map((each) => <option key={each} value={each}>{t(WORDS[each])}</option>)}
              </select>
            </label>
          ) : null}
          {field && needsValue(op) ? <Value field={field} op={op} value={value} currency={meta.company.currency} onChange={setValue} /> : null}
          <Button type="submit" disabled={!ready}>{t('where.apply')}</Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

function Value({ field, op, value, currency, onChange }: { field: Field; op: Operator; value: string; currency: string; onChange: (value: string) => void }) {
  const t = useT();
  const label = t('where.value');
  if (op === 'month') {
    return (
      <label>
        <span className="dim small">{label}</span>
        <input className="input" type="month" value={value} onChange={(event) => onChange(event.currentTarget.value)} />
      </label>
    );
  }
  if (field.kind === 'bool') {
    return (
      <label>
        <span className="dim small">{label}</span>
        <select className="input" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="true">{t('app.yes')}</option>
          <option value="false">{t('app.no')}</option>
        </select>
      </label>
    );
  }
  // Of a long text one looks for a word, and of an e-mail for a part of it.
  const plain: Field = ['long_text', 'email', 'phone'].includes(field.kind) ? { ...field, kind: 'text' } : field;
  const { Edit } = widgetOf(plain);
  return (
    <div>
      <span className="dim small" aria-hidden="true">{label}</span>
      <Edit field={{ ...plain, required: false, help: null, max: null }} value={textValue(field, value, currency)} label={label}
        onChange={(next) => onChange(valueText(field, next))} />
    </div>
  );
}
