// Notes on a record. `@` names a colleague, who is told.
import { Button, Combobox, useCombobox } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState, type KeyboardEvent } from 'react';
import { api, asProblem, newKey } from '../../api/client';
import { useI18n } from '../../i18n';
import { formatTimestamp } from '../../i18n/format';
import { useMeta } from '../../registry';
import { keys } from '../../registry/keys';
import { mentionAt } from './mention';
import { RailSection } from './Rail';

interface Note {
  text: string;
  author?: string | null;
  at: string;
}

const WORDS = /(@[a-z0-9._-]*[a-z0-9])/i;

export function Notes({ entity, id }: { entity: string; id: number }) {
  const { t, locale, timeZone } = useI18n();
  const meta = useMeta();
  const may = 'platform.note.list' in meta.operations && 'platform.note.add' in meta.operations;
  const client = useQueryClient();
  const record = { entity, id };
  const found = useQuery({
    queryKey: keys.notes(entity, id),
    queryFn: ({ signal }) => api.read<{ notes: Note[] }>('platform.note.list', { record: JSON.stringify(record) }, signal),
    enabled: may,
  });
  const [text, setText] = useState('');
  const key = useRef({ text: '', key: '' });
  const add = useMutation({
    mutationFn: (typed: string) => {
      // The same note, sent again after a lost connection, is one note.
      if (key.current.text !== typed) key.current = { text: typed, key: newKey() };
      return api.operate('platform.note.add', { record, text: typed }, key.current.key);
    },
    onSuccess: () => {
      key.current = { text: '', key: '' };
      setText('');
      return client.invalidateQueries({ queryKey: keys.notes(entity, id) });
    },
  });
  if (!may) return null;
  const notes = found.data?.notes ?? [];
  return (
    <RailSection title={t('notes.title')} count={notes.length}>
      <Write text={text} onText={setText} onSend={() => { if (text.trim() && !add.isPending) add.mutate(text.trim()); }} />
      {text.trim() ? <Button size="compact-sm" variant="default" loading={add.isPending} onClick={() => add.mutate(text.trim())}>{t('notes.add')}</Button> : null}
      {add.isError ? <div className="field-error" role="alert">{asProblem(add.error).detail ?? asProblem(add.error).title}</div> : null}
      <ol className="notes">
        {notes.map((note, at) => (
          <li key={`${note.at} ${at}`}>
            <p>{note.text.split(WORDS).map((part, index) => (WORDS.test(part) ? <b key={index} className="mention">{part}</b> : part))}</p>
            <span className="dim small">{[note.author, formatTimestamp(note.at, locale, timeZone)].filter(Boolean).join(', ')}</span>
          </li>
        ))}
      </ol>
    </RailSection>
  );
}

function Write({ text, onText, onSend }: { text: string; onText: (text: string) => void; onSend: () => void }) {
  const { t } = useI18n();
  const box = useRef<HTMLTextAreaElement>(null);
  const [mention, setMention] = useState<{ from: number; typed: string } | null>(null);
  const combobox = useCombobox({ opened: mention !== null, onDropdownClose: () => combobox.resetSelectedOption() });
  const typed = mention?.typed ?? '';
  const named = typed ? { or: [{ login: { contains: typed.toLowerCase() } }, { name: { contains: typed } }] } : undefined;
  const query = { filter: named ? { and: [{ active: true }, named] } : { active: true }, limit: 8 };
  const people = useQuery({
    queryKey: keys.list('platform.user', query),
    queryFn: ({ signal }) => api.list('platform.user', query, signal),
    enabled: mention !== null,
  });
  const rows = people.data?.rows ?? [];
  const look = () => {
    const control = box.current;
    setMention(control ? mentionAt(control.value, control.selectionStart) : null);
  };
  const take = (login: string) => {
    if (!mention) return;
    const end = mention.from + mention.typed.length;
    onText(`${text.slice(0, mention.from)}${login} ${text.slice(end)}`);
    setMention(null);
    const at = mention.from + login.length + 1;
    setTimeout(() => {
      box.current?.focus();
      box.current?.setSelectionRange(at, at);
    });
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      onSend();
    } else if (event.key === 'Escape' && mention) {
      event.stopPropagation();
      setMention(null);
    } else if ((event.key === 'Enter' || event.key === 'Tab') && mention && rows.length && combobox.getSelectedOptionIndex() < 0) {
      event.preventDefault();
      take(String(rows[0]!.login));
    }
  };
  return (
    <Combobox store={combobox} onOptionSubmit={take} position="bottom-start" width={240}>
      <Combobox.Target>
        <textarea ref={box} className="input note-input" rows={text ? 3 : 1} aria-label={t('notes.write')} placeholder={t('notes.write')} value={text} onKeyDown={press}
          onChange={(event) => { onText(event.currentTarget.value); look(); }} onClick={look} onBlur={() => setTimeout(() => setMention(null), 150)} />
      </Combobox.Target>
      <Combobox.Dropdown hidden={!mention || rows.length === 0}>
        <Combobox.Options aria-label={t('notes.who')}>
          {rows.map((row) => (
            <Combobox.Option key={row.id} value={String(row.login)}>{String(row.name)} <span className="dim small">@{String(row.login)}</span></Combobox.Option>
          ))}
        </Combobox.Options>
      </Combobox.Dropdown>
    </Combobox>
  );
}
