// SPDX-License-Identifier: Apache-2.0
'use strict';
/* The curves of a comparison: the mean of each method with its interval, and each seed. */

const comparison = JSON.parse(byId('data').textContent);
const look = { seeds: true, intervals: true, log: false };
const plots = [];

/** A method's curve over one axis: its tables of [xs, ys], and how each is drawn. */
function curvesOf(method, i, axis) {
  const colour = curveColour(i);
  const mean = method.mean;
  const x = floats(mean[axis]);
  const curves = [{ x, y: floats(mean.loss), series: { label: method.label, stroke: colour, width: 2.2, points: { show: x.length < 40, size: 5, fill: colour } } }];
  const edge = { stroke: 'transparent', width: 0, points: { show: false }, class: 'raw' };
  curves.push({ x, y: floats(mean.high), hidden: !look.intervals, series: edge }, { x, y: floats(mean.low), hidden: !look.intervals, series: edge });
  for (const run of method.runs) {
    curves.push({ x: floats(run[axis]), y: floats(run.loss), hidden: !look.seeds,
      series: { label: method.label + ', seed ' + run.seed, stroke: curveColour(i, true), width: 1, points: { show: false }, class: 'raw' } });
  }
  return curves;
}

class ComparisonPlot {
  constructor(axis, unit, where) {
    this.axis = axis;
    this.unit = unit;
    const figure = element('figure');
    const caption = element('figcaption', 'Validation loss against ' + (axis === 'flops' ? 'FLOPs' : 'seconds of training'));
    caption.append(element('small', comparison.lossUnit));
    this.plot = element('div', undefined, { class: 'plot', tabindex: 0, role: 'img', 'aria-label': caption.textContent });
    figure.append(caption, element('p', 'Further down and to the left is better. Strong: the mean over the seeds, with its 95 % interval; faint: each seed.'), this.plot);
    where.append(figure);
    this.plot.addEventListener('keydown', e => {
      if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') this.read(e.key === 'ArrowLeft' ? -1 : 1);
      else if (e.key === '0' || e.key === 'Escape') this.draw();
      else return;
      e.preventDefault();
    });
    new ResizeObserver(() => {
      const width = this.plot.clientWidth;
      if (this.chart && width > 0 && width !== this.chart.width) this.chart.setSize({ width, height: 320 });
    }).observe(this.plot);
    this.draw();
  }

  draw() {
    const curves = comparison.methods.flatMap((m, i) => curvesOf(m, i, this.axis));
    const tables = curves.map(c => {
      const keep = [...c.x.keys()].filter(k => !c.hidden && Number.isFinite(c.y[k]) && Number.isFinite(c.x[k]));
      return [keep.map(k => c.x[k]), keep.map(k => c.y[k])];
    });
    const ink = themed('--faint');
    const grid = { stroke: themed('--edge'), width: 1 };
    const bands = curves.map((c, i) => i).filter(i => curves[i].series.label && !curves[i].series.class)
      .map(i => ({ series: [i + 2, i + 3], fill: curves[i].series.stroke.replace(')', ' / 0.16)') }));
    this.chart?.destroy();
    this.chart = new uPlot({
      width: Math.max(200, this.plot.clientWidth), height: 320, bands,
      cursor: { drag: { x: true, y: true, uni: 20 } },
      scales: { x: { time: false }, y: { distr: look.log ? 3 : 1 } },
      axes: [{ stroke: ink, grid: { show: false }, ticks: grid, values: (_, all) => all.map(v => v === null ? '' : shown(v, 3)) },
        { stroke: ink, grid, ticks: { show: false }, size: 58, values: (_, all) => all.map(v => v === null ? '' : shown(v, 4)) }],
      series: [{ label: this.unit, value: (_, v) => shown(v) }, ...curves.map((c, i) => ({ label: '', spanGaps: true, ...c.series,
        value: (u, v, s, k) => k === null || k === undefined ? '–' : this.value(curves, i, u.data[0][k]) }))],
      hooks: { ready: [u => u.root.querySelectorAll('.raw').forEach(row => row.hidden = true)] },
    }, joined(tables), this.plot);
  }

  /** The mean at the last evaluation up to x, and its interval. */
  value(curves, i, x) {
    const at = curves[i].x.findLastIndex(v => v <= x);
    if (at < 0) return '–';
    const [low, high] = [curves[i + 2]?.y[at], curves[i + 1]?.y[at]];
    return shown(curves[i].y[at]) + (Number.isFinite(low) ? ` (${shown(low)} to ${shown(high)})` : '');
  }

  read(by) {
    const xs = this.chart.data[0];
    const next = Math.min(xs.length - 1, Math.max(0, (this.chart.cursor.idx ?? xs.length) + by));
    this.chart.setCursor({ left: this.chart.valToPos(xs[next], 'x'), top: 20 });
  }
}

plots.push(new ComparisonPlot('flops', comparison.unit, byId('charts')), new ComparisonPlot('seconds', 's', byId('charts')));
for (const name of ['seeds', 'intervals', 'log']) {
  byId(name).addEventListener('change', e => { look[name] = e.target.checked; plots.forEach(p => p.draw()); });
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => plots.forEach(p => p.draw()));
