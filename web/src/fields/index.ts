import type { Field, Kind } from '../api/types';
import { bool, choice, country, language } from './choice';
import { date, time, timestamp } from './date';
import { file } from './file';
import './fields.css';
import { json } from './json';
import { list } from './list';
import { dec, duration, int, money } from './number';
import { anyRef, many, ref } from './ref';
import { role, roles } from './role';
import { email, longText, phone, text } from './text';
import type { Widget } from './widget';

const widgets: Record<Kind, Widget> = {
  text, long_text: longText, email, phone, country, language, choice, date, time, timestamp, int, duration, ref, dec, money,
  bool, any_ref: anyRef, many, lines: list, list, json, file,
};

/** What a text stands for may matter more than that it is one. */
const meanings: Record<string, Widget> = { role, roles };

/** A kind that this client does not know yet is shown as it is. */
export function widgetOf(field: Pick<Field, 'kind' | 'role'>): Widget {
  return (field.kind === 'text' ? meanings[field.role ?? ''] : undefined) ?? widgets[field.kind] ?? json;
}
