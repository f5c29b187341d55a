// What the first load weighs as transferred (Brotli), and the largest parts that are loaded later.
import { readdirSync, readFileSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

const LIMIT = 250_000;
const dist = new URL('../dist/', import.meta.url);
const weigh = (name) => {
  const content = readFileSync(new URL(name, dist));
  return brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }).length;
};

const html = readFileSync(new URL('index.html', dist), 'utf8');
if (/<script(?![^>]*\ssrc=)/.test(html)) throw new Error('index.html holds an inline script, which the policy forbids');
const first = ['index.html', ...[...html.matchAll(/(?:src|href)="\/([^"]+)"/g)].map((match) => match[1])];
let total = 0;
for (const name of first) {
  const size = weigh(name);
  total += size;
  console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${name}`);
}
console.log(`${(total / 1000).toFixed(1).padStart(7)} kB  first load (limit ${LIMIT / 1000} kB)`);
const later = readdirSync(new URL('assets/', dist)).map((name) => `assets/${name}`).filter((name) => !first.includes(name));
console.log('Later:');
for (const [name, size] of later.map((name) => [name, weigh(name)]).sort((a, b) => b[1] - a[1]).slice(0, 8)) {
  console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${name}`);
}
if (total > LIMIT) {
  console.error('The first load is too heavy.');
  process.exit(1);
}
