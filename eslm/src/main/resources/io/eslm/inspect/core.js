/* SPDX-License-Identifier: Apache-2.0 */
// What every part of the page uses: the data, colours, and small helpers. Text reaches the page as textContent only.

const D = JSON.parse(document.getElementById('data').textContent);
const {layers: L, heads: H, positions: T} = D;
/** Attention and neurons, which stand behind the scripts: the page answers before they have arrived. */
const large = new Promise(resolve => {
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', resolve); else resolve();
}).then(() => JSON.parse(document.getElementById('large').textContent));
const $ = id => document.getElementById(id);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// ---- data: little-endian arrays as base64; large ones deflated, and decoded when they are opened

function bytes(base64) {
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < out.length; i++) out[i] = text.charCodeAt(i);
  return out;
}
const floats = base64 => new Float32Array(bytes(base64).buffer);
const ints = base64 => new Int32Array(bytes(base64).buffer);
async function inflate(base64) {
  const stream = new Blob([bytes(base64)]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// ---- elements

function el(tag, properties, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in e) e[name] = value; else e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

/** The words of a token: what cannot be seen was made visible before. */
const text = id => D.texts[id] ?? `[${id}]`;
/** A token on one line, spaces and line breaks shown. */
const shown = id => text(id).replace(/\n/g, '↵').replace(/\t/g, '⇥').replace(/ /g, '·');
const quoted = id => el('q', {className: 'tok'}, shown(id));

const number = n => n.toLocaleString('en');
const nats = x => x.toFixed(x < 10 ? 2 : 1);
function percent(p) {
  const x = 100 * p;
  return (x >= 9.95 ? x.toFixed(0) : x >= 0.095 ? x.toFixed(1) : x > 0 ? '< 0.1' : '0') + ' %';
}
const compact = x => x === 0 ? '0' : Math.abs(x) >= 1000 || Math.abs(x) < 0.01 ? x.toExponential(1) : x.toPrecision(3);

/** The value below which a share of a copy of {@code values} lies. */
function quantile(values, share) {
  const sorted = Float32Array.from(values).sort();
  return sorted[clamp(Math.ceil(share * sorted.length) - 1, 0, sorted.length - 1)];
}

// ---- colours: one scale whose lightness changes evenly, so it reads without hue; 0 is the ground it lies on

const dark = matchMedia('(prefers-color-scheme: dark)');
const STEPS = 256;
let rgba;
let colours;

/** Of a step; 0 is left out, so that the ground shows. */
const lightness = t => dark.matches ? 0.245 + 0.655 * t : 1 - 0.66 * t;

function makeColours() {
  rgba = new Uint32Array(STEPS);
  colours = [];
  for (let i = 0; i < STEPS; i++) {
    const t = i / (STEPS - 1);
    const hue = dark.matches ? 285 - 185 * t : 95 + 190 * t;
    const [r, g, b] = oklch(lightness(t), 0.15 * Math.min(1, 2.2 * t), hue);
    rgba[i] = i ? 0xff000000 | b << 16 | g << 8 | r : 0;
    colours.push(i ? `rgb(${r},${g},${b})` : 'transparent');
  }
}
makeColours();

const step = t => Math.round(clamp(t, 0, 1) * (STEPS - 1)) || 0;
/** Paints the background of an element by a value of 0 … 1, with an ink that can be read on it. */
function paint(e, t) {
  e.style.backgroundColor = colours[step(t)];
  e.style.color = lightness(clamp(t, 0, 1)) > 0.58 ? '#14161a' : '#fff';
}

const redraws = [];
/** Runs {@code draw} now, and again when the window or its colours change. */
function drawn(draw) {
  redraws.push(draw);
  draw();
}
const redraw = () => redraws.forEach(draw => draw());
dark.addEventListener('change', () => { makeColours(); redraw(); });
let width = innerWidth;
addEventListener('resize', () => {
  if (innerWidth !== width) {
    width = innerWidth;
    redraw();
  }
});

// ---- canvases

/** Sizes a canvas in CSS pixels, sharp on every screen; returns its context. */
function sized(canvas, w, h) {
  const dots = devicePixelRatio || 1;
  canvas.width = Math.round(w * dots);
  canvas.height = Math.round(h * dots);
  canvas.style.width = w + 'px';
  canvas.style.height = h + 'px';
  const g = canvas.getContext('2d');
  g.setTransform(dots, 0, 0, dots, 0, 0);
  g.imageSmoothingEnabled = false;
  return g;
}

/** An image of {@code w} × {@code h} steps of the scale, as a canvas to draw from. */
function image(w, h, stepAt) {
  const canvas = el('canvas', {width: w, height: h});
  const g = canvas.getContext('2d');
  const pixels = g.createImageData(w, h);
  const out = new Uint32Array(pixels.data.buffer);
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) out[i] = rgba[stepAt(x, y)];
  }
  g.putImageData(pixels, 0, 0);
  return canvas;
}

/** The colour of a CSS variable, for a canvas. */
function ink(name) {
  const probe = $('ink');
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

/** What the scale means, from its beginning to its end. */
function legend(e, from, to) {
  const bar = el('i');
  bar.style.background = `linear-gradient(90deg, ${[0, 32, 64, 96, 128, 160, 192, 224, 255].map(i => colours[i]).join()})`;
  e.replaceChildren(from, bar, to);
}

/** Arrow keys, Home and End move over a grid of columns × rows; returns the new place or null. */
function moved(key, column, row, columns, rows) {
  const by = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
    Home: [-columns, 0], End: [columns, 0], PageUp: [0, -rows], PageDown: [0, rows]}[key];
  return by ? [clamp(column + by[0], 0, columns - 1), clamp(row + by[1], 0, rows - 1)] : null;
}
