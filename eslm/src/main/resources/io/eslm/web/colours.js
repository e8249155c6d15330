// SPDX-License-Identifier: Apache-2.0
'use strict';
/* Colours, computed in OKLab, where equal steps look equal. */

/** The sRGB bytes of lightness 0…1, chroma, and hue in degrees. */
function oklch(l, c, h) {
  const a = c * Math.cos(h * Math.PI / 180);
  const b = c * Math.sin(h * Math.PI / 180);
  const x = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const y = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const z = (l - 0.0894841775 * a - 1.2914855480 * b) ** 3;
  return [4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z,
    -1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z,
    -0.0041960863 * x - 0.7034186147 * y + 1.7076147010 * z].map(v => {
    const u = v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, u)));
  });
}

/** From dark violet over blue and green to light yellow: lightness rises evenly, so it reads without colour, too. */
const SCALE = Array.from({ length: 256 }, (_, i) => {
  const t = i / 255;
  return oklch(0.26 + 0.66 * t, 0.09 + 0.07 * Math.sin(Math.PI * t), 300 - 190 * t);
});

/** The colour of 0…1. */
function scaled(t) { return SCALE[Math.round(255 * Math.min(1, Math.max(0, t)))]; }

function isDark() { return matchMedia('(prefers-color-scheme: dark)').matches; }

/** The colour of the i-th curve: hues far apart, and apart in lightness, so that nobody needs to tell red from green. */
function curveColour(i, faint) {
  const hues = [262, 45, 160, 320, 95, 210, 15, 130];
  const lights = isDark() ? [0.72, 0.8, 0.86, 0.66] : [0.52, 0.64, 0.56, 0.44];
  const [r, g, b] = oklch(lights[i % 4], 0.15, hues[i % 8]);
  return `rgb(${r} ${g} ${b}${faint ? ' / 0.36' : ''})`;
}

/** A colour of the style sheet as the browser computes it now. */
function themed(name) {
  const probe = element('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
