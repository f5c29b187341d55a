// Texts are texts: what people type runs nowhere, nothing is fetched from elsewhere, and the policy would stop the rest.
import { check, rows, same, send } from './kit.mjs';

export const title = 'safe';

const BAD = [
  '<script>window.ran = 1</script>', '<img src=x onerror="window.ran = 2">', '"><svg onload=window.ran=3>', "javascript:window.ran=4", '{{constructor.constructor("window.ran=5")()}}',
  '[x](javascript:window.ran=6)', '<iframe srcdoc="<script>parent.ran=7</script>"></iframe>',
];

export async function run(session) {
  const admin = await session.open();
  const hosts = new Set();
  admin.page.on('request', (request) => hosts.add(new URL(request.url()).host));
  await admin.signIn('admin');
  const { page } = admin;
  const bad = (at) => BAD[at % BAD.length];

  // Into every text field of what people create: all that may be typed, in one record of each kind.
  const made = [];
  let typed = 0;
  for (const name of ['party.party', 'crm.lead', 'product.product', 'sales.order', 'party.tag']) {
    const entity = await admin.entity(name);
    const body = {};
    for (const [at, field] of entity.fields.entries()) {
      if (field.read_only || field.by_operation || !['text', 'long_text'].includes(field.kind) || field.choices || field.default || field.role === 'number') continue;
      body[field.name] = bad(at).slice(0, field.max ?? 200);
      typed += 1;
    }
    if (name === 'sales.order') {
      body.customer = made[0].id;
      body.lines = [{ description: bad(1), quantity: '1', price: '1' }];
    }
    if (name === 'product.product') Object.assign(body, { code: `XSS-${Date.now().toString(36)}` });
    if (name === 'party.party') Object.assign(body, { reg_no: undefined, vat_no: undefined, external: undefined });
    const answer = await page.request.post(`${admin.url}/api/v1/entities/${name}`, { data: body, headers: { Origin: admin.url } });
    const told = await answer.json();
    // What a rule refuses (a number with a shape) is left out; the rest has to be taken.
    if (!answer.ok()) {
      for (const error of told.errors ?? []) delete body[String(error.field).split('.')[0]];
      made.push({ name, ...(await send(admin, 'POST', `entities/${name}`, { ...body, ...(name === 'product.product' ? { name: bad(1), unit: (await rows(admin, 'product.unit', {}, { limit: 1 }))[0].id } : {}) })) });
    } else made.push({ name, ...told });
  }
  check(typed >= 10, `Only ${typed} text fields were typed into`);
  for (const { name, id } of made) {
    for (const text of BAD.slice(0, 3)) await send(admin, 'POST', 'operations/platform.note.add', { record: { entity: name, id }, text: `${text} @admin` });
  }

  // On every screen that shows them.
  for (const { name, id } of made) {
    for (const path of [`/e/${name}?sort=-id`, `/e/${name}/${id}`, `/e/${name}?shape=board`]) {
      await page.goto(`${admin.url}${path}`);
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      await admin.settled();
      same(await page.evaluate(() => window.ran ?? null), null, `what ran at ${path}`);
    }
    await page.keyboard.press('Control+k');
    await page.keyboard.type('script');
    await page.waitForTimeout(300);
    same(await page.evaluate(() => [window.ran ?? null, document.querySelectorAll('main script, main iframe, main img[src="x"], [onerror], [onload]').length]), [null, 0], 'what ran in the palette, and foreign elements');
    await page.keyboard.press('Escape');
  }

  // Nobody should meet them again.
  for (const { name, id } of made.reverse()) await page.request.delete(`${admin.url}/api/v1/entities/${name}/${id}`, { headers: { Origin: admin.url } });

  // The policy: scripts from our own files alone, nothing from elsewhere, no frame around us; the cookie is out of reach.
  const answer = await page.request.get(admin.url);
  const policy = answer.headers()['content-security-policy'] ?? '';
  const scripts = /script-src ([^;]*)/.exec(policy)?.[1] ?? '';
  check(scripts.includes("'self'") && !/unsafe|\*|https?:|data:/.test(scripts), `script-src is ${scripts}`);
  check(/frame-ancestors 'none'/.test(policy) && /object-src 'none'|default-src 'none'/.test(policy), `The policy is ${policy}`);
  const [cookie] = await page.context().cookies();
  check(cookie.httpOnly && cookie.sameSite === 'Strict', `The cookie is ${JSON.stringify(cookie)}`);
  const stopped = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = 99';
    document.body.append(script);
    return window.ran ?? null;
  });
  same(stopped, null, 'an inline script that got into the page');
  same([...hosts], [new URL(admin.url).host], 'servers that were asked');
  admin.faults = admin.faults.filter((fault) => !/Content.Security.Policy|inline script/i.test(fault));
}
