import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answers, differences, over, recorded, shapesOf } from './contract.mjs';

const port = 20_000 + (process.pid % 20_000);
const url = `http://127.0.0.1:${port}`;
let mock: ChildProcess;

beforeAll(async () => {
  mock = spawn(process.execPath, [fileURLToPath(new URL('../mock/server.mjs', import.meta.url))], { env: { ...process.env, PORT: String(port) }, stdio: 'ignore' });
  for (let turn = 0; turn < 100; turn += 1) {
    if (await fetch(`${url}/api/v1/session`).then((answer) => answer.ok, () => false)) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('The mock does not start');
}, 20_000);

afterAll(async () => {
  mock.kill();
  await once(mock, 'exit');
});

it('the mock answers as the real server did', async () => {
  expect(differences(recorded(), shapesOf(await answers(over(url))))).toEqual([]);
}, 30_000);

it('a difference would be seen', () => {
  const wanted = { list: ['list.rows: list', 'list.count: number', 'list.next: null'] };
  expect(differences(wanted, { list: ['list.rows: list', 'list.count: number', 'list.next: string'] })).toEqual([]);
  expect(differences(wanted, { list: ['list.rows: list', 'list.count: string', 'list.next: null'] })).toEqual(['list.count: string instead of number']);
  expect(differences(wanted, { list: ['list.rows: list', 'list.next: null'] })).toEqual(['list.count: missing']);
  expect(differences(wanted, {})).toHaveLength(3);
});
