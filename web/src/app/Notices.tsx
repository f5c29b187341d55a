// What somebody wrote to this person: a bell with a number, and what it leads to.
import { ActionIcon, Popover } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, newKey } from '../api/client';
import { Icon } from '../design/icons';
import { useTitle } from '../fields/titles';
import { useI18n } from '../i18n';
import { formatTimestamp } from '../i18n/format';
import { useMeta } from '../registry';
import { keys } from '../registry/keys';

interface Notice {
  notice: number;
  record: { entity: string; id: number };
  text: string;
  author?: string | null;
  at: string;
  seen: boolean;
}

const EVERY = 30_000;

export function Notices() {
  const { t } = useI18n();
  const meta = useMeta();
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const may = 'platform.notice.mine' in meta.operations;
  const found = useQuery({
    queryKey: keys.notices,
    queryFn: ({ signal }) => api.read<{ notices: Notice[] }>('platform.notice.mine', {}, signal),
    enabled: may,
    refetchInterval: EVERY,
  });
  if (!may) return null;
  const notices = found.data?.notices ?? [];
  const fresh = notices.filter((notice) => !notice.seen).length;
  const label = fresh ? t('notices.fresh', { count: fresh }) : t('notices.label');
  const change = (next: boolean) => {
    setOpen(next);
    // Read when the panel is closed again: until then one sees which of them are new.
    if (!next && fresh) void api.operate('platform.notice.look', {}, newKey()).then(() => client.invalidateQueries({ queryKey: keys.notices }));
  };
  return (
    <Popover opened={open} onChange={change} position="bottom-end" width={340} trapFocus returnFocus withRoles>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size={32} className="bell" aria-label={label} title={label} onClick={() => change(!open)}>
          <Icon name="bell" />
          {fresh ? <span className="bell-count num" aria-hidden="true">{fresh}</span> : null}
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('notices.label')} className="notices">
        {notices.length === 0 ? <p className="dim small" tabIndex={-1} data-autofocus>{t('notices.none')}</p> : null}
        <ul>{notices.map((notice) => <Line key={notice.notice} notice={notice} onOpen={() => change(false)} />)}</ul>
      </Popover.Dropdown>
    </Popover>
  );
}

function Line({ notice, onOpen }: { notice: Notice; onOpen: () => void }) {
  const { t, locale, timeZone } = useI18n();
  const title = useTitle(notice.record.entity, notice.record.id);
  return (
    <li data-fresh={!notice.seen || undefined}>
      <Link to="/e/$entity/$id" params={{ entity: notice.record.entity, id: String(notice.record.id) }} onClick={onOpen}>
        <span className="notice-line"><b className="ellipsis grow">{title}</b>{notice.seen ? null : <span className="hidden-text">{t('notices.new')}</span>}</span>
        <span className="notice-text">{notice.text}</span>
        <span className="dim small">{[notice.author, formatTimestamp(notice.at, locale, timeZone)].filter(Boolean).join(', ')}</span>
      </Link>
    </li>
  );
}
