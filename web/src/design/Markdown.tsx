// Instructions are Markdown of the process's author. Raw HTML in it stays text; addresses of scripts are dropped.
import Reader from 'markdown-to-jsx';

const OPTIONS = {
  disableParsingRawHTML: true,
  forceBlock: true,
  overrides: { a: { props: { target: '_blank', rel: 'noopener noreferrer' } }, img: { component: () => null } },
} as const;

export default function Markdown({ text }: { text: string }) {
  return <div className="markdown"><Reader options={OPTIONS}>{text}</Reader></div>;
}
