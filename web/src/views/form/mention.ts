/** The name that is being typed at `at`: what follows the last `@`. */
export function mentionAt(text: string, at: number): { from: number; typed: string } | null {
  const match = /(?:^|[^\p{L}\p{N}])@([\p{L}\p{N}._-]*)$/u.exec(text.slice(0, at));
  return match ? { from: at - match[1]!.length, typed: match[1]! } : null;
}
