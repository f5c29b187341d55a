import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import { widgetOf } from '../../fields';
import { RecordLink } from '../../fields/ref';
import { isEmpty, sectionsOf, useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { PanelView, RailSection } from '../../views/form/Rail';

/** Who it is about: the first facts of the record, and its panels. */
export function PartyCard({ entity, id }: { entity: string; id: number }) {
  const meta = useMeta();
  const shown = meta.entities[entity]!;
  const record = useQuery({ queryKey: keys.record(entity, id), queryFn: ({ signal }) => api.record(entity, id, signal) });
  const fields = (sectionsOf(shown)[0]?.fields ?? []).filter((field) => field.name !== shown.title && !isEmpty(record.data?.[field.name])).slice(0, 6);
  return (
    <>
      <RailSection title={shown.label}>
        <p><b><RecordLink entity={entity} id={id} title={record.data?._title} /></b></p>
        <dl className="facts">
          {fields.map((field) => {
            const { Read } = widgetOf(field);
            return (
              <div key={field.name}>
                <dt>{field.label}</dt>
                <dd><Read field={field} value={record.data?.[field.name]} title={record.data?._titles?.[field.name]} /></dd>
              </div>
            );
          })}
        </dl>
      </RailSection>
      {(shown.panels ?? []).filter((panel) => meta.entities[panel.entity]?.rights.read).map((panel) => (
        <PanelView key={panel.key} entity={entity} id={id} panel={panel} />
      ))}
    </>
  );
}
