// Draws the description of the interface. Texts are set as texts, never as markup.
const make = (tag, text, name) => {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  if (name) element.className = name;
  return element;
};

function resolve(all, schema, depth = 0) {
  if (!schema || typeof schema !== 'object' || depth > 4) return schema;
  if (schema.$ref) {
    const name = schema.$ref.split('/').pop();
    return depth > 1 ? { entity: name } : resolve(all, all.components.schemas[name], depth + 1);
  }
  if (Array.isArray(schema)) return schema.map((each) => resolve(all, each, depth + 1));
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, resolve(all, value, depth + 1)]));
}

function fill(details, all, operation) {
  if (details.dataset.filled) return;
  details.dataset.filled = '1';
  if (operation.description) details.append(make('p', operation.description));
  for (const parameter of operation.parameters ?? []) {
    details.append(make('div', `${parameter.name} (${parameter.in}${parameter.required ? ', required' : ''}): ${parameter.description ?? ''}`));
  }
  const show = (title, content) => {
    const schema = Object.values(content ?? {})[0]?.schema;
    if (!schema) return;
    details.append(make('h4', title), make('pre', JSON.stringify(resolve(all, schema), null, 2)));
  };
  show('Body', operation.requestBody?.content);
  for (const [status, answer] of Object.entries(operation.responses ?? {})) {
    if (status !== 'default') show(`Answer ${status}`, answer.content);
  }
}

function draw(all) {
  document.getElementById('about').append(make('p', all.info.description));
  const paths = document.getElementById('paths');
  paths.textContent = '';
  for (const [path, item] of Object.entries(all.paths)) {
    for (const method of ['get', 'post', 'patch', 'delete']) {
      const operation = item[method];
      if (!operation) continue;
      const details = make('details');
      const summary = make('summary');
      summary.append(make('span', method.toUpperCase(), 'method'), make('code', path), ` ${operation.summary ?? ''}`);
      details.append(summary);
      details.dataset.words = `${method} ${path} ${operation.summary ?? ''}`.toLowerCase();
      details.addEventListener('toggle', () => fill(details, all, operation));
      paths.append(details);
    }
  }
  const errors = document.getElementById('errors');
  for (const [code, message] of Object.entries(all['x-errors'] ?? {})) {
    const term = make('dt', code);
    term.id = `errors/${code}`;
    errors.append(term, make('dd', message));
  }
  document.getElementById('find').addEventListener('input', (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const details of paths.children) details.hidden = !words.every((word) => details.dataset.words.includes(word));
  });
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

fetch('/api/v1/openapi.json')
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(`HTTP ${answer.status}`))))
  .then(draw)
  .catch((error) => {
    document.getElementById('paths').textContent = `The description could not be read: ${error.message}`;
  });
