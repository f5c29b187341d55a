import { ActionIcon } from '@mantine/core';
import { useRef } from 'react';
import { Icon } from '../design/icons';
import { useI18n } from '../i18n';
import { formatDate, formatTimestamp, fromZone, parseDate, toZone } from '../i18n/format';
import { TypedInput } from './number';
import { control, type Widget } from './widget';

const isDate = (value: unknown): value is string => typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value);

export const date: Widget = {
  Read: function ReadDate({ value }) {
    const { locale } = useI18n();
    return <span className="num">{formatDate(value, locale)}</span>;
  },
  Edit: function EditDate(props) {
    const { locale, timeZone } = useI18n();
    // Today is there where the company is.
    const today = () => new Date(`${toZone(new Date().toISOString(), timeZone) || new Date().toISOString().slice(0, 16)}:00`);
    const calendar = useRef<HTMLInputElement>(null);
    const shown = isDate(props.value) ? formatDate(props.value, locale) : String(props.value ?? '');
    const editable = isDate(props.value)
      ? formatDate(props.value, 'cs-CZ').replace(/[\s\u00a0]/g, '')
      : String(props.value ?? '');
    return (
      <div className="with-buttons">
        <TypedInput props={props} number={false} typed={{ shown, editable, read: (text) => parseDate(text, today()) ?? text }} />
        <span className="buttons">
          {/* Not in the tab order: the field itself takes the date, this is for the mouse. */}
          <ActionIcon variant="subtle" color="gray" size={26} tabIndex={-1} aria-hidden disabled={props.disabled}
            onClick={() => calendar.current?.showPicker()}>
            <Icon name="calendar" size={15} />
          </ActionIcon>
        </span>
        <input ref={calendar} className="native-date" type="date" tabIndex={-1} aria-hidden disabled={props.disabled}
          value={isDate(props.value) ? props.value : ''} onChange={(event) => props.onChange(event.currentTarget.value || null)} />
      </div>
    );
  },
};

export const time: Widget = {
  Read: ({ value }) => <span className="num">{String(value ?? '').slice(0, 5)}</span>,
  Edit: (props) => (
    <input {...control(props)} type="time" value={String(props.value ?? '').slice(0, 5)}
      onChange={(event) => props.onChange(event.currentTarget.value || null)} />
  ),
};

export const timestamp: Widget = {
  Read: function ReadTimestamp({ value }) {
    const { locale, timeZone } = useI18n();
    return <span className="num">{value ? formatTimestamp(value, locale, timeZone) : ''}</span>;
  },
  Edit: function EditTimestamp(props) {
    const { timeZone } = useI18n();
    return (
      <input {...control(props)} type="datetime-local" value={toZone(props.value, timeZone)}
        onChange={(event) => props.onChange(event.currentTarget.value ? fromZone(event.currentTarget.value, timeZone) : null)} />
    );
  },
};
