/* SPDX-License-Identifier: Apache-2.0 */
// Logit lens: block × position. Only the columns in view are elements.

const lens = {ids: ints(D.lensIds), p: floats(D.lensP), target: floats(D.lensTarget), rank: ints(D.lensRank),
  column: 0, row: L - 1, wide: 84, from: 0, to: 0};
const HIGH = 27;

function lensCell(x, y) {
  const cell = el('div', {className: 'c'});
  cell.style.left = x * lens.wide + 'px';
  cell.style.top = (y + 1) * HIGH + 'px';
  cell.style.width = lens.wide - 2 + 'px';
  cell.dataset.at = x + ' ' + y;
  if (y < 0 || y >= L) {
    cell.classList.add('given');
    cell.textContent = shown(D.ids[y < 0 ? x : x + 1]);
    return cell;
  }
  const n = y * T + x;
  cell.textContent = shown(lens.ids[n]);
  paint(cell, lens.p[n]);
  cell.classList.toggle('hit', lens.ids[n] === D.ids[x + 1]);
  cell.classList.toggle('current', x === lens.column && y === lens.row);
  return cell;
}

function drawLens() {
  lens.wide = innerWidth < 600 ? 68 : 84;
  $('lensCells').style.width = T * lens.wide + 'px';
  $('lensCells').style.height = (L + 2) * HIGH + 'px';
  const labels = ['reads', ...Array.from({length: L}, (_, l) => `block ${l}`), 'next'];
  $('lensRows').replaceChildren(...labels.map(label => el('div', {}, label)));
  lens.from = lens.to = 0;
  fillLens(true);
}

function fillLens(again) {
  const box = $('lens');
  const from = clamp(Math.floor(box.scrollLeft / lens.wide) - 4, 0, T);
  const to = clamp(Math.ceil((box.scrollLeft + box.clientWidth) / lens.wide) + 4, 0, T);
  if (!again && from >= lens.from && to <= lens.to) return;
  const parts = document.createDocumentFragment();
  lens.from = clamp(from - 8, 0, T);
  lens.to = clamp(to + 8, 0, T);
  for (let x = lens.from; x < lens.to; x++) {
    for (let y = -1; y <= L; y++) parts.append(lensCell(x, y));
  }
  $('lensCells').replaceChildren(parts);
}

function pointLens(x, y, scroll) {
  lens.column = x;
  lens.row = y;
  if (scroll) {
    const box = $('lens');
    const left = x * lens.wide;
    const room = box.clientWidth - $('lensRows').offsetWidth - lens.wide;
    if (left < box.scrollLeft || left > box.scrollLeft + room) box.scrollLeft = left - room / 2;
    fillLens(false);
  }
  $('lensCells').querySelector('.current')?.classList.remove('current');
  $('lensCells').querySelector(`[data-at="${x} ${y}"]`)?.classList.add('current');
  const n = y * T + x;
  $('lensAt').replaceChildren(`After block ${y}, having read `, quoted(D.ids[x]), ': likeliest ', quoted(lens.ids[n]), ' ',
    el('b', {}, percent(lens.p[n])), '; the true next token ', quoted(D.ids[x + 1]), ' has ',
    el('b', {}, percent(lens.target[n])), `, rank ${number(lens.rank[n])}.`);
}

function onLens(event) {
  const cell = event.target.closest('.c');
  if (cell) {
    const [x, y] = cell.dataset.at.split(' ').map(Number);
    pointLens(x, clamp(y, 0, L - 1), false);
  }
}

$('lens').addEventListener('scroll', () => fillLens(false), {passive: true});
$('lens').addEventListener('pointerover', onLens);
$('lens').addEventListener('click', onLens);
$('lens').addEventListener('keydown', e => {
  const to = moved(e.key, lens.column, lens.row, T, L);
  if (to) {
    e.preventDefault();
    pointLens(to[0], to[1], true);
  }
});
document.addEventListener('token', e => { if (e.detail) pointLens(e.detail - 1, lens.row, true); });
legend($('lensScale'), '0 %', '100 % sure');
redraws.push(() => legend($('lensScale'), '0 %', '100 % sure'));
drawn(drawLens);
pointLens(0, L - 1, false);
