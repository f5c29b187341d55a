// A small harness: steps that are timed and told, checks that say what was there instead.
export const check = (condition, message) => {
  if (!condition) throw new Error(message);
};

export const same = (found, wanted, what) =>
  check(JSON.stringify(found) === JSON.stringify(wanted), `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);

/** Waits until the answer is what is wanted; screens follow their data a moment later. */
export async function until(read, wanted, what, patience = 8000) {
  const end = Date.now() + patience;
  let found;
  do {
    found = await read().catch((error) => error.message);
    if (typeof wanted === 'function' ? wanted(found) : JSON.stringify(found) === JSON.stringify(wanted)) return found;
    await new Promise((done) => setTimeout(done, 50));
  } while (Date.now() < end);
  throw new Error(`${what}: ${(JSON.stringify(found) ?? 'nothing').slice(0, 400)} instead of ${typeof wanted === 'function' ? 'what it should be' : JSON.stringify(wanted)}`);
}

/** Spaces of all kinds are one. */
export const plain = (text) => text.replace(/[\s\u00a0\u202f]+/g, ' ').trim();

export const rows = async (client, entity, filter = {}, more = {}) =>
  (await client.api(`entities/${entity}`, { filter: JSON.stringify(filter), titles: 1, ...more })).rows;

/** Writes as the signed-in person, past the screens. */
export async function send(client, method, path, body) {
  const answer = await client.page.request.fetch(`${client.url}/api/v1/${path}`, {
    method, data: body, headers: { Origin: client.url, 'Content-Type': 'application/json' },
  });
  check(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`);
  return answer.status() === 204 ? null : answer.json();
}

/** Decimal strings, added without floats. */
export function add(amounts) {
  const minor = amounts.reduce((sum, amount) => sum + BigInt(amount.replace('.', '')), 0n);
  const text = String(minor < 0n ? -minor : minor).padStart(3, '0');
  return `${minor < 0n ? '-' : ''}${text.slice(0, -2)}.${text.slice(-2)}`;
}
