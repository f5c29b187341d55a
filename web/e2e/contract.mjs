// What was recorded of the interface (test/recorded.json) still is what the server answers; the mock is held to the same record.
import { answers, differences, over, recorded, shapesOf } from '../test/contract.mjs';
import { check } from './kit.mjs';

export const title = 'contract';

export async function run({ url }) {
  const real = shapesOf(await answers(over(url)));
  const wrong = differences(recorded(), real);
  check(wrong.length === 0, `The server answers otherwise than recorded (npm run record writes it anew):\n${wrong.join('\n')}`);
}
