// A list of small objects in the input of an operation: a grid.
import { Button } from '@mantine/core';
import { Icon } from '../design/icons';
import { IconButton } from '../design/parts';
import { useT } from '../i18n';
import { isNumeric } from '../registry';
import { widgetOf } from './index';
import type { EditProps, ReadProps, Widget } from './widget';
import type { Row, Values } from '../api/types';

const rowsOf = (value: unknown): Row[] => (Array.isArray(value) ? (value as Row[]) : []);

function Read({ field, value, plain }: ReadProps) {
  const rows = rowsOf(value);
  const fields = field.fields ?? [];
  if (plain) return <>{rows.length}</>;
  return (
    <table className="mini">
      <thead><tr>{fields.map((each) => <th key={each.name} data-number={isNumeric(each) || undefined}>{each.label}</th>)}</tr></thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {fields.map((each) => {
              const { Read: Cell } = widgetOf(each);
              return (
                <td key={each.name} data-number={isNumeric(each) || undefined}>
                  <Cell field={each} value={row[each.name]} title={row._titles?.[each.name]} />
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Edit({ field, value, onChange, disabled }: EditProps) {
  const t = useT();
  const rows = rowsOf(value);
  const fields = field.fields ?? [];
  const set = (index: number, change: Values) => onChange(rows.map((row, at) => (at === index ? { ...row, ...change } : row)));
  return (
    <div className="grid-wrap">
      <table className="lines" aria-label={field.label}>
        <thead>
          <tr>
            {fields.map((each) => <th key={each.name} scope="col" data-number={isNumeric(each) || undefined}>{each.label}</th>)}
            <th scope="col" className="lines-tool"><span className="hidden-text">{t('app.more')}</span></th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {fields.map((each) => {
                const { Read: Shown, Edit: Editor } = widgetOf(each);
                return (
                  <td key={each.name} data-number={isNumeric(each) || undefined} data-label={each.label}>
                    {each.read_only ? (
                      <div className="cell-read"><Shown field={each} value={row[each.name]} title={row._titles?.[each.name]} plain /></div>
                    ) : (
                      <Editor field={each} value={row[each.name] ?? each.default} title={row._titles?.[each.name]} cell disabled={disabled}
                        label={t('lines.cell', { field: each.label, number: index + 1 })}
                        onChange={(next) => set(index, { [each.name]: next })} />
                    )}
                  </td>
                );
              })}
              <td className="lines-tool">
                <IconButton icon="trash" iconSize={15} size={26} label={t('lines.remove', { number: index + 1 })} disabled={disabled}
                  onClick={() => onChange(rows.filter((_, at) => at !== index))} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <Button size="compact-sm" variant="subtle" color="gray" leftSection={<Icon name="plus" size={14} />} disabled={disabled}
        onClick={() => onChange([...rows, {}])}>
        {t('lines.add')}
      </Button>
    </div>
  );
}

export const list: Widget = { Read, Edit, group: true, wide: true };
