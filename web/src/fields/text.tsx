import { control, type EditProps, type ReadProps, type Widget } from './widget';

const words = (value: unknown): string => (value === null || value === undefined ? '' : String(value));

function Read({ value }: ReadProps) {
  return <>{words(value)}</>;
}

const editor = (type: string, inputMode?: 'email' | 'tel', autoComplete = 'off') =>
  function Edit(props: EditProps) {
    return (
      <input
        {...control(props)}
        type={type}
        inputMode={inputMode}
        autoComplete={autoComplete}
        placeholder={props.hint}
        maxLength={props.field.max ?? undefined}
        value={words(props.value)}
        onChange={(event) => props.onChange(event.currentTarget.value === '' ? null : event.currentTarget.value)}
      />
    );
  };

export const text: Widget = { Read, Edit: editor('text') };

function ReadLong({ value, plain }: ReadProps) {
  return plain ? <span className="ellipsis">{words(value)}</span> : <span className="long-text">{words(value)}</span>;
}

function EditLong(props: EditProps) {
  return (
    <textarea
      {...control(props)}
      rows={props.cell ? 1 : 2}
      maxLength={props.field.max ?? undefined}
      value={words(props.value)}
      onChange={(event) => props.onChange(event.currentTarget.value === '' ? null : event.currentTarget.value)}
    />
  );
}

export const longText: Widget = { Read: ReadLong, Edit: EditLong, wide: true };

// A text field for e-mail, not type="email": the server judges, and the browser's own bubble speaks another language.
export const email: Widget = {
  Read: ({ value, plain }) => (plain || !value ? <>{words(value)}</> : <a href={`mailto:${words(value)}`}>{words(value)}</a>),
  Edit: editor('text', 'email'),
};

export const phone: Widget = {
  Read: ({ value, plain }) => (plain || !value ? <>{words(value)}</> : <a href={`tel:${words(value)}`}>{words(value)}</a>),
  Edit: editor('tel', 'tel'),
};
