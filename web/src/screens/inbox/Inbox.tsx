// The inbox: what waits for this person on the left, the chosen step on the right.
import { useMediaQuery } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useEffect } from 'react';
import { api } from '../../api/client';
import type { Task } from '../../api/types';
import { Failed, Quiet, Skeleton } from '../../design/parts';
import { useI18n } from '../../i18n';
import { formatDate, formatTimestamp } from '../../i18n/format';
import { roleLabel, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import './inbox.css';
import { Step } from './Step';

export function Inbox() {
  const { t } = useI18n();
  const { task } = useParams({ strict: false }) as { task?: string };
  const navigate = useNavigate();
  const narrow = useMediaQuery('(max-width: 62em)', undefined, { getInitialValueInEffect: false }) ?? false;
  const inbox = useQuery({ queryKey: keys.inbox, queryFn: ({ signal }) => api.inbox(signal) });
  const tasks = inbox.data?.tasks ?? [];
  const first = tasks[0]?.id;

  // Where there is room the first task is open. It gets its own address, so that it stays when the list changes.
  useEffect(() => {
    if (!task && !narrow && first !== undefined) void navigate({ to: '/inbox/$task', params: { task: String(first) }, replace: true });
  }, [task, narrow, first, navigate]);

  const id = task && /^\d+$/.test(task) ? Number(task) : null;
  return (
    <div className="inbox" data-open={id !== null || undefined}>
      <section className="inbox-list" aria-label={t('inbox.tasks')}>
        <header>
          <h1>{t('inbox.title')}</h1>
          {tasks.length ? <span className="dim small num">{t('inbox.count', { count: tasks.length })}</span> : null}
        </header>
        {inbox.isError && !inbox.data ? <Failed error={inbox.error} retry={() => void inbox.refetch()} /> : null}
        {inbox.isLoading ? <div style={{ padding: '0 16px' }}><Skeleton /></div> : null}
        {inbox.data && tasks.length === 0 ? <Quiet title={t('inbox.empty')}>{t('inbox.emptyHelp')}</Quiet> : null}
        <ul>{tasks.map((each) => <li key={each.id}><TaskLine task={each} /></li>)}</ul>
      </section>
      <section className="inbox-step">
        {id !== null ? <Step key={id} id={id} tasks={tasks} /> : tasks.length ? <Quiet>{t('inbox.choose')}</Quiet> : null}
      </section>
    </div>
  );
}

export function useDue() {
  const { t, locale, timeZone } = useI18n();
  return (due: string | null | undefined, overdue: boolean | undefined) => {
    if (!due) return null;
    const when = /T/.test(due) ? formatTimestamp(due, locale, timeZone) : formatDate(due, locale);
    return overdue ? <span className="overdue num">{t('inbox.overdue', { when })}</span> : <span className="num">{t('inbox.due', { when })}</span>;
  };
}

function TaskLine({ task }: { task: Task }) {
  const { t } = useI18n();
  const meta = useMeta();
  const due = useDue();
  return (
    <Link to="/inbox/$task" params={{ task: String(task.id) }} className="task" preload={false}>
      <span className="task-title">{task.title}</span>
      {task.party_title || task.subject_title ? (
        <span className="task-line ellipsis">{[task.party_title, task.subject_title].filter(Boolean).join(' · ')}</span>
      ) : null}
      <span className="task-line dim">
        {due(task.due, task.overdue)}
        {task.process || task.step ? <span className="ellipsis">{[task.process, task.step].filter((part) => part && part !== task.title).join(' › ')}</span> : null}
        {!task.assignee && task.role ? <span>{t('inbox.forRole', { role: roleLabel(meta, task.role) })}</span> : null}
        {task.stands_for_name ? <span>{t('inbox.standsFor', { name: task.stands_for_name })}</span> : null}
        {task.assignee && task.assignee !== meta.user.id && task.assignee_name ? <span>{t('inbox.claimed', { name: task.assignee_name })}</span> : null}
      </span>
    </Link>
  );
}
