import { Button } from '@mantine/core';
import { Dialog } from '../../design/Dialog';
import { widgetOf } from '../../fields';
import { useT } from '../../i18n';
import { fieldOf } from '../../registry';
import type { Document } from './useDocument';

/** Somebody else saved meanwhile: both values, and the choice. Nothing is lost. */
export function ClashDialog({ document }: { document: Document }) {
  const t = useT();
  const clash = document.clash;
  if (!clash) return null;
  const show = (name: string, value: unknown) => {
    const field = fieldOf(document.entity, name);
    if (!field) return Array.isArray(value) ? String(value.length) : String(value ?? '–');
    const { Read } = widgetOf(field);
    return <Read field={field} value={value} plain />;
  };
  const label = (name: string) =>
    fieldOf(document.entity, name)?.label ?? document.entity.lines?.find((lines) => lines.name === name)?.label ?? name;
  return (
    <Dialog title={t('form.collision')} size="lg" onClose={() => document.resolve(true)}>
      <div className="dialog-form">
        <p>{t(clash.fields.length ? 'form.collisionHelp' : 'form.collisionNone')}</p>
        {clash.fields.length ? (
          <table className="mini">
            <thead><tr><th scope="col">{t('form.field')}</th><th scope="col">{t('form.mine')}</th><th scope="col">{t('form.theirs')}</th></tr></thead>
            <tbody>
              {clash.fields.map((field) => (
                <tr key={field.name}>
                  <th scope="row">{label(field.name)}</th>
                  <td>{show(field.name, field.mine)}</td>
                  <td>{show(field.name, field.theirs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        ) : null}
        <div className="row-of-buttons" style={{ justifyContent: 'flex-end' }}>
          {clash.fields.length ? <Button variant="default" onClick={() => document.resolve(false)}>{t('form.takeTheirs')}</Button> : null}
          <Button data-primary onClick={() => document.resolve(true)}>{t('form.keepMine')}</Button>
        </div>
      </div>
    </Dialog>
  );
}
