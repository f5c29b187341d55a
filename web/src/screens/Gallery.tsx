// Every widget in every state, on one page; only in development builds. The scheme and the language are those of the shell,
// the width that of the window; LONG lengthens each text by 40 %, to find what does not give way.
import { useState } from 'react';
import type { Field, Kind } from '../api/types';
import { Badge, IconButton, Quiet, Skeleton } from '../design/parts';
import { FieldSlot } from '../views/form/FieldSlot';
import '../views/form/form.css';

const VALUES: Partial<Record<Kind, unknown>> = {
  text: 'A cup, hand-painted', long_text: 'Two lines\nof text', email: 'jana@example.com', phone: '+420 607 838 917', country: 'CZ', language: 'cs', choice: 'open',
  date: '2026-11-24', time: '08:30', timestamp: '2026-11-24T08:30:00Z', int: 1234567, duration: 5400, dec: '-1234.5', money: { amount: '1234567.50', currency: 'CZK' },
  bool: true, json: { a: 1 }, list: [{ text: 'one', dec: '1' }],
};
const KINDS: Kind[] = ['text', 'long_text', 'email', 'phone', 'country', 'language', 'choice', 'date', 'time', 'timestamp', 'int', 'duration', 'ref', 'dec', 'money', 'bool', 'many', 'list', 'json', 'file'];

const longer = (text: string): string => text + ' ' + text.slice(0, Math.ceil(text.length * 0.4)).trim();

export function Gallery() {
  const [long, setLong] = useState(false);
  const say = (text: string) => (long ? longer(text) : text);
  const field = (kind: Kind): Field => ({
    name: kind, label: say(`A field of kind ${kind}`), help: say('What the field is for.'), kind, to: kind === 'ref' || kind === 'many' ? 'platform.user' : null, required: kind === 'text',
    choices: kind === 'choice' ? [{ value: 'open', label: say('Open'), colour: 'blue' }, { value: 'done', label: say('Done'), colour: 'green' }] : null,
    fields: kind === 'list' ? [{ name: 'text', label: say('Text'), kind: 'text' }, { name: 'dec', label: say('Number'), kind: 'dec' }] : null,
  });
  const [values, setValues] = useState<Record<string, unknown>>(VALUES);
  return (
    <div className="page">
      <header className="page-head">
        <h1>{say('Gallery')}</h1>
        <label className="check-line"><input type="checkbox" checked={long} onChange={(event) => setLong(event.currentTarget.checked)} /> LONG</label>
      </header>
      <div className="page-body form-main">
        {([['editable', {}], ['error', { error: say('This is not what it should be.') }], ['disabled', { disabled: true }], ['empty', { value: null }]] as const).map(([state, props]) => (
          <section key={state} className="form-section" aria-label={state}>
            <h2>{state}</h2>
            <div className="slots">
              {KINDS.map((kind) => <FieldSlot key={kind} field={field(kind)} value={values[kind]} editable onChange={(value) => setValues((old) => ({ ...old, [kind]: value }))} {...props} />)}
            </div>
          </section>
        ))}
        <section className="form-section" aria-label="read">
          <h2>read</h2>
          <div className="slots">{KINDS.map((kind) => <FieldSlot key={kind} field={field(kind)} value={values[kind]} editable={false} />)}</div>
        </section>
        <section className="form-section" aria-label="parts">
          <h2>parts</h2>
          <p>{(['grey', 'blue', 'green', 'amber', 'red'] as const).map((colour) => <Badge key={colour} colour={colour}>{say(colour)}</Badge>)} <IconButton icon="bell" label={say('A button')} /></p>
          <Skeleton rows={3} />
          <Quiet title={say('Nothing here yet')}>{say('What belongs here, and how it comes.')}</Quiet>
        </section>
      </div>
    </div>
  );
}
