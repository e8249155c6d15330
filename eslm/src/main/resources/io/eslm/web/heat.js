// SPDX-License-Identifier: Apache-2.0
'use strict';
/* Pictures of layers × steps, one canvas each. */

const PICTURES = {
  gradient: { title: 'Gradient norm', log: true, help: 'How strongly the step pulls at each part, before clipping. Rows that stay dark learn little; a column that lights up is a spike.' },
  update: { title: 'Update / weight', log: true, help: 'Size of the step divided by the size of the weights. Around 10⁻³ is usual; far above it is unstable, far below stands still.' },
  activation: { title: 'Activation scale', log: true, help: 'Root mean square of the residual stream after each block. It should grow slowly with depth.' },
  dead: { title: 'Dead units', log: false, help: 'Share of the MLP’s units that answer to no token of the batch (|output| < 0.01 for all of them).' },
};
const ROW = 15;
const MOST_COLUMNS = 1200;

/** One picture. */
class HeatMap {
  constructor(name, where) {
    this.kind = PICTURES[name] || { title: name, log: true, help: '' };
    this.box = element('div', undefined, { class: 'map', 'data-picture': name });
    this.canvas = element('canvas', undefined, { class: 'cells', tabindex: 0, role: 'img' });
    this.reading = element('p', '', { class: 'reading', 'aria-live': 'polite' });
    this.low = element('span');
    this.high = element('span');
    const bar = element('canvas', undefined, { width: 256, height: 1 });
    const key = element('div', undefined, { class: 'key' });
    key.append(this.low, bar, this.high);
    paint(bar, 256, 1, i => scaled(i / 255));
    this.box.append(element('h3', this.kind.title), element('p', this.kind.help, { class: 'note' }), this.canvas, key, this.reading);
    where.append(this.box);
    this.at = null;
    this.canvas.addEventListener('pointermove', e => this.point(e));
    this.canvas.addEventListener('pointerdown', e => this.point(e));
    this.canvas.addEventListener('pointerleave', () => this.read(null));
    this.canvas.addEventListener('keydown', e => this.key(e));
    new ResizeObserver(() => this.draw(this.steps, this.layer)).observe(this.box);
  }

  /** The label column's width in CSS pixels. */
  get left() { return Math.min(150, this.canvas.clientWidth * 0.3); }

  draw(steps, layer) {
    if (!layer || this.box.clientWidth === 0) return;
    this.steps = steps;
    this.layer = layer;
    const rows = layer.rows.length;
    const columns = steps.length;
    const values = layer.values.values;
    const [low, high] = this.limits(values);
    this.low.textContent = shown(this.kind.log ? 10 ** low : low, 2);
    this.high.textContent = shown(this.kind.log ? 10 ** high : high, 2);
    const ratio = window.devicePixelRatio || 1;
    const width = this.box.clientWidth;
    const height = rows * ROW + 20;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.canvas.style.height = height + 'px';
    this.canvas.setAttribute('aria-label', `${this.kind.title}: ${rows} parts, ${columns} recorded steps; arrows move from cell to cell`);
    this.group = Math.ceil(columns / MOST_COLUMNS);
    const drawn = Math.ceil(columns / this.group);
    const cells = document.createElement('canvas');
    cells.width = drawn;
    cells.height = rows;
    paint(cells, drawn, rows, (c, r) => {
      const v = this.value(c, r);
      return Number.isFinite(v) ? scaled((this.scale(v) - low) / (high - low || 1)) : null;
    });
    const g = this.canvas.getContext('2d');
    g.scale(ratio, ratio);
    g.imageSmoothingEnabled = false;
    const left = this.left;
    g.drawImage(cells, left, 0, width - left, rows * ROW);
    g.font = '11.5px system-ui, sans-serif';
    g.fillStyle = themed('--faint');
    g.textBaseline = 'middle';
    const every = Math.ceil(rows / 40);
    layer.rows.forEach((name, r) => { if (r % every === 0) g.fillText(label(name), 0, (r + 0.5) * ROW, left - 6); });
    g.fillText('step ' + shown(steps[0], 7), left, rows * ROW + 11);
    g.textAlign = 'right';
    if (columns > 1) g.fillText('step ' + shown(steps[columns - 1], 7), width, rows * ROW + 11);
    if (this.at) this.mark(g, left, width, drawn);
  }

  mark(g, left, width, drawn) {
    const [c, r] = this.at;
    g.strokeStyle = themed('--ink');
    g.lineWidth = 1.5;
    const w = (width - left) / drawn;
    g.strokeRect(left + c * w, r * ROW + 0.75, Math.max(3, w), ROW - 1.5);
  }

  /** The largest value of the steps that one column of the picture stands for. */
  value(column, row) {
    const rows = this.layer.rows.length;
    const values = this.layer.values.values;
    let most = NaN;
    for (let s = column * this.group; s < Math.min((column + 1) * this.group, this.steps.length); s++) {
      const v = values[s * rows + row];
      if (!(v <= most) && Number.isFinite(v)) most = v;
    }
    return most;
  }

  scale(v) { return this.kind.log ? Math.log10(Math.max(v, 1e-38)) : v; }

  /** What the two ends of the scale stand for: nearly all values lie between, single outliers beyond. */
  limits(values) {
    const stride = Math.ceil(values.length / 20000);
    const some = [];
    for (let i = 0; i < values.length; i += stride) {
      if (Number.isFinite(values[i]) && (!this.kind.log || values[i] > 0)) some.push(this.scale(values[i]));
    }
    if (some.length === 0) return [0, 1];
    some.sort((a, b) => a - b);
    if (!this.kind.log) return [0, Math.max(some[some.length - 1], 1e-9)];
    return [some[Math.floor(0.01 * (some.length - 1))], some[Math.ceil(0.99 * (some.length - 1))]];
  }

  point(e) {
    const box = this.canvas.getBoundingClientRect();
    const columns = Math.ceil(this.steps.length / this.group);
    const c = Math.floor((e.clientX - box.left - this.left) / (box.width - this.left) * columns);
    const r = Math.floor((e.clientY - box.top) / ROW);
    this.read(c >= 0 && c < columns && r >= 0 && r < this.layer.rows.length ? [c, r] : null);
  }

  key(e) {
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key];
    if (!move || !this.layer) return;
    const columns = Math.ceil(this.steps.length / this.group);
    const [c, r] = this.at || [columns - 1, 0];
    const to = this.at ? [c + move[0], r + move[1]] : [c, r];
    this.read([Math.min(columns - 1, Math.max(0, to[0])), Math.min(this.layer.rows.length - 1, Math.max(0, to[1]))]);
    e.preventDefault();
  }

  read(at) {
    this.at = at;
    this.draw(this.steps, this.layer);
    if (!at) { this.reading.textContent = ''; return; }
    const first = this.steps[at[0] * this.group];
    const last = this.steps[Math.min(this.steps.length, (at[0] + 1) * this.group) - 1];
    this.reading.textContent = `step ${shown(first, 7)}${last > first ? '–' + shown(last, 7) : ''} · ${label(this.layer.rows[at[1]])}: `
      + `${shown(this.value(...at))}${this.group > 1 ? ' at most' : ''}`;
  }
}

/** "blocks.3.attention" for people: "block 3 attention". */
function label(name) { return name.replace(/^blocks\.(\d+)/, 'block $1').replace(/[._]/g, ' '); }

/** Fills a canvas with a pixel per cell; null leaves it transparent. */
function paint(canvas, width, height, colour) {
  const g = canvas.getContext('2d');
  const image = g.createImageData(width, height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      const c = colour(x, y);
      if (c) { image.data[i] = c[0]; image.data[i + 1] = c[1]; image.data[i + 2] = c[2]; image.data[i + 3] = 255; }
    }
  }
  g.putImageData(image, 0, 0);
}
