import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useRef } from 'react';
import { api, asProblem } from '../api/client';
import type { StoredFile } from '../api/types';
import { Icon } from '../design/icons';
import { useI18n } from '../i18n';
import type { EditProps, ReadProps, Widget } from './widget';

export function FileLink({ file }: { file: StoredFile }) {
  const { t, locale } = useI18n();
  const size = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(file.size / 1000);
  return (
    <>
      <a href={api.fileAddress(file.id)} download={file.name}>{file.name}</a>{' '}
      <span className="dim small num">{t('any.bytes', { size })}</span>
    </>
  );
}

const fileOf = (value: unknown): StoredFile | null =>
  value && typeof value === 'object' && 'id' in value ? (value as StoredFile) : null;

function Read({ value, plain }: ReadProps) {
  const file = fileOf(value);
  if (!file) return null;
  return plain ? <>{file.name}</> : <FileLink file={file} />;
}

function Edit(props: EditProps) {
  const { t } = useI18n();
  const input = useRef<HTMLInputElement>(null);
  const upload = useMutation({ mutationFn: (file: File) => api.upload(file), onSuccess: (stored) => props.onChange(stored) });
  const file = fileOf(props.value);
  return (
    <div className="row-of-buttons">
      {file ? <span><FileLink file={file} /></span> : null}
      <Button size="compact-sm" variant="default" loading={upload.isPending} disabled={props.disabled}
        leftSection={<Icon name="paperclip" size={14} />} onClick={() => input.current?.click()}>
        {t('field.upload')}
      </Button>
      <input ref={input} id={props.id} type="file" hidden aria-label={props.label ?? props.field.label}
        onChange={(event) => {
          const chosen = event.currentTarget.files?.[0];
          if (chosen) upload.mutate(chosen);
          event.currentTarget.value = '';
        }} />
      {upload.isError ? <span role="alert" className="field-error">{asProblem(upload.error).detail ?? asProblem(upload.error).title}</span> : null}
    </div>
  );
}

export const file: Widget = { Read, Edit, group: true };
