// Each family of screens in a real browser, against a running demo company:
//   CELEK_URL=http://127.0.0.1:8080 node e2e/screens.mjs [list form …] [--shots FOLDER]
import { mkdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as access from './access.mjs';
import * as around from './around.mjs';
import * as arrange from './arrange.mjs';
import * as contract from './contract.mjs';
import * as form from './form.mjs';
import * as inbox from './inbox.mjs';
import { launch } from './lib.mjs';
import * as list from './list.mjs';
import * as refusal from './refusal.mjs';
import * as safe from './safe.mjs';
import * as shapes from './shapes.mjs';
import * as typing from './typing.mjs';
import * as shell from './shell.mjs';

const { values: options, positionals } = parseArgs({ options: { shots: { type: 'string' } }, allowPositionals: true });
const families = [contract, list, arrange, shapes, form, typing, refusal, inbox, around, shell, safe, access].filter((family) => !positionals.length || positionals.includes(family.title));
const browser = await launch();

for (const family of families) {
  const started = Date.now();
  const opened = [];
  const session = { ...browser, open: async (more) => { const client = await browser.open(more); opened.push(client); return client; } };
  const seconds = () => `${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${family.title.padEnd(9)}`;
  try {
    await family.run(session);
    const faults = opened.flatMap((client) => client.faults);
    if (faults.length) throw new Error(`Faults in the page:\n${faults.join('\n')}`);
    console.log(`${seconds()} good`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`${seconds()} ${error instanceof Error ? error.stack : error}`);
    for (const [index, client] of opened.entries()) {
      console.error(`  ${client.page.url()} ${client.faults.join(' | ')}`);
      if (options.shots) {
        mkdirSync(options.shots, { recursive: true });
        await client.shot(`${options.shots}/failed-${family.title}-${index}.png`).catch(() => {});
      }
    }
  }
  await Promise.all(opened.map((client) => client.close().catch(() => {})));
}
await browser.close();
