// SPDX-License-Identifier: Apache-2.0
'use strict';
/* The held-out window: its tokens, coloured by risk, at any evaluation. */

/** The riskiest twentieth shares the strongest colour. */
const STRONGEST = 0.95;

class TokenWindow {
  constructor() {
    this.box = byId('window');
    this.tokens = byId('tokens');
    this.slider = byId('time');
    this.follow = true;
    this.slider.addEventListener('input', () => {
      this.follow = Number(this.slider.value) === this.shots.length - 1;
      this.show();
    });
    byId('play').addEventListener('click', () => this.playing ? this.halt() : this.play());
    this.tokens.addEventListener('pointerover', e => { if (e.target !== this.tokens) this.read([...this.tokens.children].indexOf(e.target)); });
    this.tokens.addEventListener('keydown', e => {
      const move = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[e.key];
      if (!move) return;
      this.read(Math.min(this.tokens.children.length - 1, Math.max(0, (this.at ?? -1) + move)));
      this.tokens.children[this.at].scrollIntoView({ block: 'nearest' });
      e.preventDefault();
    });
  }

  draw(run) {
    this.box.hidden = !run.window;
    if (!run.window) return;
    this.shots = run.windows.length ? run.windows : [run.window];
    const texts = run.window.tokens;
    if (this.texts !== texts && JSON.stringify(this.texts) !== JSON.stringify(texts)) {
      this.tokens.replaceChildren(...texts.map(text => element('span', text.replaceAll('\n', '↵\n'))));
      this.at = null;
      byId('token').textContent = '';
    }
    this.texts = texts;
    this.window = run.window;
    const risks = this.risks(this.shots[0]).filter(Number.isFinite).sort();
    this.strongest = Math.max(1e-9, risks[Math.floor(STRONGEST * (risks.length - 1))] || 0);
    byId('most').textContent = shown(this.strongest, 2) + (this.window.risk === 'gradient' ? ' and more' : ' nats and more');
    this.slider.max = this.shots.length - 1;
    this.slider.disabled = byId('play').disabled = this.shots.length < 2;
    if (this.follow) this.slider.value = this.shots.length - 1;
    this.show();
  }

  /* The gradient risk is 1 − p. */
  risks(shot) {
    if (this.window.risk === 'gradient') return shot.loss.map(l => -Math.expm1(-l));
    return this.window.risk === 'entropy' ? shot.entropy : shot.loss;
  }

  show() {
    const i = Number(this.slider.value);
    const shot = this.shots[i];
    const risks = this.risks(shot);
    const selected = shot.selected;
    let dropped = 0;
    [...this.tokens.children].forEach((span, t) => {
      const out = selected[t] === '0';
      dropped += out;
      span.className = (out ? 'dropped' : '') + (t === this.at ? ' at' : '');
      span.style.setProperty('--r', Math.min(1, Math.max(0, risks[t] / this.strongest || 0)).toFixed(3));
    });
    const step = shot.step ?? null;
    byId('when').textContent = step === null ? 'newest evaluation' : 'step ' + shown(step, 7);
    byId('about-window').textContent = `${selected.length} tokens of the domain ${this.window.domain}, coloured by ${this.window.risk}. `
      + (shot.alpha > 0 ? `At α = ${shown(shot.alpha, 3)}, ${dropped} of them would be dropped, because they are below the value-at-risk: they are struck through.`
        : 'The method drops none of them by risk.');
    if (this.at !== null && this.at !== undefined) this.read(this.at);
  }

  read(t) {
    if (t < 0) return;
    this.tokens.children[this.at]?.classList.remove('at');
    this.at = t;
    this.tokens.children[t].classList.add('at');
    const shot = this.shots[Number(this.slider.value)];
    const risks = this.risks(shot);
    const rank = 1 + risks.reduce((n, r) => n + (r > risks[t]), 0);
    byId('token').textContent = `“${this.texts[t]}”: loss ${shown(shot.loss[t])}, entropy ${shown(shot.entropy[t])}, rank ${rank} of ${risks.length}`
      + (shot.selected[t] === '0' ? ', dropped' : '');
  }

  play() {
    if (Number(this.slider.value) >= this.shots.length - 1) this.slider.value = 0;
    byId('play').textContent = 'Pause';
    this.show();
    this.playing = setInterval(() => {
      if (Number(this.slider.value) >= this.shots.length - 1) { this.halt(); return; }
      this.slider.value = Number(this.slider.value) + 1;
      this.show();
    }, Math.max(60, Math.min(600, 8000 / this.shots.length)));
    this.follow = false;
  }

  halt() {
    clearInterval(this.playing);
    this.playing = null;
    this.follow = Number(this.slider.value) === this.shots.length - 1;
    byId('play').textContent = 'Play';
  }
}
