// SPDX-License-Identifier: Apache-2.0
'use strict';
/* The page: fetches what is new, and shows it. */

const page = JSON.parse(byId('data').textContent);
const runs = page.runs.map(name => new RunData(name));
const view = { axis: 'step', logX: false, logY: false, keep: 0.9, part: 1, range: null, zoom(range) { view.range = range; redraw(); } };
const charts = CHARTS.map(definition => new Chart(definition, view, byId('charts')));
const maps = new Map();
const tokens = new TokenWindow();
let chosen = 0;
let control = null;
let connected = !page.served;
let refused = false;
let ended = false;
let due = null;
let cost = 0;

// ---- data

/** Runs of which there is more to fetch, and whether a fetch is under way. */
const wanted = new Set();
let fetching = false;

async function fetchAll() {
  if (fetching) return;
  fetching = true;
  try {
    while (wanted.size) {
      const i = wanted.values().next().value;
      wanted.delete(i);
      const answer = await fetch(`data?run=${i}&place=${encodeURIComponent(runs[i].place)}`);
      if (!answer.ok) { problem(await answer.text()); continue; }
      const piece = await answer.json();
      problem('');
      if (piece.state) takeState(piece.state);
      if (runs[i].take(piece)) soon();
      if (piece.more) wanted.add(i);
    }
  } catch {
    // the server is away; its stream says when it is back
  } finally {
    fetching = false;
  }
}

function connect() {
  const events = new EventSource('events');
  const everything = () => { runs.forEach((_, i) => wanted.add(i)); return fetchAll(); };
  events.addEventListener('open', () => { connected = true; everything(); showState(); });
  events.addEventListener('error', () => { connected = false; refused = events.readyState === EventSource.CLOSED; showState(); });
  events.addEventListener('grew', e => { wanted.add(JSON.parse(e.data).run); fetchAll(); });
  events.addEventListener('dropped', everything);
  events.addEventListener('state', e => takeState(JSON.parse(e.data)));
  events.addEventListener('end', async () => {
    ended = true;
    events.close();
    while (fetching) await new Promise(r => setTimeout(r, 20));
    await everything();
    showState();
  });
}

// ---- drawing

/** Draws before long: at once if drawing is cheap, and never for more than a fifth of the time. */
function soon() {
  if (due === null) due = setTimeout(redraw, Math.min(5000, 30 + 5 * cost));
}

function redraw() {
  clearTimeout(due);
  due = null;
  const begin = performance.now();
  showHead();
  showState();
  showTiles();
  charts.forEach(chart => chart.draw(runs));
  showDetails();
  showSettings();
  byId('all').disabled = view.range === null && view.part === 1;
  cost = performance.now() - begin;
  document.body.dataset.drawn = String(Number(document.body.dataset.drawn || 0) + 1);
}

function problem(text) {
  byId('problem').hidden = text === '';
  byId('problem').textContent = text;
}

function showHead() {
  const [run] = runs;
  byId('name').textContent = runs.length === 1 ? run.name : `${runs.length} runs`;
  byId('summary').textContent = runs.length > 1 ? runs.map(r => r.name).join(' · ')
    : run.about ? `${run.about.method} on ${run.about.data} · ${shown(run.about.parameters)} parameters` : 'The run is starting.';
  const damaged = runs.reduce((sum, r) => sum + r.damaged, 0);
  if (damaged) problem(`${damaged} lines of the runs’ files cannot be read and are left out.`);
}

function duration(seconds) {
  const s = Math.round(seconds);
  return s < 60 ? `${s} s` : s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
}

function showState() {
  const [run] = runs;
  const of = run.about ? run.about.maxIters : 0;
  const single = runs.length === 1 && of > 0;
  const bar = byId('progress');
  bar.hidden = !single;
  const text = [];
  if (single) {
    bar.firstElementChild.style.width = `${100 * Math.min(1, run.step / of)}%`;
    bar.setAttribute('aria-valuenow', run.step);
    bar.setAttribute('aria-valuemax', of);
    text.push(`step ${shown(run.step, 9)} of ${shown(of, 9)}`);
  }
  const paused = control && control.state === 'paused';
  let word = '';
  if (ended || control && control.state === 'ended') {
    word = 'Training has ended';
    text.push(control ? control.message : '', 'this page stays readable, and no longer changes');
  } else if (page.served && !connected) {
    word = 'Not connected';
    text.push(refused ? 'open the newly printed address; what is shown stays' : 'trying again; what is shown stays');
  } else if (control) {
    word = { running: 'Training', paused: 'Paused', stopping: 'Stopping after this step' }[control.state];
    const left = single ? (of - run.step) * run.last('seconds') / Math.max(1, run.column('ms').length) : NaN;
    if (Number.isFinite(left) && !paused && run.step < of) text.push(`about ${duration(left)} of steps left`);
  } else if (single) {
    word = run.step >= of ? 'Finished' : page.served ? 'Watching' : 'So far';
  }
  const strong = element('b', word);
  byId('state').replaceChildren(strong, (word ? ' · ' : '') + text.filter(t => t).join(' · '));
  byId('message').textContent = control && !ended ? control.message : '';
  for (const button of byId('controls').querySelectorAll('[data-do]')) {
    const what = button.dataset.do;
    button.disabled = !control || ended || !connected || control.state === 'ended' || control.state === 'stopping'
      || what === 'pause' && control.pauses || what === 'go' && !control.pauses;
  }
  byId('stop').disabled = !control || ended || !connected || control.state !== 'running' && control.state !== 'paused';
}

/* An answer and an event may overtake each other; the newer state counts. */
function takeState(state) {
  if (control && state.version < control.version) return;
  control = state;
  if (state.state === 'ended') ended = true;
  showState();
}

function showTiles() {
  const tiles = [];
  for (const run of runs) {
    const evaluation = run.evaluations[run.evaluations.length - 1];
    const figures = [['loss', shown(run.last('loss'))], ['held-out loss', evaluation ? shown(evaluation.val_loss) : '–'],
      ['kept', percent(run.last('kept_fraction'))], ['value-at-risk', shown(run.last('var'))], ['learning rate', shown(run.last('lr'), 3)],
      ['tokens / s', shown(Math.round(run.last('tokens_per_s')))], ['MFU', percent(run.last('mfu'))]];
    for (const [name, value] of runs.length === 1 ? figures : figures.slice(0, 2)) {
      const tile = element('div');
      tile.append(element('span', runs.length === 1 ? name : `${run.name}: ${name}`), element('strong', value));
      tiles.push(tile);
    }
  }
  byId('tiles').replaceChildren(...tiles);
}

function percent(share) { return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–'; }

function showDetails() {
  const run = runs[chosen];
  byId('heat').hidden = run.layerSteps.length === 0;
  for (const [name, layer] of run.layers) {
    if (!maps.has(name)) maps.set(name, new HeatMap(name, byId('maps')));
    maps.get(name).draw(run.layerSteps.values, layer);
  }
  tokens.draw(run);
  showSamples(run);
}

function showSamples(run) {
  const box = byId('texts');
  byId('samples').hidden = run.samples.length === 0;
  if (box.list !== run.samples) { box.replaceChildren(); box.count = 0; box.list = run.samples; }
  if (box.count < run.samples.length && box.firstElementChild) box.firstElementChild.open = false;
  for (; box.count < run.samples.length; box.count++) {
    const sample = run.samples[box.count];
    const entry = element('details');
    entry.append(element('summary', `step ${shown(sample.step, 9)}`), element('pre', sample.text));
    entry.open = box.count === run.samples.length - 1;
    box.prepend(entry);
  }
}

/** All settings of one run; of several, those that differ. */
function showSettings() {
  const all = runs.map(run => new Map(run.about ? run.about.settings : []));
  const names = [...new Set(all.flatMap(settings => [...settings.keys()]))];
  const shownNames = runs.length === 1 ? names : names.filter(name => new Set(all.map(s => s.get(name))).size > 1);
  const key = JSON.stringify([shownNames, all.map(s => shownNames.map(n => s.get(n)))]);
  if (byId('table').key === key) return;
  byId('table').key = key;
  byId('differ').textContent = runs.length === 1 ? 'As config.json records them.'
    : `The runs differ in ${shownNames.length} of ${names.length} settings.`;
  const table = element('table');
  if (runs.length > 1) {
    const head = element('tr');
    head.append(element('th', ''), ...runs.map(run => element('th', run.name)));
    const group = element('thead');
    group.append(head);
    table.append(group);
  }
  const body = element('tbody');
  for (const name of shownNames) {
    const row = element('tr');
    row.append(element('th', name), ...all.map(s => element('td', s.has(name) ? s.get(name) : '–')));
    body.append(row);
  }
  table.append(body);
  byId('table').replaceChildren(table);
}

// ---- what the user does

function setKeep() {
  const share = Number(byId('smooth').value) / 100;
  view.keep = share === 0 ? 0 : 1 - 10 ** (-3 * share) ; // 0 … 0.999
  byId('smoothed').textContent = view.keep === 0 ? 'off' : `${Math.round(1 / (1 - view.keep))} steps`;
}

async function tell(what) {
  const answer = await fetch('control', { method: 'POST', body: what });
  if (answer.ok) takeState(await answer.json()); else problem(await answer.text());
}

function wire() {
  byId('axis').addEventListener('change', e => { view.axis = e.target.value; view.zoom(null); });
  byId('logx').addEventListener('change', e => { view.logX = e.target.checked; view.zoom(null); });
  byId('logy').addEventListener('change', e => { view.logY = e.target.checked; redraw(); });
  byId('part').addEventListener('change', e => { view.part = Number(e.target.value); view.zoom(null); });
  byId('smooth').addEventListener('input', () => { setKeep(); soon(); });
  byId('all').addEventListener('click', () => { byId('part').value = view.part = 1; view.zoom(null); });
  byId('controls').hidden = !page.controls;
  byId('controls').addEventListener('click', e => {
    const what = e.target.dataset.do;
    if (what) tell(what);
    byId('sure').hidden = e.target.id !== 'stop';
    byId('stop').hidden = e.target.id === 'stop';
    if (e.target.id === 'stop') byId('keep').focus();
  });
  byId('choose').hidden = runs.length === 1;
  byId('run').replaceChildren(...runs.map((run, i) => element('option', run.name, { value: i })));
  byId('run').addEventListener('change', e => { chosen = Number(e.target.value); maps.forEach(m => m.box.remove()); maps.clear(); redraw(); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
}

setKeep();
wire();
page.data.forEach((pieces, i) => pieces.forEach(piece => runs[i].take(piece)));
redraw();
if (page.served) {
  history.replaceState(null, '', location.pathname); // the token stays out of bookmarks and screenshots
  connect();
}
