/* SPDX-License-Identifier: Apache-2.0 */
// Numbers by block and position: heat maps on canvas, and lines by block.

/**
 * A heat map of rows × T values on a logarithmic scale from low to high.
 *
 * @param name of a row
 */
class Heat {
  constructor(box, unit, name) {
    this.unit = unit;
    this.name = name;
    this.canvas = el('canvas', {tabIndex: 0, className: 'heat', role: 'img'});
    this.scale = el('p', {className: 'scale'});
    this.out = el('p', {className: 'at', role: 'status'});
    box.append(this.canvas, this.scale, this.out);
    this.at = null;
    this.canvas.addEventListener('pointermove', e => {
      const area = this.canvas.getBoundingClientRect();
      this.point(Math.floor((e.clientX - area.left - LEFT) / (area.width - LEFT) * T),
        Math.floor((e.clientY - area.top) / area.height * this.rows));
    });
    this.canvas.addEventListener('focus', () => this.point(...this.at ?? [0, this.rows - 1]));
    this.canvas.addEventListener('keydown', e => {
      const to = this.at && moved(e.key, ...this.at, T, this.rows);
      if (to) {
        e.preventDefault();
        this.point(...to);
      }
    });
  }

  show(values, low, high) {
    Object.assign(this, {values, low, high, rows: values.length / T});
    if (this.at) this.at[1] = Math.min(this.at[1], this.rows - 1);
    this.draw();
    if (this.at) this.point(...this.at);
  }

  draw() {
    const w = this.canvas.parentElement.clientWidth;
    const high = clamp(220 / this.rows, 5, 22);
    const g = sized(this.canvas, w, high * this.rows);
    const span = Math.log(this.high / this.low) || 1;
    const cells = image(T, this.rows, (x, y) => {
      const v = this.values[y * T + x];
      return v > 0 ? Math.max(1, step(Math.log(v / this.low) / span)) : 0;
    });
    g.drawImage(cells, LEFT, 0, w - LEFT, high * this.rows);
    g.strokeStyle = ink('--edge');
    g.strokeRect(LEFT + 0.5, 0.5, w - LEFT - 1, high * this.rows - 1);
    g.fillStyle = ink('--faint');
    g.font = '11px system-ui, sans-serif';
    g.textAlign = 'right';
    g.textBaseline = 'middle';
    const every = Math.ceil(11 / high);
    for (let y = 0; y < this.rows; y += every) g.fillText(this.name(y, true), LEFT - 5, (y + 0.5) * high);
    if (this.at) {
      const cell = (w - LEFT) / T;
      g.strokeStyle = ink('--ink');
      g.lineWidth = 1.5;
      g.strokeRect(LEFT + this.at[0] * cell - 1, this.at[1] * high, cell + 2, high);
    }
    legend(this.scale, compact(this.low), compact(this.high) + this.unit);
  }

  point(x, y) {
    this.at = [clamp(x, 0, T - 1), clamp(y, 0, this.rows - 1)];
    const [p, r] = this.at;
    this.out.replaceChildren(`${this.name(r, false)}, position ${p} `, quoted(D.ids[p]), ': ',
      el('b', {}, compact(this.values[r * T + p])));
    this.canvas.setAttribute('aria-label', this.out.textContent);
    this.draw();
  }
}

const positive = values => values.filter(v => v > 0);

// ---- norms

const NORMS = {resid: {values: floats(D.residual), label: 'residual stream', rows: L + 1, first: 0},
  attn: {values: floats(D.attnOut), label: 'attention output', rows: L, first: 1},
  mlp: {values: floats(D.mlpOut), label: 'MLP output', rows: L, first: 1}};
const residualRow = (y, short) => y ? short ? y - 1 : `after block ${y - 1}` : short ? 'in' : 'before block 0';
const blockRow = (y, short) => short ? y : `block ${y}`;
const normHeat = new Heat($('normHeat'), '', residualRow);

function showNorm() {
  const part = NORMS[document.querySelector('input[name=norm]:checked').value];
  normHeat.name = part.first ? blockRow : residualRow;
  const seen = positive(part.values);
  normHeat.show(part.values, quantile(seen, 0.02), quantile(seen, 0.99));
}
document.querySelectorAll('input[name=norm]').forEach(input => input.addEventListener('change', showNorm));

function svg(tag, attributes, content) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  if (content !== undefined) e.textContent = content;
  return e;
}

/** Median over the positions, one line for each part; dashes tell them apart without colour. */
function drawLines() {
  const room = $('normLines').parentElement.clientWidth;
  const [w, h, left, right, bottom] = [Math.max(260, room), 250, 40, 14, 26];
  const lines = Object.values(NORMS).map(part => Array.from({length: part.rows}, (_, r) =>
    [r + part.first, quantile(part.values.subarray(r * T, (r + 1) * T), 0.5)]));
  const all = lines.flat().map(point => point[1]).filter(v => v > 0);
  const low = Math.log10(Math.min(...all)) - 0.05;
  const high = Math.log10(Math.max(...all)) + 0.05;
  const x = r => left + r / Math.max(1, L) * (w - left - right);
  const y = v => 8 + (high - Math.log10(Math.max(v, 10 ** low))) / (high - low || 1) * (h - bottom - 8);
  const chart = svg('svg', {viewBox: `0 0 ${w} ${h}`, role: 'img', 'aria-label': 'median norm by block'});
  for (let e = Math.floor(low); e <= Math.ceil(high); e++) {
    for (const m of [1, 2, 5]) {
      const v = m * 10 ** e;
      if (Math.log10(v) < low || Math.log10(v) > high) continue;
      chart.append(svg('line', {class: 'grid', x1: left, x2: w - right, y1: y(v), y2: y(v)}),
        svg('text', {class: 'y', x: left - 6, y: y(v) + 4}, String(Number(v.toPrecision(1)))));
    }
  }
  const every = Math.ceil(L / Math.max(1, Math.floor((w - left) / 34)));
  for (let r = 0; r <= L; r += every) chart.append(svg('text', {class: 'x', x: x(r), y: h - 6}, r ? r - 1 : 'in'));
  lines.forEach((points, n) => {
    const line = svg('g', {class: 's' + n});
    line.append(svg('path', {class: 'line d' + n, d: 'M' + points.map(p => x(p[0]) + ' ' + y(p[1])).join('L')}));
    for (const [r, v] of points) {
      const dot = svg('circle', {cx: x(r), cy: y(v), r: 3.2});
      dot.append(svg('title', {}, `${Object.values(NORMS)[n].label}, ${n ? 'block ' + (r - 1) : residualRow(r, false)}: ${compact(v)}`));
      line.append(dot);
    }
    chart.append(line);
  });
  $('normLines').replaceChildren(chart);
}

drawn(drawLines);
showNorm();
redraws.push(() => normHeat.draw());

// ---- gradients

$('gradLink').hidden = !D.gradAll;
if (D.gradAll) {
  const all = floats(D.gradAll);
  const kept = D.gradKept && floats(D.gradKept);
  const seen = positive([...all, ...kept ?? []]);
  const [low, high] = [quantile(seen, 0.02), quantile(seen, 1)];
  const row = (y, short) => short ? y : `after block ${y}`;
  const maps = [new Heat($('gradAll'), '', row), ...kept ? [new Heat($('gradKept'), '', row)] : []];
  [all, kept].slice(0, maps.length).forEach((values, n) => maps[n].show(values, low, high));
  $('gradients').hidden = false;
  $('gradMasked').hidden = !kept;
  $('gradHint').hidden = Boolean(kept);
  if (kept) $('gradName').textContent = D.method.name;
  drawn(() => maps.forEach(map => map.draw()));
}
