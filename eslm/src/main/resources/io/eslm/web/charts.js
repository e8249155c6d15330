// SPDX-License-Identifier: Apache-2.0
'use strict';
/* The curves: which there are, and how uPlot draws them. */

/** A curve along the steps: name, field, whether it is smoothed. */
const CHARTS = [
  { title: 'Loss', unit: 'nats per token', smooth: true, log: true,
    help: 'Lower is better. The strong curve is smoothed, the faint one is not; points are evaluations on held-out text.',
    curves: [['all tokens', 'loss'], ['kept tokens', 'kept_loss']], points: [['held out', e => e.val_loss], ['worst tenth, held out', e => e.val_cvar90]] },
  { title: 'Held-out loss by domain', unit: 'nats per token', log: true, named: run => run.evaluations.map(e => [e.step, e.domains]), least: 2,
    help: 'One curve per kind of text. Where they part, the model learns one at the cost of another.', curves: [] },
  { title: 'Tasks', unit: 'accuracy', named: run => taskFigures(run, true), least: 1,
    help: 'The share of examples that the model answers rightly, zero-shot; acc_norm: by log-likelihood per character.', curves: [] },
  { title: 'Tasks with a perplexity', unit: 'per word, byte or token', log: true, named: run => taskFigures(run, false), least: 1,
    help: 'Lower is better.', curves: [] },
  { title: 'Kept tokens', unit: 'share', help: 'Which part of the tokens the gradient comes from, and the confidence level α.',
    curves: [['kept share', 'kept_fraction'], ['α', 'alpha']] },
  { title: 'Value-at-risk', unit: 'nats', smooth: true, help: 'Tokens whose risk is below this threshold are dropped.', curves: [['VaR', 'var']] },
  { title: 'Gradient norm', unit: 'before clipping', smooth: true, log: true,
    help: 'Spikes are steps that would have moved the weights far.', curves: [['norm', 'grad_norm']] },
  { title: 'Learning rate', unit: 'per step', help: 'How far each step goes.', curves: [['rate', 'lr']] },
  { title: 'Speed', unit: 'tokens per second', smooth: true, help: 'Tokens with a full forward pass; evaluations are not counted.',
    curves: [['tokens / s', 'tokens_per_s']] },
  { title: 'Model FLOP utilisation', unit: 'share of the measured peak', smooth: true, help: 'How much of the machine the model uses.',
    curves: [['MFU', 'mfu']] },
];

/** For each evaluation on tasks, its step and its accuracies, or all else. */
function taskFigures(run, accuracies) {
  return run.tasks.map(t => [t.step, t.figures.filter(([name]) => / acc(_norm)?$/.test(name) === accuracies)]);
}

/** Exponential moving average that begins without bias; {@code keep} is the weight of the past. */
function smoothed(values, keep) {
  if (keep === 0) return values;
  let sum = 0;
  let weight = 0;
  return Float64Array.from(values, v => {
    if (!Number.isFinite(v)) return NaN;
    sum = keep * sum + (1 - keep) * v;
    weight = keep * weight + (1 - keep);
    return sum / weight;
  });
}

const AXES = { step: 'step', tokens: 'tokens', seconds: 'seconds', flops: 'FLOPs' };

/** One chart and its place in the page. */
class Chart {
  constructor(definition, view, where) {
    this.definition = definition;
    this.view = view;
    this.figure = element('figure');
    const caption = element('figcaption', definition.title);
    caption.append(element('small', definition.unit));
    this.plot = element('div', undefined, { class: 'plot', tabindex: 0, role: 'img', 'aria-label': definition.title + ', ' + definition.unit });
    this.figure.append(caption, element('p', definition.help), this.plot);
    where.append(this.figure);
    this.plot.addEventListener('keydown', e => this.key(e));
    new ResizeObserver(() => this.fit()).observe(this.plot);
  }

  /** The series: [label, xs, ys, colour, points, dash]. */
  series(runs) {
    const { definition, view } = this;
    const all = [];
    let colour = 0;
    for (const run of runs) {
      const prefix = runs.length > 1 ? run.name + ': ' : '';
      const x = run.along(view.axis);
      for (const [label, field] of definition.curves) {
        const y = run.column(field);
        if (y.some(Number.isFinite)) {
          if (definition.smooth && view.keep > 0) {
            all.push([null, x, y, curveColour(colour, true)]);
            all.push([prefix + label, x, smoothed(y, view.keep), curveColour(colour)]);
          } else {
            all.push([prefix + label, x, y, curveColour(colour)]);
          }
        }
        colour++;
      }
      for (const [label, steps, y, dash] of this.evaluated(run)) {
        const at = Float64Array.from(steps, step => run.placeOf(step, view.axis));
        if (y.some(v => v !== null)) all.push([prefix + label, at, y, curveColour(colour), true, dash]);
        colour++;
      }
    }
    return all;
  }

  evaluated(run) {
    const { points, named, least } = this.definition;
    if (!named) {
      return (points || []).map(([label, of]) => [label, run.evaluations.map(e => e.step), run.evaluations.map(of)]);
    }
    const all = named(run);
    const names = new Set(all.flatMap(([, figures]) => figures.map(f => f[0])));
    return names.size < least ? [] : [...names].map((name, i) => [name, all.map(([step]) => step),
      all.map(([, figures]) => { const f = figures.find(p => p[0] === name); return f ? f[1] : null; }), i >= 8]);
  }

  draw(runs) {
    const series = this.series(runs);
    this.figure.hidden = series.length === 0;
    if (this.figure.hidden) return;
    const log = this.view.logY && this.definition.log;
    const tables = series.map(([, x, y]) => {
      const xs = [];
      const ys = [];
      let last = -Infinity;
      for (let i = 0; i < y.length; i++) {
        const v = y[i];
        if (v === null || !Number.isFinite(v) || log && v <= 0 || this.view.logX && x[i] <= 0 || x[i] <= last) continue;
        xs.push(x[i]);
        ys.push(v);
        last = x[i];
      }
      return [xs, ys];
    });
    const data = joined(tables);
    const key = JSON.stringify([series.map(s => [s[0], s[3], s[4]]), log, this.view.logX, this.view.axis, isDark()]);
    if (this.key_ !== key) {
      this.key_ = key;
      this.chart?.destroy();
      this.chart = new uPlot(this.options(series, log), data, this.plot);
    } else {
      this.chart.setData(data);
    }
    this.plot.dataset.points = tables.reduce((sum, t) => sum + t[0].length, 0);
  }

  options(series, log) {
    const view = this.view;
    const ink = themed('--faint');
    const grid = { stroke: themed('--edge'), width: 1 };
    return {
      width: Math.max(200, this.plot.clientWidth), height: 250,
      cursor: { sync: { key: 'runs' }, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => { view.zoom(null); return null; } },
        points: { size: 7 } },
      legend: { live: true },
      scales: {
        x: { time: false, distr: view.logX ? 3 : 1, range: (_, min, max) => view.range || [max - (max - min) * view.part, max > min ? max : min + 1] },
        y: { distr: log ? 3 : 1, range: log ? undefined : (_, min, max) => around(min, max) },
      },
      axes: [{ stroke: ink, grid: { show: false }, ticks: grid, values: (_, all) => all.map(v => v === null ? '' : shown(v, 3)), size: 34 },
        { stroke: ink, grid, ticks: { show: false }, values: (_, all) => all.map(v => v === null ? '' : shown(v, 3)), size: 58 }],
      series: [{ label: AXES[view.axis], value: (_, v) => shown(v, 6) }, ...series.map(([label, , , colour, points, dash]) => ({
        label: label || '', stroke: colour, width: label ? 1.8 : 1, spanGaps: true, dash: dash ? [6, 4] : undefined,
        points: { show: points ? (u, i) => u.data[i].length < 400 || undefined : false, size: 6, fill: colour },
        value: (_, v) => shown(v), class: label ? undefined : 'raw' }))],
      hooks: {
        setSelect: [u => {
          if (u.select.width > 4) {
            view.zoom([u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')]);
          }
          if (u.select.width > 0) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
        ready: [u => u.root.querySelectorAll('.raw').forEach(row => row.hidden = true)],
      },
    };
  }

  fit() {
    const width = this.plot.clientWidth;
    if (this.chart && width > 0 && width !== this.chart.width) this.chart.setSize({ width, height: 250 });
  }

  /** Keys: arrows move the reading, + and − zoom around it, 0 shows all. */
  key(e) {
    const u = this.chart;
    if (!u) return;
    const xs = u.data[0];
    const [from, to] = [u.scales.x.min, u.scales.x.max];
    const at = u.cursor.idx ?? xs.findLastIndex(x => x <= to);
    const middle = xs[Math.max(0, at)];
    if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') {
      const stride = Math.max(1, Math.round(xs.length / 100)) * (e.key === 'ArrowLeft' ? -1 : 1);
      const next = Math.min(xs.length - 1, Math.max(0, u.cursor.idx === null || u.cursor.idx === undefined ? at : at + stride));
      u.setCursor({ left: u.valToPos(xs[next], 'x'), top: 20 });
    } else if (e.key === '+' || e.key === '=') {
      this.view.zoom([middle - (middle - from) / 2, middle + (to - middle) / 2]);
    } else if (e.key === '-' && this.view.range) {
      const low = from - (middle - from);
      this.view.zoom([this.view.logX ? Math.max(low, xs[0]) : low, to + (to - middle)]);
    } else if (e.key === '0' || e.key === 'Escape') {
      this.view.zoom(null);
    } else {
      return;
    }
    e.preventDefault();
  }
}

/** A range with some air around it. */
function around(min, max) {
  if (min === null || max === null) return [0, 1];
  const air = max > min ? (max - min) * 0.06 : Math.max(Math.abs(max) * 0.1, 1e-9);
  return [min - air, max + air];
}

/** Tables of [xs, ys] over one axis; without a copy where they share it. */
function joined(tables) {
  const first = tables[0][0];
  const same = tables.every(([xs]) => xs.length === first.length && xs.every((x, i) => x === first[i]));
  return same ? [first, ...tables.map(t => t[1])] : uPlot.join(tables, tables.map(() => [2]));
}
