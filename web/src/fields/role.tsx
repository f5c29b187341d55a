// Roles are stored by their codes and shown by the labels that the server gives them.
import { roleLabel, useMeta } from '../registry';
import { Choose } from './choice';
import { text } from './text';
import type { Widget } from './widget';

function ReadRoles({ value }: { value: unknown }) {
  const meta = useMeta();
  const codes = typeof value === 'string' ? value.split(' ').filter(Boolean) : [];
  return <>{codes.map((code) => roleLabel(meta, code)).join(', ')}</>;
}

/** One role. */
export const role: Widget = {
  Read: ReadRoles,
  Edit: function EditRole(props) {
    return <Choose {...props} options={useMeta().roles.map(({ code, label }) => ({ value: code, label }))} />;
  },
};

/** Several, typed as codes with spaces between. */
export const roles: Widget = { Read: ReadRoles, Edit: text.Edit };
