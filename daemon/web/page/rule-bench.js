// The bench of one rule: other numbers or another text, tried on what was recorded.
import {h, replace} from './dom.js';
import {post} from './api.js';
import {pointsNamed} from './rule-names.js';
import {outcome} from './rule-outcome.js';
import {instantOf, isoDay, now} from './time.js';
import {failed, field, nothing, select, severityMark} from './ui.js';
import {t, word} from './words.js';

const DAY_MS = 86400e3;
const DAYS_MAX = 31; // What the gateway tries at most.
const SPANS = () => [['-1d', t('the last day')], ['-7d', t('the last week')], ['-31d', t('the last 31 days')], ['own', t('other days')]];
const NOTHING = /^0*(ms|s|m|h|d)?$/; // No time at all.

const seconds = (span) => (span % 1000 ? `${span}ms` : `${span / 1000}s`);

// A text with its numbers as fields: "bearing > [80] °C".  value(): the text as it is now.
function expression(text, label) {
  const parts = text.split(/(?<![\w.])(-?\d+(?:\.\d+)?)/);
  const inputs = parts.map((part, i) => (i % 2 ? h('input', {type: 'text', inputmode: 'decimal', value: part, size: Math.max(3, part.length + 1), 'aria-label': label}) : part));
  const element = h('span', {class: 'expression'}, inputs.map((part) => (typeof part === 'string' ? h('code', {}, part) : part)));
  return {element, value: () => inputs.map((part) => (typeof part === 'string' ? part : part.value.trim())).join('')};
}

const scalar = (text) => (/^[A-Za-z(]/.test(text) && !/: | #|[:"']$/.test(text) ? text : JSON.stringify(text));

// The rule's own text with what was changed in it.  The gateway writes it in one form: each
// condition on a line of its own, presets left out.
function changedText(yaml, {levels, hold, clear_hold: clearHold}) {
  const times = {hold, clear_hold: clearHold};
  let level = -1;
  const lines = yaml.split('\n').flatMap((line) => {
    const [, indent, key] = line.match(/^( {2}| {6})(when|clear): /) ?? [];
    if (key === 'when') level++;
    if (key && levels[level]?.[key]) return [`${indent}${key}: ${scalar(levels[level][key])}`];
    const [, name] = line.match(/^ {2}(hold|clear_hold): /) ?? [];
    if (!name) return [line];
    const text = times[name];
    delete times[name];
    return NOTHING.test(text) ? [] : [`  ${name}: ${text}`];
  });
  const added = Object.entries(times).filter(([, text]) => !NOTHING.test(text)).map(([name, text]) => `  ${name}: ${text}`);
  const at = lines.findIndex((line) => /^ {2}(severity|levels|title):/.test(line));
  lines.splice(at < 0 ? 1 : at, 0, ...added);
  return lines.join('\n');
}

// What the person changed of the rule, as POST what-if takes it.
function workshop(rule) {
  const levels = rule.levels.map((level) => ({
    severity: level.severity,
    when: expression(level.when, t('Limit of {severity}', {severity: word('severity', level.severity)})),
    clear: level.clear ? expression(level.clear, t('Clear limit of {severity}', {severity: word('severity', level.severity)})) : null,
  }));
  const hold = h('input', {value: seconds(rule.hold_ms), size: 6});
  const clearHold = h('input', {value: seconds(rule.clear_hold_ms), size: 6});
  const free = h('textarea', {rows: 12, spellcheck: 'false', 'aria-label': t('The rule as YAML')}, rule.yaml);
  const byNumbers = h('div', {}, levels.map((level) => h('div', {class: 'level'},
    h('div', {class: 'row'}, severityMark(level.severity, true), h('span', {}, t('when')), level.when.element),
    level.clear ? h('div', {class: 'row clear'}, h('span', {}, t('clears when')), level.clear.element) : null)),
  pointsNamed(rule), h('div', {class: 'two'}, field(t('Must hold for'), hold), field(t('Must be gone for'), clearHold)));
  const byText = h('div', {hidden: true}, free);
  let textual = false;
  const set = () => ({
    levels: levels.map((level) => ({severity: level.severity, when: level.when.value(), ...(level.clear ? {clear: level.clear.value()} : null)})),
    hold: hold.value.trim(), clear_hold: clearHold.value.trim(),
  });
  const yaml = () => (textual ? free.value : changedText(rule.yaml, set()));
  const mode = h('button', {type: 'button', class: 'plain', onclick: () => {
    if (!textual) free.value = yaml();
    textual = !textual;
    byNumbers.hidden = textual;
    byText.hidden = !textual;
    mode.textContent = textual ? t('Change the numbers only') : t('Change the text');
  }}, t('Change the text'));
  return {
    element: h('div', {}, byNumbers, byText, mode), yaml,
    question: () => (textual ? {rule: rule.id, yaml: free.value} : {rule: rule.id, set: set()}),
    // Conditions in order of their levels.
    conditions: () => (textual ? [...free.value.matchAll(/^\s+when: (.*)$/gm)].map(([, text], i) => ({severity: rule.levels[i]?.severity ?? 'info', when: text})) : set().levels),
  };
}

// Which time: from and to as POST what-if takes them; an Error says what is wrong with it.
function times() {
  const from = h('input', {type: 'datetime-local', value: `${isoDay(-7)}T00:00`});
  const to = h('input', {type: 'datetime-local', value: `${isoDay()}T00:00`});
  const own = h('div', {class: 'two', hidden: true}, field(t('From'), from), field(t('Until'), to));
  const span = select('from', SPANS(), '-7d', {onchange: () => { own.hidden = span.value !== 'own'; }});
  return {
    span, own,
    value: () => {
      if (span.value !== 'own') return {from: span.value};
      const [a, b] = [from, to].map((input) => (input.value ? instantOf(...input.value.slice(0, 16).split('T')) : NaN));
      if (!(a < b)) throw new Error(t('The time ends before it begins.'));
      if (a > now()) throw new Error(t('The time has not come yet.'));
      if (b - a > DAYS_MAX * DAY_MS) throw new Error(t('At most {n} days are tried at once.', {n: DAYS_MAX}));
      return {from: a, to: Math.min(b, Math.floor(now()))};
    },
  };
}

// {element, close()}
export function bench(rule) {
  const shop = workshop(rule);
  const time = times();
  const places = rule.places ?? [];
  const device = select('device', [['', t('all devices')], ...places.map((p) => [p.device, p.name ?? p.device])], '');
  const result = h('div', {class: 'result'});
  let running = null;
  let shown = null; // What outcome() gave.
  const show = (...children) => {
    shown?.close();
    shown = null;
    replace(result, ...children);
  };
  const cancel = h('button', {type: 'button', hidden: true, onclick: () => running?.abort()}, t('Stop'));
  const go = h('button', {type: 'submit', class: 'primary'}, t('Try it'));
  const form = h('form', {onsubmit: async (e) => {
    e.preventDefault();
    running?.abort();
    const mine = new AbortController();
    running = mine;
    cancel.hidden = false;
    go.disabled = true;
    show(h('p', {class: 'quiet', role: 'status'}, t('The recorded samples go through the changed rule ...')), h('progress', {'aria-label': t('The recorded samples go through the changed rule ...')}));
    try {
      const tried = {yaml: shop.yaml(), conditions: shop.conditions()};
      const answer = await post('what-if', {...shop.question(), ...time.value(), ...(device.value ? {device: device.value} : null)}, {signal: mine.signal});
      const made = outcome(rule, answer, tried);
      show(made.element);
      shown = made;
      made.open();
    } catch (problem) {
      if (running === mine) show(problem.name === 'AbortError' ? nothing(t('Stopped.')) : failed(problem));
    } finally {
      cancel.hidden = true;
      go.disabled = false;
    }
  }}, shop.element, h('div', {class: 'two'}, field(t('With what was recorded in'), time.span), field(t('On which device'), device)), time.own, h('div', {class: 'row'}, go, cancel));
  return {
    element: h('section', {class: 'card'}, h('h2', {}, t('What if?')), h('p', {class: 'quiet'}, t('Change a number and see what the rule would have done. The running rules are not touched.')), form, result),
    close: () => {
      running?.abort();
      shown?.close();
    },
  };
}
