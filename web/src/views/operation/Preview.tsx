// What an operation would do, before it is done: the server does it and takes it back.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, asProblem } from '../../api/client';
import type { Foreseen, Values } from '../../api/types';
import { Dialog } from '../../design/Dialog';
import { Skeleton } from '../../design/parts';
import { RecordLink } from '../../fields/ref';
import { useT, type Key } from '../../i18n';
import { useMeta } from '../../registry';
import { Refusal } from './Outcome';

const KINDS: { kind: Foreseen['kind']; title: Key }[] = [
  { kind: 'created', title: 'preview.created' }, { kind: 'changed', title: 'preview.changed' }, { kind: 'deleted', title: 'preview.deleted' },
];
const NAMED = 5;

interface Props {
  operation: string;
  label: string;
  input: Values;
  onClose: () => void;
  /** Does it in earnest. */
  onRun?: () => void;
}

export function Preview({ operation, label, input, onClose, onRun }: Props) {
  const t = useT();
  const meta = useMeta();
  const seen = useQuery({
    queryKey: ['preview', operation, input],
    queryFn: ({ signal }) => api.preview(operation, input, signal),
    retry: false, gcTime: 0, staleTime: 0, refetchOnWindowFocus: false,
  });
  const changes = seen.data?._dry_run?.changes ?? [];
  return (
    <Dialog title={t('preview.of', { operation: label })} size="lg" onClose={onClose}>
      <div className="dialog-form">
        {seen.isLoading ? <Skeleton rows={4} /> : null}
        {seen.isError ? <div className="notice" data-tone="bad" role="alert"><Refusal problem={asProblem(seen.error)} label={label} /></div> : null}
        {seen.data ? (
          <>
            <p className="dim">{t('preview.help')}</p>
            {KINDS.map(({ kind, title }) => {
              const mine = changes.filter((change) => change.kind === kind);
              return mine.length ? (
                <section key={kind} aria-label={t(title)}>
                  <h3>{t(title)}</h3>
                  <ul className="preview-list">
                    {mine.map((change) => (
                      <li key={change.entity}>
                        <b className="num">{change.count}</b> <span>{change.count === 1 ? change.label : meta.entities[change.entity]?.plural ?? change.label}</span>
                        {/* What would be new does not exist: only what is there already can be looked at. */}
                        {kind !== 'created' && change.ids.length <= NAMED ? (
                          <span className="small">{change.ids.map((id) => <span key={id}> <RecordLink entity={change.entity} id={id} /></span>)}</span>
                        ) : null}
                      </li>
                    ))}
                  </ul>
                </section>
              ) : null;
            })}
            {changes.length === 0 ? <p>{t('preview.nothing')}</p> : null}
            {seen.data._result?.next?.length ? <ul className="remarks">{seen.data._result.next.map((note, at) => <li key={at}>{note.message}</li>)}</ul> : null}
          </>
        ) : null}
        <div className="row-of-buttons" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" data-autofocus onClick={onClose}>{t('app.close')}</Button>
          {seen.data && onRun ? <Button data-primary onClick={() => { onClose(); onRun(); }}>{label}</Button> : null}
        </div>
      </div>
    </Dialog>
  );
}
