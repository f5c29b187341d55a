// A read operation that stands in the navigation: its answer as a page, drawn from its input and output, asked again
// whenever something changes.
import { Button } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { api } from '../../api/client';
import type { Field, Meta, Values } from '../../api/types';
import { NotFound } from '../../app/Fallbacks';
import { Failed, Quiet, Skeleton } from '../../design/parts';
import { widgetOf } from '../../fields';
import { useT } from '../../i18n';
import { askedFields, isEmpty, isNumeric, operationOf, useMeta, type NamedOperation } from '../../registry';
import { keys } from '../../registry/keys';
import { FieldSlot } from '../form/FieldSlot';
import '../form/form.css';
import '../list/list.css';
import './answer.css';

export function AnswerPage() {
  const { operation } = useParams({ from: '/workspace/p/$operation' });
  const shown = operationOf(useMeta(), operation);
  if (!shown?.read || shown.file) return <NotFound />;
  return <Answer key={operation} operation={shown} />;
}

function Answer({ operation }: { operation: NamedOperation }) {
  const t = useT();
  const meta = useMeta();
  const navigate = useNavigate();
  const search = useSearch({ from: '/workspace/p/$operation' });
  const fields = askedFields(operation);
  const asked = Object.fromEntries(fields.flatMap((field) => (search[field.name] ? [[field.name, search[field.name]]] : [])));
  const [values, setValues] = useState<Values>(asked);
  const ready = fields.every((field) => !field.required || !isEmpty(asked[field.name]));
  const answer = useQuery({
    queryKey: keys.figures(operation.name, asked),
    queryFn: ({ signal }) => api.read<Values>(operation.name, asked, signal),
    enabled: ready,
    placeholderData: keepPreviousData,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const next = Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)).map(([name, value]) => [name, String(value)]));
    void navigate({ to: '/p/$operation', params: { operation: operation.name }, search: next });
  };
  const output = operation.output ?? [];
  // What this person may not read is not in the answer: it has no place on the page either.
  const ways = waysOf(meta, answer.data?.opens);
  const facts = output.filter((field) => !isTable(field) && !(field.name === 'opens' && field.kind === 'json') && !isEmpty(answer.data?.[field.name]));
  const tables = output.filter(isTable);
  return (
    <div className="page">
      <header className="page-head">
        <h1>{operation.label}</h1>
        {operation.help ? <span className="dim small">{operation.help}</span> : null}
      </header>
      <div className="page-body answer">
        {fields.length ? (
          <form className="answer-asks" onSubmit={submit} noValidate>
            {fields.map((field) => (
              <FieldSlot key={field.name} field={field} value={values[field.name]} editable layout="stacked"
                onChange={(value) => setValues((old) => ({ ...old, [field.name]: value }))} />
            ))}
            <Button type="submit" variant="default">{t('answer.show')}</Button>
          </form>
        ) : null}
        {answer.isError ? <Failed error={answer.error} retry={() => void answer.refetch()} /> : null}
        {answer.isLoading ? <Skeleton rows={6} /> : null}
        {answer.data && facts.length + tables.length === 0 ? <Quiet>{t('list.empty')}</Quiet> : null}
        {answer.data && facts.length ? <dl className="figures">{facts.map((field) => <Figure key={field.name} field={field} value={answer.data[field.name]} way={ways.get(field.name)} />)}</dl> : null}
        {answer.data ? tables.map((field) => <AnswerTable key={field.name} field={field} value={answer.data[field.name]} alone={output.length === 1} />) : null}
      </div>
    </div>
  );
}

const isTable = (field: Field): boolean => field.kind === 'list';

interface Way {
  entity: string;
  just: string;
}

/** Where figures lead, as the answer says it: for what this person may read. */
function waysOf(meta: Meta, opens: unknown): Map<string, Way> {
  const rows = Array.isArray(opens) ? (opens as { field?: unknown; entity?: unknown; filter?: unknown }[]) : [];
  return new Map(rows.flatMap((row): [string, Way][] =>
    typeof row.field === 'string' && typeof row.entity === 'string' && meta.entities[row.entity]?.rights.read
      ? [[row.field, { entity: row.entity, just: JSON.stringify(row.filter ?? {}) }]] : []));
}

function Figure({ field, value, way }: { field: Field; value: unknown; way?: Way }) {
  const { Read } = widgetOf(field);
  const shown = <Read field={field} value={value} plain={way !== undefined} />;
  return (
    <div className="figure" data-field={field.name} data-opens={way ? true : undefined} title={field.help ?? undefined}>
      <dt>{field.label}</dt>
      <dd data-number={isNumeric(field) || undefined}>
        {way ? <Link to="/e/$entity" params={{ entity: way.entity }} search={{ just: way.just === '{}' ? undefined : way.just, totals: '1' }}>{shown}</Link> : shown}
      </dd>
    </div>
  );
}

function AnswerTable({ field, value, alone }: { field: Field; value: unknown; alone: boolean }) {
  const t = useT();
  const columns = field.fields ?? [];
  const rows = Array.isArray(value) ? (value as Values[]) : [];
  return (
    <section aria-label={field.label}>
      {alone ? null : <h2>{field.label}</h2>}
      {rows.length === 0 ? <p className="dim">{t('list.empty')}</p> : (
        <div className="grid-wrap">
          <table className="list answer-table" aria-label={field.label}>
            <thead>
              <tr>{columns.map((column) => <th key={column.name} scope="col" data-number={isNumeric(column) || undefined}>{column.label}</th>)}</tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={index}>
                  {columns.map((column) => {
                    const { Read } = widgetOf(column);
                    return <td key={column.name} data-number={isNumeric(column) || undefined}><Read field={column} value={row[column.name]} /></td>;
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
