// A read operation that stands in the navigation: its answer as a page, asked again whenever something changes.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api } from '../../api/client';
import type { Values } from '../../api/types';
import { NotFound } from '../../app/Fallbacks';
import { Failed, Quiet, Skeleton } from '../../design/parts';
import { widgetOf } from '../../fields';
import { useT } from '../../i18n';
import { isEmpty, operationOf, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import './answer.css';

export function AnswerPage() {
  const t = useT();
  const { operation: name } = useParams({ from: '/workspace/p/$operation' });
  const operation = operationOf(useMeta(), name);
  const answer = useQuery({
    queryKey: keys.figures(name),
    queryFn: ({ signal }) => api.read<Values>(name, {}, signal),
    enabled: Boolean(operation?.read),
    placeholderData: keepPreviousData,
  });
  if (!operation?.read) return <NotFound />;
  // What this person may not read is not in the answer: it has no place on the page either.
  const shown = (operation.output ?? []).filter((field) => !isEmpty(answer.data?.[field.name]));
  return (
    <div className="page">
      <header className="page-head"><h1>{operation.label}</h1></header>
      <div className="page-body">
        {operation.help ? <p className="dim">{operation.help}</p> : null}
        {answer.isError ? <Failed error={answer.error} retry={() => void answer.refetch()} /> : null}
        {answer.isLoading ? <Skeleton rows={5} /> : null}
        {answer.data && shown.length === 0 ? <Quiet>{t('list.empty')}</Quiet> : null}
        <dl className="figures">
          {shown.map((field) => {
            const { Read } = widgetOf(field);
            return (
              <div key={field.name} data-field={field.name} title={field.help ?? undefined}>
                <dt>{field.label}</dt>
                <dd className="num"><Read field={field} value={answer.data?.[field.name]} /></dd>
              </div>
            );
          })}
        </dl>
      </div>
    </div>
  );
}
