// SPDX-License-Identifier: Apache-2.0
'use strict';
/* The curves of a measurement of kernels, their crossovers, and the roofline. */

const measured = JSON.parse(byId('data').textContent);
const seen = { figure: 'time', hidden: new Set(), sizes: 'largest' };
const plots = [];

/** The colour of an engine, the same in every chart; its curve with copies is dashed. */
function colourOf(name) {
  return curveColour(measured.engines.findIndex(e => e.name === name.replace(/ with copies$/, '')));
}

function isHidden(name) { return seen.hidden.has(name.replace(/ with copies$/, '')); }

function seconds(s) {
  if (s === null || s === undefined || !Number.isFinite(s)) return '–';
  for (const [unit, size] of [['s', 1], ['ms', 1e-3], ['µs', 1e-6]]) if (s >= size) return shown(s / size, 3) + ' ' + unit;
  return shown(s * 1e9, 3) + ' ns';
}

/** A chart in the page, drawn anew when what is seen changes. */
class Plot {
  constructor(title, unit, text, where, height) {
    this.height = height;
    this.figure = element('figure');
    const caption = element('figcaption', title);
    caption.append(element('small', unit));
    this.plot = element('div', undefined, { class: 'plot', tabindex: 0, role: 'img', 'aria-label': title + ', ' + unit });
    this.figure.append(caption, ...text.map(t => element('p', t, { class: 'note' })), this.plot);
    where.append(this.figure);
    this.plot.addEventListener('keydown', e => this.key(e));
    new ResizeObserver(() => {
      const width = this.plot.clientWidth;
      if (this.chart && width > 0 && width !== this.chart.width) this.chart.setSize({ width, height });
    }).observe(this.plot);
  }

  show(data, series, axes, scales, hooks) {
    const ink = themed('--faint');
    const grid = { stroke: themed('--edge'), width: 1 };
    this.chart?.destroy();
    this.chart = new uPlot({
      width: Math.max(200, this.plot.clientWidth), height: this.height, cursor: { drag: { x: true, y: true, uni: 20 } }, scales,
      axes: axes.map((values, i) => ({ stroke: ink, grid, ticks: { show: false }, size: i ? 64 : 34, values: (_, all) => all.map(v => v === null ? '' : values(v)) })),
      series, hooks,
    }, data, this.plot);
  }

  /** Arrows read values, 0 shows all. */
  key(e) {
    const xs = this.chart.data[0];
    if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') {
      const at = this.chart.cursor.idx ?? (e.key === 'ArrowLeft' ? xs.length : -1);
      const next = Math.min(xs.length - 1, Math.max(0, at + (e.key === 'ArrowLeft' ? -1 : 1)));
      this.chart.setCursor({ left: this.chart.valToPos(xs[next], 'x'), top: 20 });
    } else if (e.key === '0' || e.key === 'Escape') {
      this.draw();
    } else {
      return;
    }
    e.preventDefault();
  }
}

/** One kernel: time over size on every engine. */
class KernelPlot extends Plot {
  constructor(kernel, where) {
    const sure = kernel.crossovers.filter(c => !c.always && !c.unsure).map(c => `${c.fast} passes ${c.slow} at n = ${c.text}`);
    const unsure = kernel.crossovers.filter(c => c.unsure).length;
    const text = (sure.join('; ') || 'No crossover is sure') + (unsure ? `; ${unsure} more within the intervals` : '') + '.';
    super(kernel.name, 'n rows of n', [text], where, 260);
    this.kernel = kernel;
    this.draw();
  }

  draw() {
    const curves = this.kernel.curves.filter(c => !isHidden(c.name));
    const sides = [...new Set(curves.flatMap(c => c.sides))].sort((a, b) => a - b);
    const isTime = seen.figure === 'time';
    const value = isTime ? seconds : v => shown(100 * v, 3) + ' %';
    const field = isTime ? 'mean' : 'share';
    const over = (c, f) => sides.map(s => { const i = c.sides.indexOf(s); return i < 0 ? null : c[f][i]; });
    const series = curves.map(c => ({ label: c.name, stroke: colourOf(c.name), width: 2, spanGaps: true,
      dash: c.name.endsWith(' with copies') ? [6, 4] : undefined, points: { show: true, size: 5, fill: colourOf(c.name) },
      value: (u, v, s, i) => v === null || v === undefined ? '–' : value(v) + (isTime ? ` (${value(over(c, 'low')[i])} to ${value(over(c, 'high')[i])})` : '') }));
    const marks = isTime ? this.kernel.crossovers.filter(c => !c.always && !isHidden(c.fast) && !isHidden(c.slow)) : [];
    this.plot.dataset.curves = curves.length;
    this.plot.dataset.crossings = marks.length;
    this.show([sides, ...curves.map(c => over(c, field))], [{ label: 'n', value: (_, v) => shown(v) }, ...series],
      [v => shown(v), v => isTime ? seconds(v) : shown(100 * v, 3) + ' %'],
      { x: { time: false, distr: 3, log: 2 }, y: { distr: 3 } }, { draw: [u => marks.forEach(m => this.mark(u, m))] });
  }

  /** A ring where two curves cross, and a bar along the interval of the crossing; faint if even the largest size is not sure. */
  mark(u, c) {
    const curve = this.kernel.curves.find(k => k.name === c.fast);
    const x = u.valToPos(c.side, 'x', true);
    const y = u.valToPos(between(curve, c.side), 'y', true);
    const g = u.ctx;
    g.save();
    g.strokeStyle = themed(c.unsure ? '--faint' : '--ink');
    g.lineWidth = 1.5 * devicePixelRatio;
    g.beginPath();
    g.arc(x, y, 5 * devicePixelRatio, 0, 2 * Math.PI);
    if (!c.unsure) {
      g.moveTo(u.valToPos(c.low ?? curve.sides[0], 'x', true), y);
      g.lineTo(u.valToPos(c.high, 'x', true), y);
    }
    g.stroke();
    g.restore();
  }
}

/** The time at a size between measured ones, straight where both axes are logarithmic. */
function between(curve, side) {
  const i = Math.max(1, curve.sides.findIndex(s => s >= side));
  const [a, b] = [curve.sides[i - 1], curve.sides[i]];
  const part = Math.log(side / a) / Math.log(b / a);
  return curve.mean[i - 1] ** (1 - part) * curve.mean[i] ** part;
}

/** Operations per second over operations per byte, under what each engine reaches at most. */
class Roofline extends Plot {
  constructor(where) {
    super('Roofline', 'GFLOP/s over FLOP per byte', ['Lines: the measured peaks of each engine, arithmetic and memory; a library has those of the Vector API. Points: the kernels. A point above the slope has its data in caches. Kernels that only move data are in the table.'], where, 420);
    this.draw();
  }

  draw() {
    const engines = measured.engines.filter(e => !isHidden(e.name));
    const points = [];
    for (const kernel of measured.kernels) {
      for (const curve of kernel.curves.filter(c => engines.some(e => e.name === c.name))) {
        curve.sides.forEach((side, i) => {
          const last = i === curve.sides.length - 1;
          if ((last || seen.sizes === 'all') && kernel.operations[side] > 0) {
            points.push({ x: kernel.operations[side] / kernel.bytes[side], y: kernel.operations[side] / curve.mean[i] * 1e-9, engine: curve.name, text: kernel.name + ' ' + side });
          }
        });
      }
    }
    const known = engines.filter((e, i) => e.flops !== null && engines.findIndex(o => o.flops === e.flops && o.bandwidth === e.bandwidth) === i);
    const ends = [0.05, ...known.map(e => e.flops / e.bandwidth), Math.max(100, ...points.map(p => 1.5 * p.x))].map(x => ({ x }));
    const all = [...points, ...ends].sort((a, b) => a.x - b.x);
    all.forEach((p, i) => { if (i && p.x <= all[i - 1].x) p.x = all[i - 1].x * (1 + 1e-9); }); // uPlot wants rising values
    const data = [all.map(p => p.x), ...known.map(e => all.map(p => Math.min(e.flops, p.x * e.bandwidth) * 1e-9)),
      ...engines.map(e => all.map(p => p.engine === e.name ? p.y : null))];
    this.plot.dataset.points = points.length;
    this.show(data, [{ label: 'FLOP per byte', value: (_, v) => shown(v) },
      ...known.map(e => ({ label: e.name + ', at most', stroke: colourOf(e.name), width: 1.5, points: { show: false }, value: (_, v) => v === null ? '–' : shown(v, 3) + ' GFLOP/s' })),
      ...engines.map(e => ({ label: e.name, stroke: colourOf(e.name), paths: () => null, points: { show: true, size: 7, fill: colourOf(e.name) },
        value: (_, v, s, i) => v === null || v === undefined ? '–' : all[i].text + ': ' + shown(v, 3) + ' GFLOP/s' }))],
    [v => shown(v), v => shown(v, 3)], { x: { time: false, distr: 3 }, y: { distr: 3 } }, {});
  }
}

function drawAll() { plots.forEach(p => p.draw()); }

for (const e of measured.engines) {
  const label = element('label');
  const box = element('input', undefined, { type: 'checkbox', checked: '', value: e.name });
  box.addEventListener('change', () => { seen.hidden[box.checked ? 'delete' : 'add'](e.name); drawAll(); });
  label.append(box, e.name);
  byId('engines').append(label);
}
for (const name of ['figure', 'sizes']) {
  byId(name).addEventListener('change', e => { seen[name] = e.target.value; drawAll(); });
}
byId('kernel').append(...measured.kernels.map(k => element('option', k.name)));
byId('kernel').addEventListener('change', e => plots.forEach(p => { if (p.kernel) p.figure.hidden = e.target.value !== '' && p.kernel.name !== e.target.value; }));
plots.push(new Roofline(byId('roofline')), ...measured.kernels.map(k => new KernelPlot(k, byId('charts'))));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
