// The same numbers as a chart draws, for who cannot see it or wants to read them.
import {h} from './dom.js';
import {lowerBound} from './chart-data.js';
import {full} from './time.js';
import {quantity} from './ui.js';
import {t, word} from './words.js';

const ROWS_MAX = 200;
const DIGITS = 5;
const short = (value) => Number(value.toPrecision(DIGITS));

function cell(line, i) {
  if (i === undefined) return '';
  const value = line.mean[i];
  if (value === null) return t('no value');
  const text = quantity(short(value), line.unit);
  if (!line.min || line.min[i] === line.max[i]) return text;
  return t('{value} ({low} to {high})', {value: text, low: quantity(short(line.min[i])), high: quantity(short(line.max[i]))});
}

// A table of what lies in from..to; of more rows than a person reads evenly spread ones.
export function table(lines, from, to, caption) {
  const times = new Map();
  lines.forEach((line, column) => {
    for (let i = lowerBound(line.t, from); i < line.t.length && line.t[i] <= to; i++) {
      if (!times.has(line.t[i])) times.set(line.t[i], []);
      times.get(line.t[i])[column] = i;
    }
  });
  const all = [...times.keys()].sort((a, b) => a - b);
  const every = Math.ceil(all.length / ROWS_MAX);
  const shown = all.filter((at, i) => i % every === 0);
  return h('div', {class: 'chart-table', tabindex: '0', role: 'region', 'aria-label': t('Table')},
    h('table', {}, h('caption', {}, caption, every > 1 ? ` ${t('{n} of {all} rows; a shorter time shows all.', {n: shown.length, all: all.length})}` : ''),
      h('thead', {}, h('tr', {}, h('th', {scope: 'col'}, t('Time')), lines.map((line) => h('th', {scope: 'col', class: 'number'}, line.title)))),
      h('tbody', {}, shown.map((at) => h('tr', {}, h('th', {scope: 'row'}, full(at)), lines.map((line, column) => h('td', {class: 'number'}, cell(line, times.get(at)[column]))))))),
    limits(lines));
}

function limits(lines) {
  const all = lines.flatMap((line) => line.limits.map((limit) => h('li', {}, `${line.title}: ${word('severity', limit.level)}, ${limit.text ?? `${limit.side === 'below' ? '<' : '>'} ${quantity(limit.value, line.unit)}`} `, h('a', {href: `/rules/${encodeURIComponent(limit.rule)}`}, limit.rule))));
  return all.length > 0 ? [h('h3', {}, t('Limits')), h('ul', {}, all)] : null;
}
