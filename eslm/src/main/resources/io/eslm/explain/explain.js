// SPDX-License-Identifier: Apache-2.0
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

function make(parent, name, attributes, text) {
  const e = parent instanceof SVGElement || name === 'svg' ? document.createElementNS(SVG, name)
      : document.createElement(name);
  for (const [k, v] of Object.entries(attributes || {})) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  parent.append(e);
  return e;
}

function floats(base64) {
  const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

// ---- figures

function scaled(n, unit) {
  if (!n) return '–';
  let p = 0;
  while (Math.abs(n) >= 999.5 && p < 5) { n /= 1000; p++; }
  return (p ? three(n) : n.toFixed(0)) + ' ' + ['', 'k', 'M', 'G', 'T', 'P'][p] + unit;
}
const three = v => v.toFixed(Math.abs(v) < 9.995 ? 2 : Math.abs(v) < 99.95 ? 1 : 0);
const ms = s => Math.abs(s) < 0.0009995 ? (s * 1e3).toFixed(3) : three(s * 1e3);
const percent = v => v === null ? '–' : (100 * v).toFixed(0) + ' %';
const whole = n => n.toLocaleString('en');
const plural = n => whole(n) + (n === 1 ? ' token' : ' tokens');

// ---- tokens

const token = data.tokens;
const losses = floats(token.loss), entropies = floats(token.entropy);
const ENDS = ['kept', 'loss', 'head', 'window'];
const word = id => data.texts[id] === undefined ? '[' + id + ']' : data.texts[id];
const quoted = id => data.texts[id] === undefined ? 'token ' + id : '“' + data.texts[id] + '” (' + id + ')';
const place = i => 'window ' + Math.floor(i / data.window_tokens) + ', position ' + i % data.window_tokens;
const counts = ENDS.map((_, e) => token.ends.filter(x => x === e).length);

// ---- the graph: forward passes go down on the left, gradients go up on the right

const ROW = 62, BOX = 46, X = 150, WIDTH = 400, LANE = 60, LEFT = 50, RIGHT = X + WIDTH + 40;
const nodes = [], nodeOf = new Map();
for (const [i, op] of data.ops.entries()) {
  if (op.phase === 'forward') {
    nodes.push({ ops: [i], name: op.part === op.group ? op.group : op.part, kind: op.op, op, group: op.group });
  } else if (nodes.length && nodes.at(-1).group === op.group) {
    nodes.at(-1).ops.push(i);
  } else {
    nodes.push({ ops: [i], name: op.group, kind: '', op, group: op.group });
  }
  nodeOf.set(i, nodes.length - 1);
}
const top = i => 40 + i * ROW;
const cost = (n, pass, field) => n.ops.reduce((s, i) => s + (data.ops[i][pass] ? data.ops[i][pass][field] : 0), 0);
const HEIGHT = top(nodes.length) + 90, FULL = RIGHT + LANE + 190;
const total = token.ends.length;
const share = n => LANE * n / total;
const first = nodes.findIndex(n => n.op.phase === 'forward');
const headAt = nodes.findLastIndex(n => n.op.part === 'head');
const keepAt = nodes.findIndex(n => n.kind === 'KeepRows');
const lossAt = nodes.length - 1;
const exitAt = nodes.findIndex(n => n.op.phase === 'early_exit');
/** The node at which the path of a token with this end stops, and how far down it is drawn. */
const stopAt = [lossAt, Math.max(0, headAt), keepAt < 0 ? headAt : keepAt, Math.max(0, exitAt)];
const bottom = e => e === 0 ? top(lossAt) + BOX + 24 : top(stopAt[e]) + BOX + 8;
const laneOf = [0, 1, 2, 3].map(e => LEFT + share(counts.slice(0, e).reduce((a, b) => a + b, 0)));
const gradRows = n => n.op.phase === 'forward' && n.op.backward;

const svg = $('graph');
const scene = make(svg, 'g', {});
const draw = (name, attributes, text) => make(scene, name, attributes, text);

function work(n) {
  const sum = cost(n, 'forward', 'multiply_adds') + cost(n, 'backward', 'multiply_adds');
  return sum ? ' · ' + scaled(sum, '') + ' mul-adds' : '';
}

function ribbons() {
  draw('text', { x: LEFT, y: 14, class: 'name' }, 'forward ↓');
  draw('text', { x: RIGHT, y: 14, class: 'name' }, '↑ gradients');
  counts.forEach((n, e) => {
    if (!n) return;
    draw('rect', { class: e ? 'gone ribbon' : 'kept ribbon', 'data-end': ENDS[e], x: laneOf[e], y: 22,
      width: Math.max(1.5, share(n)), height: bottom(e) - 22 });
    if (e) {
      draw('line', { class: 'cap', 'data-end': ENDS[e], x1: laneOf[e] - 3, x2: laneOf[e] + Math.max(1.5, share(n)) + 3,
        y1: bottom(e), y2: bottom(e) });
      const where = ['', 'after the loss', 'before the head', 'before the forward pass'][e];
      draw('text', { x: 4, y: bottom(e) + 15, class: 'gone-text' }, plural(n) + (n === 1 ? ' ends' : ' end') + ' here,');
      draw('text', { x: 4, y: bottom(e) + 29, class: 'gone-text' }, where);
    }
  });
  if (counts[0]) {
    const y = bottom(0), x = laneOf[0], w = share(counts[0]);
    draw('rect', { class: 'kept', x, y, width: RIGHT + w - x, height: 10 });
    draw('text', { x: X + 10, y: y + 26, class: 'kept-text' }, 'the loss of ' + plural(counts[0]) + ' turns back as gradient');
    draw('rect', { class: 'kept ribbon', x: RIGHT, y: top(first), width: w, height: y - top(first) });
  }
  back();
}

/** Rows of dropped tokens have a gradient again where an op computes all rows. */
function back() {
  const dropped = counts[1] + counts[2];
  let from = -1;
  nodes.forEach((n, i) => {
    const all = dropped && gradRows(n) && n.op.backward.rows === n.op.backward.of && i < (keepAt < 0 ? headAt : keepAt);
    if (all) {
      from = i;
      draw('rect', { class: 'gone', x: RIGHT + share(counts[0]), y: top(i), width: share(dropped), height: ROW });
    }
  });
  if (from >= 0) {
    const x = RIGHT + share(counts[0]), y = top(from + 1);
    draw('line', { class: 'cap', x1: x, x2: x + share(dropped), y1: y, y2: y });
    draw('text', { x: RIGHT + LANE + 6, y: y - 26, class: 'gone-text' }, 'rows of dropped tokens');
    draw('text', { x: RIGHT + LANE + 6, y: y - 12, class: 'gone-text' }, 'have gradients again:');
    draw('text', { x: RIGHT + LANE + 6, y: y + 2, class: 'gone-text' }, 'attention reads them');
  }
}

function boxes() {
  const slowest = Math.max(...nodes.map(n => cost(n, 'forward', 'seconds') + cost(n, 'backward', 'seconds')));
  nodes.forEach((n, i) => {
    const y = top(i);
    for (const s of n.op.sources) {
      const from = nodeOf.get(s);
      if (from < i - 1) {
        const x = X + WIDTH, bend = 8 + Math.min(24, 3 * (i - from));
        draw('path', { class: 'skip', d: `M${x} ${top(from) + BOX - 8}C${x + bend} ${top(from) + BOX} ${x + bend} ${y} ${x} ${y + 8}` });
      } else if (from === i - 1) {
        draw('line', { class: 'skip', x1: X + WIDTH / 2, x2: X + WIDTH / 2, y1: top(from) + BOX, y2: y });
      }
    }
    const g = draw('g', { class: 'node', 'data-node': i });
    make(g, 'rect', { class: 'box', x: X, y, width: WIDTH, height: BOX, rx: 7 });
    const label = make(g, 'text', { x: X + 10, y: y + 17 });
    make(label, 'tspan', { class: 'name' }, n.name);
    make(label, 'tspan', { dx: 7 }, n.kind);
    const f = cost(n, 'forward', 'seconds'), b = cost(n, 'backward', 'seconds');
    make(g, 'text', { x: X + WIDTH - 10, y: y + 17, 'text-anchor': 'end', class: 'small' },
        n.kind ? '(' + n.op.output.join(', ') + ')' : n.ops.length + ' ops');
    make(g, 'text', { x: X + 10, y: y + 33, class: 'small' }, ms(f) + ' + ' + ms(b) + ' ms' + work(n));
    if (gradRows(n)) {
      const r = n.op.backward;
      make(g, 'text', { x: X + WIDTH - 10, y: y + 33, 'text-anchor': 'end', class: r.rows < r.of ? 'gone-text' : 'small' },
          whole(r.rows) + ' of ' + whole(r.of) + ' gradient rows');
    }
    const scale = (WIDTH - 20) / slowest;
    make(g, 'rect', { class: 'f', x: X + 10, y: y + 38, width: f * scale, height: 4 });
    make(g, 'rect', { class: 'b', x: X + 10 + f * scale, y: y + 38, width: b * scale, height: 4 });
  });
}

// ---- zoom

const view = { x: 0, y: 0, w: FULL };
const ratio = () => svg.clientHeight / svg.clientWidth;
function show() {
  view.w = Math.min(Math.max(view.w, 150), Math.max(FULL, HEIGHT / ratio()) * 1.2);
  const h = view.w * ratio();
  view.x = Math.min(Math.max(view.x, -view.w / 2), FULL - view.w / 2);
  view.y = Math.min(Math.max(view.y, -h / 2), HEIGHT - h / 2);
  svg.setAttribute('viewBox', `${view.x} ${view.y} ${view.w} ${h}`);
}
function zoom(factor, cx = 0.5, cy = 0.5) {
  const w = view.w, h = w * ratio();
  view.w = w * factor;
  view.w = Math.min(Math.max(view.w, 150), Math.max(FULL, HEIGHT / ratio()) * 1.2);
  view.x += cx * (w - view.w);
  view.y += cy * (h - view.w * ratio());
  show();
}
function move(dx, dy) { view.x += dx * view.w; view.y += dy * view.w; show(); }
function fit() {
  view.w = Math.max(FULL, HEIGHT / ratio());
  view.x = (FULL - view.w) / 2;
  view.y = 0;
  show();
}
function reveal(node) { view.y = top(node) + BOX / 2 - view.w * ratio() / 2; show(); }
svg.addEventListener('wheel', e => {
  e.preventDefault();
  const r = svg.getBoundingClientRect();
  zoom(Math.exp(e.deltaY * 0.0015), (e.clientX - r.left) / r.width, (e.clientY - r.top) / r.height);
}, { passive: false });
svg.addEventListener('keydown', e => {
  const act = { '+': () => zoom(0.8), '=': () => zoom(0.8), '-': () => zoom(1.25), '0': fit, ArrowLeft: () => move(-0.1, 0),
    ArrowRight: () => move(0.1, 0), ArrowUp: () => move(0, -0.1), ArrowDown: () => move(0, 0.1) }[e.key];
  if (act && !e.ctrlKey && !e.metaKey) { act(); e.preventDefault(); }
});
const pointers = new Map();
svg.addEventListener('pointerdown', e => pointers.set(e.pointerId, e));
svg.addEventListener('pointermove', e => {
  const last = pointers.get(e.pointerId);
  if (!last) return;
  const [other] = [...pointers.values()].filter(p => p.pointerId !== e.pointerId);
  if (other) {
    const apart = p => Math.hypot(p.clientX - other.clientX, p.clientY - other.clientY);
    zoom(apart(last) / Math.max(1, apart(e)));
  } else {
    move((last.clientX - e.clientX) / svg.clientWidth, (last.clientY - e.clientY) / svg.clientWidth);
  }
  pointers.set(e.pointerId, e);
});
for (const end of ['pointerup', 'pointercancel', 'pointerleave']) svg.addEventListener(end, e => pointers.delete(e.pointerId));
$('in').addEventListener('click', () => zoom(0.8));
$('out').addEventListener('click', () => zoom(1.25));
$('fit').addEventListener('click', fit);

// ---- the table

function table() {
  const body = $('ops');
  let group = null;
  for (const [i, op] of data.ops.entries()) {
    const several = data.ops.filter(o => o.group === op.group).length > 1;
    if (op.group !== group && several) {
      const tr = make(body, 'tr', { class: 'group' });
      const sum = (pass, field) => data.ops.filter(o => o.group === op.group).reduce((s, o) => s + (o[pass] ? o[pass][field] : 0), 0);
      make(tr, 'th', {}, op.group);
      for (const pass of ['forward', 'backward']) {
        if (pass === 'backward') make(tr, 'td');
        make(tr, 'td', {}, scaled(sum(pass, 'multiply_adds'), ''));
        make(tr, 'td', {}, scaled(sum(pass, 'bytes'), 'B'));
        make(tr, 'td', {}, ms(sum(pass, 'seconds')));
        make(tr, 'td');
      }
    }
    group = op.group;
    const tr = make(body, 'tr', { 'data-op': i, tabindex: 0, class: several ? 'in' : '' });
    make(tr, 'th', {}, (several ? op.part.replace(op.group + '.', '') : op.group) + '  ' + op.op);
    passes(tr, op);
  }
  const rest = make(body, 'tr', { class: 'group' });
  make(rest, 'th', {}, 'between ops');
  for (const t of [scaled(data.between_ops.multiply_adds, ''), '', ms(data.between_ops.forward_seconds), '', '', '', '',
    ms(data.between_ops.backward_seconds), '']) make(rest, 'td', {}, t);
  const update = make(body, 'tr', { class: 'group' });
  make(update, 'th', {}, 'gradient norm, update');
  for (const t of ['', scaled(data.update.bytes, 'B'), ms(data.update.seconds), '', '', '', '', '', '']) make(update, 'td', {}, t);
  body.addEventListener('click', e => chooseRow(e.target.closest('tr[data-op]')));
  body.addEventListener('keydown', e => {
    if (e.key === 'Enter' || e.key === ' ') { chooseRow(e.target.closest('tr[data-op]')); e.preventDefault(); }
  });
}

function passes(tr, op) {
  const f = op.forward, b = op.backward;
  for (const t of [scaled(f.multiply_adds, ''), scaled(f.bytes, 'B'), ms(f.seconds), percent(f.share_of_peak)]) make(tr, 'td', {}, t);
  make(tr, 'td', { class: b && b.rows < b.of ? 'less' : '' }, b ? whole(b.rows) + ' of ' + whole(b.of) : '–');
  for (const t of b ? [scaled(b.multiply_adds, ''), scaled(b.bytes, 'B'), ms(b.seconds), percent(b.share_of_peak)] : ['–', '–', '–', '–']) make(tr, 'td', {}, t);
}

function chooseRow(tr) { if (tr) { chooseNode(nodeOf.get(+tr.dataset.op)); reveal(nodeOf.get(+tr.dataset.op)); } }
function chooseNode(n) {
  document.querySelectorAll('.node').forEach(e => e.classList.toggle('on', +e.dataset.node === n));
  document.querySelectorAll('tr[data-op]').forEach(e => e.classList.toggle('on', nodes[n].ops.includes(+e.dataset.op)));
}
svg.addEventListener('click', e => {
  const g = e.target.closest('.node');
  if (g) {
    chooseNode(+g.dataset.node);
    const row = document.querySelector('tr.on');
    const box = row.closest('.ops');
    box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }
});

// ---- the text

const strong = (() => {
  const known = losses.filter(l => !Number.isNaN(l)).sort((a, b) => a - b);
  return known.length ? Math.max(1e-9, known[Math.floor(0.95 * (known.length - 1))]) : 1;
})();
let chosen = -1;
function text() {
  const box = $('tokens');
  token.ids.forEach((id, i) => {
    if (i % data.window_tokens === 0) make(box, 'h3', {}, 'window ' + i / data.window_tokens);
    const s = make(box, 'span', { 'data-token': i, class: token.ends[i] ? 'x' : '' }, word(id));
    s.style.setProperty('--r', Number.isNaN(losses[i]) ? 0 : Math.min(1, losses[i] / strong));
  });
  box.addEventListener('click', e => { if (e.target.dataset.token) choose(+e.target.dataset.token); });
  box.addEventListener('keydown', e => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[e.key];
    if (step) { choose(Math.min(total - 1, Math.max(0, chosen + step))); e.preventDefault(); }
  });
}

/** Shows the path of one token. */
function choose(i) {
  chosen = i;
  const e = token.ends[i];
  document.querySelectorAll('.tokens .on').forEach(s => s.classList.remove('on'));
  const span = document.querySelector(`[data-token="${i}"]`);
  span.classList.add('on');
  const box = $('tokens');
  if (span.offsetTop < box.scrollTop || span.offsetTop > box.scrollTop + box.clientHeight - 30) box.scrollTop = span.offsetTop - 60;
  const figures = (Number.isNaN(losses[i]) ? '' : ` Loss ${losses[i].toFixed(4)}, entropy ${entropies[i].toFixed(4)}.`);
  $('chosen').textContent = `${place(i)}: reads ${quoted(token.reads[i])}, predicts ${quoted(token.ids[i])}. `
      + (e ? 'Dropped: ' : 'Kept: ') + token.why[i] + '.' + figures;
  document.querySelectorAll('.thread, .thread-end').forEach(t => t.remove());
  const x = laneOf[e] + share(counts[e]) / 2, y = bottom(e);
  if (e) {
    draw('path', { class: 'thread', d: `M${x} 22V${y}` });
    draw('line', { class: 'thread-end', x1: x - 9, x2: x + 9, y1: y, y2: y });
  } else {
    const up = RIGHT + share(counts[0]) / 2;
    draw('path', { class: 'thread', d: `M${x} 22V${y + 5}H${up}V${top(first)}` });
  }
  nodes.forEach((n, k) => {
    const none = e && (e === 3 || !gradRows(n) || n.op.backward.rows < n.op.backward.of || k >= stopAt[e]);
    document.querySelector(`.node[data-node="${k}"]`).classList.toggle('off', Boolean(none));
  });
}

// ---- one row of a gradient

function row() {
  if (!data.row) return;
  const most = Math.max(...data.row.terms.map(t => Math.abs(t.share)));
  for (const t of data.row.terms.slice(0, 40)) {
    const tr = make($('terms'), 'tr');
    make(tr, 'td', {}, (100 * t.share).toFixed(1) + ' %');
    const bar = make(make(tr, 'td'), 'span', { class: t.share < 0 ? 'bar minus' : 'bar' });
    bar.style.width = 120 * Math.abs(t.share) / most + 'px';
    make(tr, 'td', {}, t.norm.toExponential(2));
    make(tr, 'td', {}, data.ops[t.op].part);
    make(tr, 'td', {}, quoted(token.reads[t.token]));
    make(tr, 'td', {}, quoted(token.ids[t.token]) + (token.ends[t.token] ? ', dropped' : ''));
    make(tr, 'td', {}, place(t.token));
  }
}

ribbons();
boxes();
table();
text();
row();
fit();
const phone = svg.clientWidth < 600;
view.w = phone ? LEFT + X + WIDTH : Math.min(view.w, FULL);
view.x = phone ? LEFT - 10 : 0;
reveal(Math.max(0, counts[1] + counts[2] ? headAt - 2 : counts[3] ? exitAt : 0));
const dropped = token.ends.findIndex(e => e > 0);
choose(dropped < 0 ? 0 : dropped);
new ResizeObserver(show).observe(svg);
document.documentElement.dataset.ready = 'yes';
