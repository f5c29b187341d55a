import { useLayoutEffect, useRef, useState } from 'react';
import { useI18n } from '../i18n';
import {
  currencySymbol, editableNumber, formatAmount, formatDecimal, formatDuration, isDecimal, isNegative, parseDuration, parseNumber,
} from '../i18n/format';
import { useMeta } from '../registry';
import { control, type EditProps, type ReadProps, type Widget } from './widget';

interface Typed {
  /** What stands in the field while nobody types. */
  shown: string;
  /** What stands in it when typing begins. */
  editable: string;
  /** The value of what was typed; what cannot be read goes on as it was typed, so that nothing is lost. */
  read: (typed: string) => unknown;
}

/** A field whose value and text differ: while it has the focus the text is the person's own. */
export function TypedInput({ props, typed, inputMode, number = true, placeholder }: {
  props: EditProps;
  typed: Typed;
  inputMode?: 'decimal' | 'numeric' | 'text';
  number?: boolean;
  placeholder?: string;
}) {
  const [own, setOwn] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const editing = own !== null;
  // At once, not a frame later: the first key may come sooner.
  useLayoutEffect(() => {
    if (editing && document.activeElement === input.current) input.current?.select();
  }, [editing]);
  return (
    <input
      {...control(props)}
      ref={input}
      type="text"
      inputMode={inputMode}
      autoComplete="off"
      data-number={number || undefined}
      placeholder={placeholder}
      value={own ?? typed.shown}
      onFocus={() => setOwn(typed.editable)}
      onChange={(event) => {
        const text = event.currentTarget.value;
        setOwn(text);
        props.onChange(text.trim() === '' ? null : typed.read(text));
      }}
      onBlur={() => setOwn(null)}
    />
  );
}

function Number_({ value }: ReadProps) {
  const { locale } = useI18n();
  return <span className={isNegative(value) ? 'num negative' : 'num'}>{formatDecimal(value, locale)}</span>;
}

export const dec: Widget = {
  Read: Number_,
  Edit: function EditDec(props) {
    const { language, locale } = useI18n();
    const typed: Typed = {
      shown: formatDecimal(props.value, locale),
      editable: isDecimal(props.value) ? editableNumber(props.value, language) : String(props.value ?? ''),
      read: (text) => parseNumber(text, language) ?? text,
    };
    return <TypedInput props={props} typed={typed} inputMode="decimal" />;
  },
};

export const int: Widget = {
  Read: Number_,
  Edit: function EditInt(props) {
    const { language, locale } = useI18n();
    const typed: Typed = {
      shown: formatDecimal(props.value, locale),
      editable: String(props.value ?? ''),
      read: (text) => {
        const value = parseNumber(text, language);
        return value !== null && /^-?\d+$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value) : text;
      },
    };
    return <TypedInput props={props} typed={typed} inputMode="numeric" />;
  },
};

export const duration: Widget = {
  Read: ({ value }) => <span className="num">{formatDuration(value)}</span>,
  Edit: function EditDuration(props) {
    const { t } = useI18n();
    const typed: Typed = {
      shown: formatDuration(props.value),
      editable: formatDuration(props.value),
      read: (text) => parseDuration(text) ?? text,
    };
    return <TypedInput props={props} typed={typed} placeholder={t('field.hours')} />;
  },
};

interface MoneyValue {
  amount?: string;
  currency?: string;
}

export const moneyOf = (value: unknown): MoneyValue => (value && typeof value === 'object' ? (value as MoneyValue) : {});

export const money: Widget = {
  Read: function ReadMoney({ value }) {
    const { locale } = useI18n();
    const { amount, currency } = moneyOf(value);
    if (amount === undefined || amount === null) return null;
    const symbol = currency ? currencySymbol(currency, locale) : null;
    const unit = symbol ? <span className="currency">{symbol.text}</span> : null;
    return (
      <span className={isNegative(amount) ? 'num negative' : 'num'}>
        {symbol?.before ? <>{unit}{'\u00a0'}</> : null}
        {formatAmount(amount, locale, currency)}
        {unit && !symbol?.before ? <>{'\u00a0'}{unit}</> : null}
      </span>
    );
  },
  Edit: function EditMoney(props) {
    const { language, locale } = useI18n();
    const meta = useMeta();
    const { amount, currency = meta.company.currency } = moneyOf(props.value);
    const typed: Typed = {
      shown: amount === undefined ? '' : formatAmount(amount, locale, currency),
      editable: isDecimal(amount) ? editableNumber(amount, language) : amount ?? '',
      read: (text) => ({ amount: parseNumber(text, language) ?? text, currency }),
    };
    return (
      <div className="with-suffix">
        <TypedInput props={props} typed={typed} inputMode="decimal" placeholder=" " />
        <span className="suffix">{currencySymbol(currency, locale).text}</span>
      </div>
    );
  },
};
