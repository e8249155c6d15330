/* SPDX-License-Identifier: Apache-2.0 */
// The wall of heads, and one head enlarged. A weight p is stored as the byte 255·√p, so that small ones can be told apart.

const weight = byte => (byte / 255) ** 2;
const wall = {layer: 0, head: 0, pointed: false, cell: 0, images: null};
const LEFT = 26;
const ABOVE = 18;
const GAP = 3;

function drawWall() {
  if (!wall.images) return;
  const room = $('wallBox').clientWidth;
  wall.cell = clamp(Math.floor(Math.min((room - LEFT) / H, 760 / L)), 20, 150);
  const g = sized($('wall'), LEFT + H * wall.cell, ABOVE + L * wall.cell);
  g.fillStyle = ink('--faint');
  g.font = '11px system-ui, sans-serif';
  g.textBaseline = 'middle';
  g.textAlign = 'center';
  for (let h = 0; h < H; h++) g.fillText(h, LEFT + (h + 0.5) * wall.cell - GAP / 2, ABOVE / 2);
  g.textAlign = 'right';
  for (let l = 0; l < L; l++) g.fillText(l, LEFT - 8, ABOVE + (l + 0.5) * wall.cell - GAP / 2);
  g.strokeStyle = ink('--edge');
  const side = wall.cell - GAP;
  for (let l = 0; l < L; l++) {
    for (let h = 0; h < H; h++) {
      const [x, y] = [LEFT + h * wall.cell, ABOVE + l * wall.cell];
      g.drawImage(wall.images[l * H + h], x, y, side, side);
      g.strokeRect(x - 0.5, y - 0.5, side + 1, side + 1);
    }
  }
  g.strokeStyle = ink('--ink');
  g.lineWidth = 2;
  if (wall.pointed) {
    g.strokeRect(LEFT + wall.head * wall.cell - 1, ABOVE + wall.layer * wall.cell - 1, side + 2, side + 2);
  }
}

function pointWall(layer, head) {
  Object.assign(wall, {layer, head, pointed: true});
  $('wall').setAttribute('aria-label', `block ${layer}, head ${head}: open`);
  $('wallAt').textContent = `block ${layer}, head ${head}`;
  drawWall();
}

function headAt(event) {
  const box = $('wall').getBoundingClientRect();
  const h = Math.floor((event.clientX - box.left - LEFT) / wall.cell);
  const l = Math.floor((event.clientY - box.top - ABOVE) / wall.cell);
  return h >= 0 && h < H && l >= 0 && l < L ? [l, h] : null;
}

async function makeWall() {
  const thumbs = await inflate((await large).thumbs);
  const size = D.thumbSize;
  const make = () => {
    wall.images = Array.from({length: L * H}, (_, n) =>
      image(size, size, (x, y) => thumbs[n * size * size + y * size + x]));
  };
  make();
  dark.addEventListener('change', () => { make(); drawWall(); });
  drawn(drawWall);
  $('wall').dataset.ready = 'true';
}

$('wall').addEventListener('pointermove', e => {
  const at = headAt(e);
  if (at && (at[0] !== wall.layer || at[1] !== wall.head || !wall.pointed)) pointWall(...at);
});
$('wall').addEventListener('click', e => {
  const at = headAt(e);
  if (at) openHead(...at);
});
$('wall').addEventListener('focus', () => pointWall(wall.layer, wall.head));
$('wall').addEventListener('keydown', e => {
  const to = moved(e.key, wall.head, wall.layer, H, L);
  if (to) {
    e.preventDefault();
    pointWall(to[1], to[0]);
  } else if (e.key === 'Enter' || e.key === ' ') {
    e.preventDefault();
    openHead(wall.layer, wall.head);
  }
});

// ---- one head

const open = {layer: 0, head: 0, data: null, image: null, reader: T - 1};
const readers = [];
const at = (q, s) => open.data[q * (q + 1) / 2 + s];

function makeReaders() {
  const parts = document.createDocumentFragment();
  for (let q = 0; q < T; q++) {
    const span = el('span', {className: 't', tabIndex: -1}, text(D.ids[q]).replace(/\n/g, '↵\n'));
    span.dataset.i = q;
    readers.push(span);
    parts.append(span);
  }
  $('readers').append(parts);
}

async function openHead(layer, head) {
  const data = await inflate((await large).attention[layer * H + head]);
  if (!readers.length) makeReaders();
  Object.assign(open, {layer, head, data});
  open.image = image(T, T, (s, q) => s > q ? 0 : at(q, s));
  $('headName').textContent = `Block ${layer}, head ${head}`;
  $('headMean').textContent = averages();
  const opens = !$('head').open;
  if (opens) $('head').showModal();
  pointWall(layer, head);
  read(open.reader);
  if (opens) readers[open.reader].focus();
  $('head').dataset.shows = `${layer}.${head}`;
}

/** What a head does with an average token. */
function averages() {
  let [first, previous, self] = [0, 0, 0];
  for (let q = 1; q < T; q++) {
    first += weight(at(q, 0));
    previous += weight(at(q, q - 1));
    self += weight(at(q, q));
  }
  const n = Math.max(1, T - 1);
  return `On average ${percent(first / n)} of a token's attention goes to the first token, ${percent(previous / n)} to the one `
    + `before it, ${percent(self / n)} to itself.`;
}

function drawHead() {
  if (!open.image || !$('head').open) return;
  const side = Math.min($('matrixBox').clientWidth, Math.max(220, innerHeight - 330));
  const g = sized($('matrix'), side, side);
  g.drawImage(open.image, 0, 0, side, side);
  const cell = side / T;
  g.strokeStyle = ink('--ink');
  g.lineWidth = 1;
  g.strokeRect(0.5, Math.floor(open.reader * cell) - 0.5, Math.max(2, (open.reader + 1) * cell), Math.max(2, Math.ceil(cell) + 1));
}

/** Colours every token by how much token q looks at it. */
function read(q) {
  open.reader = q;
  const order = [];
  for (let s = 0; s < T; s++) {
    const byte = s > q ? 0 : at(q, s);
    paint(readers[s], byte / 255);
    readers[s].classList.toggle('later', s > q);
    readers[s].classList.toggle('current', s === q);
    readers[s].tabIndex = s === q ? 0 : -1;
    if (byte) order.push(s);
  }
  order.sort((a, b) => at(q, b) - at(q, a));
  const list = order.slice(0, 5).flatMap(s =>
    [el('span', {className: 'pair'}, quoted(D.ids[s]), ' ', el('b', {}, percent(weight(at(q, s)))),
      s === q ? ' (itself)' : ` (${q - s} back)`), ' ']);
  $('looks').replaceChildren(quoted(D.ids[q]), ` (token ${q}) looks at `, ...list);
  drawHead();
}

function turn(dl, dh) {
  const n = (open.layer + dl + L) % L;
  return openHead(n, (open.head + dh + H) % H);
}

$('readers').addEventListener('pointerover', e => {
  const span = e.target.closest('.t');
  if (span) read(Number(span.dataset.i));
});
$('readers').addEventListener('click', e => {
  const span = e.target.closest('.t');
  if (span) read(Number(span.dataset.i));
});
$('head').addEventListener('keydown', e => {
  const way = {ArrowLeft: -1, ArrowRight: 1}[e.key];
  if (way) {
    e.preventDefault();
    read(clamp(open.reader + way, 0, T - 1));
    readers[open.reader].focus();
  } else if (e.key === 'PageDown' || e.key === 'PageUp') {
    e.preventDefault();
    const next = open.layer * H + open.head + (e.key === 'PageDown' ? 1 : -1);
    openHead(Math.floor(next / H + L) % L, (next + H) % H);
  }
});
$('matrix').addEventListener('pointermove', e => {
  const box = $('matrix').getBoundingClientRect();
  read(clamp(Math.floor((e.clientY - box.top) / box.height * T), 0, T - 1));
});
document.addEventListener('token', e => { open.reader = Math.min(e.detail, T - 1); });
$('headBefore').addEventListener('click', () => turn(0, -1));
$('headAfter').addEventListener('click', () => turn(0, 1));
$('blockBefore').addEventListener('click', () => turn(-1, 0));
$('blockAfter').addEventListener('click', () => turn(1, 0));
$('headClose').addEventListener('click', () => $('head').close());
$('head').addEventListener('click', e => { if (e.target === $('head')) $('head').close(); });
redraws.push(() => { if ($('head').open) openHead(open.layer, open.head); });
drawn(() => legend($('headScale'), '0 %', '100 %, by the square root: the middle is 25 %'));
makeWall();
