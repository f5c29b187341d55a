// Finding by a few letters: the beginning of a word counts most, then what stands together, then letters in their order.

export const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** How well `typed` fits; 0 where it does not. */
export function fuzzy(typed: string, label: string): number {
  const needle = plain(typed.trim());
  const hay = plain(label);
  if (!needle) return 0;
  if (hay === needle) return 1000;
  if (hay.startsWith(needle)) return 900 - hay.length;
  const at = hay.indexOf(needle);
  if (at > 0) return (/[\s:.-]/.test(hay[at - 1]!) ? 800 : 600) - hay.length;
  // Letters in their order, and the first one at the beginning of a word; of a single letter that says nothing.
  if (needle.length < 2) return 0;
  let from = hay.split('').findIndex((letter, index) => letter === needle[0] && (index === 0 || /[\s:.-]/.test(hay[index - 1]!)));
  if (from < 0) return 0;
  const start = from;
  for (const letter of needle.replace(/\s/g, '')) {
    from = hay.indexOf(letter, from);
    if (from < 0) return 0;
    from += 1;
  }
  const spread = from - start - needle.length;
  return spread > needle.length * 4 ? 0 : Math.max(1, 400 - spread * 10 - hay.length);
}
