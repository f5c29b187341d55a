// A quick look at a record beside its list; the list keeps the keyboard.
import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { Entity } from '../../api/types';
import { Icon } from '../../design/icons';
import { Badge, Failed, IconButton, LinkButton, Skeleton } from '../../design/parts';
import { useT } from '../../i18n';
import { fieldOf, isEmpty, sectionsOf } from '../../registry';
import { keys } from '../../registry/keys';
import { FieldSlot } from '../form/FieldSlot';

export function Peek({ name, entity, id, onClose }: { name: string; entity: Entity; id: number; onClose: () => void }) {
  const t = useT();
  const record = useQuery({ queryKey: keys.record(name, id), queryFn: ({ signal }) => api.record(name, id, signal), staleTime: 5_000 });
  const row = record.data;
  const status = fieldOf(entity, entity.status);
  const state = status?.choices?.find((choice) => choice.value === row?.[status.name]);
  return (
    <aside className="peek" aria-label={t('list.peek')}>
      <header>
        <h2 className="ellipsis grow">{row?._title ?? `#${id}`}</h2>
        {state ? <Badge colour={state.colour}>{state.label}</Badge> : null}
        <IconButton icon="close" iconSize={14} size={28} label={t('app.close')} onClick={onClose} />
      </header>
      {record.isError ? <Failed error={record.error} retry={() => void record.refetch()} /> : null}
      {!row && !record.isError ? <Skeleton rows={5} /> : null}
      {row ? (
        <div className="peek-body">
          {sectionsOf(entity).map((section) => {
            const fields = section.fields.filter((field) => !isEmpty(row[field.name]) && field !== status);
            return fields.length ? (
              <section key={section.key} aria-label={section.label}>
                {fields.map((field) => <FieldSlot key={field.name} field={field} value={row[field.name]} title={row._titles?.[field.name]} editable={false} />)}
              </section>
            ) : null;
          })}
          {entity.lines?.map((owned) => {
            const lines = row[owned.name];
            return Array.isArray(lines) && lines.length ? (
              <p key={owned.name} className="dim small">{owned.label}: <span className="num">{lines.length}</span></p>
            ) : null;
          })}
          <LinkButton to="/e/$entity/$id" params={{ entity: name, id: String(id) }} variant="default" leftSection={<Icon name="open" size={14} />}>{t('keys.open')}</LinkButton>
        </div>
      ) : null}
    </aside>
  );
}
