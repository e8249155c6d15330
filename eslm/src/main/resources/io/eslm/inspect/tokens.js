/* SPDX-License-Identifier: Apache-2.0 */
// The text, coloured; who is dropped at a level; and what is known of one token.

const loss = floats(D.loss);
const entropy = floats(D.entropy);
const rank = ints(D.rank);
const topIds = ints(D.topIds);
const topP = floats(D.topP);
const TOP = topIds.length / T;
const byMethod = D.method && bytes(D.method.kept);

const RISKS = {loss, entropy};
const SORTED = {loss: Float32Array.from(loss).sort(), entropy: Float32Array.from(entropy).sort()};

/** The smallest k in 1 … m with k / m ≥ α, as a quotient of doubles. */
function rankOf(m, alpha) {
  let k = Math.max(1, Math.ceil(alpha * m));
  while (k > 1 && (k - 1) / m >= alpha) k--;
  while (k / m < alpha) k++;
  return k;
}

const state = {colour: 'loss', risk: D.risk, alpha: D.alpha, kept: null};
/** Token i of the text is predicted at position i − 1; nothing predicts token 0. */
const spans = [];

function makeText() {
  const parts = document.createDocumentFragment();
  D.ids.forEach((id, i) => {
    const span = el('span', {className: i ? 't' : 't first', tabIndex: i === 1 ? 0 : -1});
    span.dataset.i = i;
    text(id).split('\n').forEach((line, n) => span.append(...n ? [el('i', {}, '↵'), '\n', line] : [line]));
    spans.push(span);
    parts.append(span);
  });
  $('text').append(parts);
}

function colourText() {
  const values = state.colour === 'rank' ? null : RISKS[state.colour];
  const strongest = values ? Math.max(1e-9, quantile(values, 0.95)) : Math.log(D.vocabulary);
  for (let p = 0; p < T; p++) {
    const strength = values ? values[p] / strongest : Math.log(rank[p]) / strongest;
    spans[p + 1].style.setProperty('--r', clamp(strength, 0, 1).toFixed(3));
  }
  $('scale').replaceChildren(values ? '0' : 'rank 1', el('i'),
    values ? nats(strongest) + ' nats and more' : number(D.vocabulary));
}

function choose() {
  const method = state.risk === 'method';
  $('alpha').disabled = $('alphaNumber').disabled = method;
  let kept = byMethod;
  let threshold = NaN;
  if (!method) {
    const risks = RISKS[state.risk];
    threshold = SORTED[state.risk][rankOf(T, state.alpha) - 1];
    kept = Uint8Array.from(risks, r => r >= threshold ? 1 : 0);
  }
  let n = 0;
  for (let p = 0; p < T; p++) {
    n += kept[p];
    spans[p + 1].classList.toggle('dropped', !kept[p]);
  }
  state.kept = kept;
  $('dropped').replaceChildren(el('b', {}, `${number(T - n)} of ${number(T)}`), ' tokens are dropped: ',
    method ? `${D.method.name} chose so.` : `their ${state.risk} is below the value-at-risk, `
      + `${threshold.toFixed(3)} nats. Equal risks stay together.`);
  showCard();
}

// ---- one token

let current = 1;

function row(name, value) {
  return el('div', {}, el('dt', {}, name), el('dd', {}, value));
}

function showCard() {
  const i = current;
  const card = $('card');
  card.replaceChildren(el('p', {className: 'big'}, quoted(D.ids[i])),
    el('p', {className: 'note'}, `token ${number(i)} of ${number(T + 1)}, counted from 0 · id ${D.ids[i]}`));
  if (!i) {
    card.append(el('p', {className: 'note'}, 'Nothing predicts the first token.'));
    return;
  }
  const p = i - 1;
  const top = el('ol', {className: 'top'});
  for (let k = 0; k < TOP; k++) {
    const id = topIds[p * TOP + k];
    const bar = el('s');
    bar.style.width = 100 * topP[p * TOP + k] + '%';
    top.append(el('li', id === D.ids[i] ? {className: 'hit'} : {}, quoted(id), el('span', {}, bar),
      el('b', {}, percent(topP[p * TOP + k]))));
  }
  card.append(el('dl', {}, row('probability', percent(Math.exp(-loss[p]))),
    row('rank', `${number(rank[p])} of ${number(D.vocabulary)}`), row('loss', nats(loss[p]) + ' nats'),
    row('entropy', nats(entropy[p]) + ' nats'), row('decision', state.kept[p] ? 'kept' : 'dropped')),
  el('p', {className: 'note'}, 'Likeliest after ', quoted(D.ids[p]), ':'), top);
}

function select(i, pinned) {
  spans[current].tabIndex = -1;
  spans[current].classList.remove('current');
  current = clamp(i, 0, T);
  spans[current].tabIndex = 0;
  spans[current].classList.add('current');
  showCard();
  if (pinned) document.dispatchEvent(new CustomEvent('token', {detail: current}));
}

function onText(event, pinned) {
  const span = event.target.closest('.t');
  if (!span) return;
  select(Number(span.dataset.i), pinned);
  if (pinned) $('card').classList.add('asked'); // on a phone it stays in view from now on
}

function setAlpha(value) {
  if (!(value >= 0 && value < 1)) return;
  state.alpha = value;
  $('alpha').value = value;
  if (document.activeElement !== $('alphaNumber')) $('alphaNumber').value = value;
  choose();
}

function radios(name, pick) {
  document.querySelectorAll(`input[name=${name}]`).forEach(input => {
    input.checked = input.value === state[name];
    input.addEventListener('change', () => {
      state[name] = input.value;
      pick();
    });
  });
}

makeText();
if (D.method && !D.method.risk) {
  state.risk = 'method';
  $('riskMethod').hidden = false;
  $('riskMethod').lastElementChild.textContent = D.method.name;
}
radios('colour', colourText);
radios('risk', choose);
$('text').addEventListener('pointerover', e => onText(e, false));
$('text').addEventListener('click', e => onText(e, true));
$('text').addEventListener('focusin', e => onText(e, true));
$('text').addEventListener('keydown', e => {
  const to = moved(e.key, current, 0, T + 1, 1);
  if (to && e.key !== 'ArrowUp' && e.key !== 'ArrowDown') {
    e.preventDefault();
    spans[to[0]].focus();
  }
});
$('alpha').addEventListener('input', () => setAlpha(Number($('alpha').value)));
$('alphaNumber').addEventListener('input', () => setAlpha(Number($('alphaNumber').value)));
$('alphaNumber').addEventListener('change', () => { $('alphaNumber').value = state.alpha; });
colourText();
setAlpha(D.alpha);
select(1, false);
