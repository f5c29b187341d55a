import { useMemo } from 'react';
import { Badge } from '../design/parts';
import { useI18n } from '../i18n';
import { countryName, languageName } from '../i18n/format';
import { COUNTRIES, LANGUAGES } from './codes';
import { control, type EditProps, type ReadProps, type Widget } from './widget';

interface Option {
  value: string;
  label: string;
}

export function Choose({ options, ...props }: EditProps & { options: Option[] }) {
  const value = props.value === null || props.value === undefined ? '' : String(props.value);
  // A value that is no longer offered is still shown: nothing disappears by being looked at.
  const known = value === '' || options.some((option) => option.value === value);
  return (
    <select {...control(props)} value={value} onChange={(event) => props.onChange(event.currentTarget.value || null)}>
      {!props.field.required || value === '' ? <option value="">{''}</option> : null}
      {known ? null : <option value={value}>{value}</option>}
      {options.map((option) => <option key={option.value} value={option.value}>{option.label}</option>)}
    </select>
  );
}

function ReadChoice({ field, value }: ReadProps) {
  if (value === null || value === undefined || value === '') return null;
  const choice = field.choices?.find((each) => each.value === value);
  return choice?.colour ? <Badge colour={choice.colour}>{choice.label}</Badge> : <>{choice?.label ?? String(value)}</>;
}

export const choice: Widget = {
  Read: ReadChoice,
  Edit: (props) => <Choose {...props} options={props.field.choices ?? []} />,
};

function useNames(codes: readonly string[], name: (code: string, locale: string) => string): Option[] {
  const { locale } = useI18n();
  return useMemo(
    () => codes.map((code) => ({ value: code, label: name(code, locale) })).sort((a, b) => a.label.localeCompare(b.label, locale)),
    [codes, name, locale],
  );
}

export const country: Widget = {
  Read: function ReadCountry({ value }) {
    const { locale } = useI18n();
    return <>{countryName(value, locale)}</>;
  },
  Edit: function EditCountry(props) {
    return <Choose {...props} options={useNames(COUNTRIES, countryName)} />;
  },
};

export const language: Widget = {
  Read: function ReadLanguage({ value }) {
    const { locale } = useI18n();
    return <>{languageName(value, locale)}</>;
  },
  Edit: function EditLanguage(props) {
    return <Choose {...props} options={useNames(LANGUAGES, languageName)} />;
  },
};

export const bool: Widget = {
  Read: function ReadBool({ value }: ReadProps) {
    const { t } = useI18n();
    return value === null || value === undefined ? null : <>{t(value ? 'app.yes' : 'app.no')}</>;
  },
  Edit: (props) => (
    <input {...control(props)} className="check" type="checkbox" checked={props.value === true}
      onChange={(event) => props.onChange(event.currentTarget.checked)} />
  ),
};
