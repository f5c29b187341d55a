// Writes down the shapes of a real server's answers, for the test that keeps the mock in step:
//   CELEK_URL=http://127.0.0.1:8080 node scripts/record.mjs        (a demo company; it makes an order there)
import { answers, over, record, shapesOf } from '../test/contract.mjs';

const url = (process.env.CELEK_URL ?? 'http://127.0.0.1:8080').replace(/\/$/, '');
const shapes = shapesOf(await answers(over(url)));
record(shapes);
console.log(`${Object.values(shapes).flat().length} shapes of ${Object.keys(shapes).length} answers were recorded.`);
