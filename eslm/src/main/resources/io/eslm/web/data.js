// SPDX-License-Identifier: Apache-2.0
'use strict';
/* The data of the runs: columns that grow. */

/** The float32 values in a base64 text. */
function floats(base64) {
  const text = atob(base64 || '');
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

/** A column of numbers that grows. */
class Column {
  constructor() { this.memory = new Float64Array(64); this.length = 0; }

  add(values) {
    if (this.length + values.length > this.memory.length) {
      const larger = new Float64Array(Math.max(2 * this.memory.length, this.length + values.length));
      larger.set(this.memory.subarray(0, this.length));
      this.memory = larger;
    }
    this.memory.set(values, this.length);
    this.length += values.length;
  }

  get values() { return this.memory.subarray(0, this.length); }

  last() { return this.length ? this.memory[this.length - 1] : NaN; }
}

/** What is known of one run. */
class RunData {
  constructor(name) { this.name = name; this.place = ''; this.about = null; this.damaged = 0; this.version = 0; this.clear(); }

  clear() {
    this.steps = new Map();
    this.evaluations = [];
    this.tasks = [];
    this.layerSteps = new Column();
    this.layers = new Map();
    this.windows = [];
    this.window = null;
    this.samples = [];
    this.damaged = 0;
  }

  /** Takes one answer of the server; true if something came. */
  take(piece) {
    if (piece.reset) this.clear();
    const before = this.place;
    this.place = piece.place;
    this.damaged += piece.damaged;
    if (piece.about) this.about = piece.about;
    this.takeSteps(piece.steps);
    this.evaluations.push(...piece.evaluations);
    this.tasks.push(...piece.tasks);
    this.takeLayers(piece.layers);
    if (piece.window) this.window = decoded(piece.window);
    for (const w of piece.windows) this.windows.push(decoded(w));
    this.samples.push(...piece.samples);
    if (before !== this.place) this.version++;
    return before !== this.place;
  }

  takeSteps(columns) {
    for (const [name, base64] of Object.entries(columns)) {
      if (!this.steps.has(name)) this.steps.set(name, new Column());
      this.steps.get(name).add(floats(base64));
    }
    const ms = floats(columns.ms);
    if (!this.steps.has('seconds')) this.steps.set('seconds', new Column());
    if (!this.steps.has('work')) this.steps.set('work', new Column());
    this.sum('seconds', ms, 1e-3);
    this.sum('work', floats(columns.flops), 1);
  }

  sum(name, values, factor) {
    const column = this.steps.get(name);
    let sum = column.length ? column.last() : 0;
    column.add(Float64Array.from(values, v => sum += (Number.isFinite(v) ? v : 0) * factor));
  }

  takeLayers(layers) {
    this.layerSteps.add(floats(layers.step));
    for (const [name, picture] of Object.entries(layers)) {
      if (name === 'step') continue;
      if (!this.layers.has(name)) this.layers.set(name, { rows: picture.rows, values: new Column() });
      this.layers.get(name).values.add(floats(picture.values));
    }
  }

  column(name) { return this.steps.has(name) ? this.steps.get(name).values : new Float64Array(0); }

  last(name) { return this.steps.has(name) ? this.steps.get(name).last() : NaN; }

  /** Steps done: of the last line. */
  get step() {
    const evaluated = this.evaluations.length ? this.evaluations[this.evaluations.length - 1].step : 0;
    return Math.max(this.last('step') || 0, evaluated);
  }

  /** Where each step lies along an axis. */
  along(axis) { return this.column({ step: 'step', tokens: 'tokens', seconds: 'seconds', flops: 'work' }[axis]); }

  /** Where a step lies along an axis that has values per step. */
  placeOf(step, axis) {
    if (axis === 'step') return step;
    const steps = this.column('step');
    let low = 0;
    let high = steps.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle] <= step) low = middle + 1; else high = middle;
    }
    return low === 0 ? 0 : this.along(axis)[low - 1];
  }
}

function decoded(window) {
  return { ...window, loss: floats(window.loss), entropy: floats(window.entropy) };
}

/** A number for people: four digits at most. */
function shown(v, digits = 4) {
  if (v === null || v === undefined || !Number.isFinite(v)) return '–';
  const size = Math.abs(v);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return v.toExponential(Math.max(1, digits - 2));
  if (Number.isInteger(v) || size >= 1e4) return Math.round(v).toLocaleString('en');
  return String(Number(v.toPrecision(digits)));
}

/** An element with text, never markup. */
function element(name, text, attributes = {}) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  return e;
}

function byId(id) { return document.getElementById(id); }
