/* SPDX-License-Identifier: Apache-2.0 */
// The tokens of this text that excite a neuron of an MLP most. A block is decoded when it is chosen.

const neurons = {blocks: [], layer: 0, neuron: 0};
const BEFORE = 6;
const AFTER = 2;

async function block(layer) {
  if (!neurons.blocks[layer]) {
    const raw = await inflate((await large).neurons[layer]);
    const n = D.neuronCount * D.neuronTop;
    neurons.blocks[layer] = {peak: new Float32Array(raw.buffer, 0, D.neuronCount),
      at: new Uint16Array(raw.buffer, 4 * D.neuronCount, n), share: raw.subarray(4 * D.neuronCount + 2 * n)};
  }
  return neurons.blocks[layer];
}

function context(p) {
  const line = el('span', {className: 'context'});
  for (let i = Math.max(0, p - BEFORE); i <= Math.min(T - 1, p + AFTER); i++) {
    const words = text(D.ids[i]).replace(/\s*\n\s*/g, '↵');
    line.append(i === p ? el('mark', {}, words) : words);
  }
  return line;
}

async function showNeuron(layer, neuron) {
  const b = await block(layer);
  Object.assign(neurons, {layer, neuron});
  $('neuronLayer').value = layer;
  $('neuronNumber').value = neuron;
  const rows = [];
  for (let k = 0; k < D.neuronTop; k++) {
    const n = neuron * D.neuronTop + k;
    const value = b.share[n] / 255 * b.peak[neuron];
    if (!(value > 0)) break;
    const bar = el('s');
    bar.style.width = 100 * b.share[n] / 255 + '%';
    rows.push(el('li', {}, el('b', {}, compact(value)), el('span', {className: 'bar'}, bar), context(b.at[n])));
  }
  $('neuronTokens').replaceChildren(...rows.length ? rows : [el('li', {className: 'note'}, 'Nothing in this text excites it.')]);
  const strongest = Array.from(b.peak.keys()).sort((i, j) => b.peak[j] - b.peak[i]).slice(0, 12);
  $('neuronChips').replaceChildren(...strongest.map(i => {
    const chip = el('button', {type: 'button', title: 'strongest ' + compact(b.peak[i])}, String(i));
    chip.setAttribute('aria-pressed', i === neuron);
    chip.addEventListener('click', () => showNeuron(layer, i));
    return chip;
  }));
  $('neuronTokens').dataset.shows = `${layer}.${neuron}`;
}

const strongestOf = async layer => {
  const {peak} = await block(layer);
  return peak.indexOf(Math.max(...peak));
};
for (let l = 0; l < L; l++) $('neuronLayer').append(el('option', {value: l}, `block ${l}`));
$('neuronNumber').max = D.neuronCount - 1;
$('neuronOf').textContent = `of ${number(D.neuronCount)}`;
$('neuronLayer').addEventListener('change', async () => {
  const layer = Number($('neuronLayer').value);
  await showNeuron(layer, await strongestOf(layer));
});
$('neuronNumber').addEventListener('change', () =>
  showNeuron(neurons.layer, clamp(Math.floor(Number($('neuronNumber').value)) || 0, 0, D.neuronCount - 1)));
const middle = Math.floor(L / 2);
strongestOf(middle).then(n => showNeuron(middle, n));

document.documentElement.dataset.ready = Math.round(performance.now());
