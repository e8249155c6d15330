// SPDX-License-Identifier: Apache-2.0
'use strict';
addEventListener('DOMContentLoaded', () => {
  const LIMIT = 40;
  const bar = document.querySelector('.bar');
  const input = bar.querySelector('input');
  const found = bar.querySelector('.found');
  const root = new URL('.', bar.querySelector('.home').href).href;
  let entries = null;
  let asked = false;

  // The index is a script, because a page that is a file may not read other files.
  window.searchIndex = list => {
    entries = list.map(([title, where, url, text]) =>
      ({title, where, url, text, lowTitle: title.toLowerCase(), lowWhere: where.toLowerCase(), lowText: text.toLowerCase()}));
    show();
  };

  function load() {
    if (asked) return;
    asked = true;
    const script = document.createElement('script');
    script.src = root + 'search-index.js';
    document.head.append(script);
  }

  function startsWord(text, term) {
    for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + 1)) {
      if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1])) return true;
    }
    return false;
  }

  // Zero if a term is nowhere in the entry.
  function score(entry, terms) {
    let sum = 0;
    for (const term of terms) {
      if (entry.lowTitle.split('(')[0] === term) sum += 60;
      else if (entry.lowTitle.startsWith(term)) sum += 30;
      else if (startsWord(entry.lowTitle, term)) sum += 20;
      else if (entry.lowTitle.includes(term)) sum += 10;
      else if (startsWord(entry.lowWhere, term)) sum += 5;
      else if (startsWord(entry.lowText, term)) sum += 3;
      else if (entry.lowWhere.includes(term) || entry.lowText.includes(term)) sum += 1;
      else return 0;
    }
    return sum + (entry.url.startsWith('api/') ? 0 : 5) + (entry.title.includes('(') ? 0 : 5);
  }

  function marked(element, text, terms) {
    const low = text.toLowerCase();
    let from = 0;
    while (from < text.length) {
      let at = -1;
      let length = 0;
      for (const term of terms) {
        const next = low.indexOf(term, from);
        if (next >= 0 && (at < 0 || next < at)) [at, length] = [next, term.length];
      }
      if (at < 0) break;
      const mark = document.createElement('mark');
      mark.textContent = text.slice(at, at + length);
      element.append(text.slice(from, at), mark);
      from = at + length;
    }
    element.append(text.slice(from));
    return element;
  }

  function extract(entry, terms) {
    const at = Math.max(0, Math.min(...terms.map(t => entry.lowText.indexOf(t)).filter(i => i >= 0), Infinity));
    const from = at === Infinity || at < 60 ? 0 : entry.text.indexOf(' ', at - 50) + 1;
    return (from > 0 ? '… ' : '') + entry.text.slice(from, from + 150) + (entry.text.length > from + 150 ? ' …' : '');
  }

  function line(entry, terms) {
    const link = document.createElement('a');
    link.href = root + entry.url;
    link.append(marked(document.createElement('b'), entry.title, terms));
    const where = document.createElement('small');
    where.textContent = entry.where;
    link.append(where, marked(document.createElement('span'), extract(entry, terms), terms));
    return link;
  }

  function note(text) {
    const note = document.createElement('p');
    note.setAttribute('role', 'status');
    note.textContent = text;
    return note;
  }

  function show() {
    const terms = input.value.toLowerCase().split(/\s+/).filter(term => term);
    found.hidden = !terms.length;
    if (!terms.length) return;
    if (!entries) return found.replaceChildren(note('Reading the index …'));
    const hits = entries.map(entry => [score(entry, terms), entry]).filter(([points]) => points).sort((a, b) => b[0] - a[0]);
    const shown = hits.slice(0, LIMIT).map(([, entry]) => line(entry, terms));
    const count = hits.length > LIMIT ? `The best ${LIMIT} of ${hits.length}` : hits.length ? '' : 'Nothing found';
    found.replaceChildren(...(count ? [note(count)] : []), ...shown);
    found.scrollTop = 0;
  }

  function close() {
    found.hidden = true;
  }

  input.addEventListener('focus', () => { load(); show(); });
  input.addEventListener('input', show);
  bar.addEventListener('keydown', event => {
    const links = [...found.querySelectorAll('a')];
    const at = links.indexOf(document.activeElement);
    if (event.key === 'Escape') {
      input.focus();
      input.value = '';
      close();
    } else if (found.hidden) {
      return;
    } else if (event.key === 'ArrowDown' && at + 1 < links.length) {
      links[at + 1].focus();
    } else if (event.key === 'ArrowUp' && at >= 0) {
      (at ? links[at - 1] : input).focus();
    } else if (event.key === 'Enter' && at < 0 && links.length) {
      links[0].click();
    } else {
      return;
    }
    event.preventDefault();
  });
  found.addEventListener('click', event => { if (event.target.closest('a')) close(); });
  document.addEventListener('click', event => { if (!bar.contains(event.target)) close(); });
  document.addEventListener('keydown', event => {
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.target.closest('input, textarea, select')) {
      event.preventDefault();
      input.focus();
    }
  });
});
