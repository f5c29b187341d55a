import { useState } from 'react';
import { control, type EditProps, type ReadProps, type Widget } from './widget';

const pretty = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value, null, 2);

function Read({ value, plain }: ReadProps) {
  if (value === null || value === undefined) return null;
  return plain ? <span className="ellipsis">{JSON.stringify(value)}</span> : <pre className="json">{pretty(value)}</pre>;
}

function Edit(props: EditProps) {
  const [own, setOwn] = useState<string | null>(null);
  return (
    <textarea
      {...control(props)}
      rows={4}
      spellCheck={false}
      style={{ fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12 }}
      value={own ?? pretty(props.value)}
      onChange={(event) => {
        const text = event.currentTarget.value;
        setOwn(text);
        try {
          props.onChange(text.trim() === '' ? null : (JSON.parse(text) as unknown));
        } catch {
          props.onChange(text);
        }
      }}
      onBlur={() => setOwn(null)}
    />
  );
}

export const json: Widget = { Read, Edit, wide: true };
