// The rules bench: what a rule says now and why, and what it would have said with other numbers.
import {h, replace} from './dom.js';
import {get, post} from './api.js';
import {explained} from './explained.js';
import {may} from './site.js';
import {duration, ms, moment} from './time.js';
import {failed, field, nothing, select, severityMark, toast, waiting} from './ui.js';
import {many, t, word} from './words.js';

const ASK_EACH_MS = 2000;
const SPANS = () => [['-1d', t('the last day')], ['-7d', t('the last week')], ['-31d', t('the last 31 days')]];

const seconds = (span) => (span % 1000 ? `${span}ms` : `${span / 1000}s`);

function about(rule) {
  const rows = [[t('Likely cause'), rule.cause], [t('What it leads to'), rule.consequence], [t('What to do'), rule.action], [t('Source'), rule.source],
    [t('Goes to'), rule.devices?.length ? rule.devices.map((id, i) => [i ? ', ' : '', h('a', {href: `/devices/${id}`}, id)]) : null],
    [t('Procedure'), rule.procedure], [t('Team'), rule.team], [t('File'), rule.file ? `${rule.file}:${rule.line}` : null]];
  return h('section', {class: 'card'}, h('h2', {}, t('What it is for')),
    h('dl', {class: 'facts'}, rows.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    h('details', {}, h('summary', {}, t('As it stands in the file')), h('pre', {}, rule.yaml)));
}

// A text with its numbers as fields: "bearing > [80] °C".  value(): the text as it is now.
function expression(text, label) {
  const parts = text.split(/(?<![\w.])(-?\d+(?:\.\d+)?)/);
  const inputs = parts.map((part, i) => (i % 2 ? h('input', {type: 'text', inputmode: 'decimal', value: part, size: Math.max(3, part.length + 1), 'aria-label': label}) : part));
  const element = h('span', {class: 'expression'}, inputs.map((part) => (typeof part === 'string' ? h('code', {}, part) : part)));
  return {element, value: () => inputs.map((part) => (typeof part === 'string' ? part : part.value.trim())).join('')};
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
  h('div', {class: 'two'}, field(t('Must hold for'), hold), field(t('Must be gone for'), clearHold)));
  const byText = h('div', {hidden: true}, free);
  let textual = false;
  const mode = h('button', {type: 'button', class: 'plain', onclick: () => {
    textual = !textual;
    byNumbers.hidden = textual;
    byText.hidden = !textual;
    mode.textContent = textual ? t('Change the numbers only') : t('Change the text');
  }}, t('Change the text'));
  return {
    element: h('div', {}, byNumbers, byText, mode),
    question: () => (textual ? {rule: rule.id, yaml: free.value} : {rule: rule.id, set: {
      levels: levels.map((level) => ({severity: level.severity, when: level.when.value(), ...(level.clear ? {clear: level.clear.value()} : null)})),
      hold: hold.value.trim(), clear_hold: clearHold.value.trim(),
    }}),
    // What is to be pasted: the file's own text with the changed conditions in it.
    yaml: () => {
      if (textual) return free.value;
      let text = rule.yaml;
      levels.forEach((level, i) => {
        text = text.replace(rule.levels[i].when, () => level.when.value());
        if (level.clear) text = text.replace(rule.levels[i].clear, () => level.clear.value());
      });
      return text.replace(/^(\s+hold: ).*$/m, (_, key) => `${key}${hold.value.trim()}`).replace(/^(\s+clear_hold: ).*$/m, (_, key) => `${key}${clearHold.value.trim()}`);
    },
  };
}

const DIFFS = () => ({gained: t('more'), lost: t('no longer'), moved: t('at another time'), same: t('the same')});

// Alarms on a line of time: above as the rules run, below as changed.
function timeline(answer) {
  const from = ms(answer.from);
  const span = Math.max(1, ms(answer.to) - from);
  const bar = (start, end, severity, title) => {
    const at = (ms(start) - from) / span;
    const width = ((end ? ms(end) : ms(answer.to)) - ms(start)) / span;
    const element = h('span', {class: `bar sev-${severity}`, title});
    element.style.left = `${Math.max(0, at) * 100}%`;
    element.style.width = `max(3px, ${Math.min(1, width) * 100}%)`;
    return element;
  };
  const now_ = answer.alarms.filter((a) => a.diff !== 'gained').map((a) => bar(a.raised_at, a.cleared_at, a.severity, `${a.device} ${moment(a.raised_at)}`));
  const then = answer.alarms.filter((a) => a.diff !== 'lost').map((a) => {
    const other = a.diff === 'moved' ? a.other : a;
    return bar(other.raised_at, other.cleared_at, other.severity, `${a.device} ${moment(other.raised_at)}`);
  });
  return h('div', {class: 'lines', 'aria-hidden': 'true'}, h('div', {}, h('span', {class: 'quiet'}, t('as it runs')), h('div', {class: 'line'}, now_)),
    h('div', {}, h('span', {class: 'quiet'}, t('as changed')), h('div', {class: 'line'}, then)),
    h('div', {}, h('span', {}), h('div', {class: 'row ends quiet'}, h('span', {}, moment(answer.from)), h('span', {}, moment(answer.to)))));
}

function outcome(answer, shop) {
  const {counts} = answer;
  const rows = answer.alarms.filter((a) => a.diff !== 'same');
  const words = DIFFS();
  const copy = h('button', {type: 'button', onclick: async () => {
    try {
      await navigator.clipboard.writeText(shop.yaml());
      toast(t('Copied'));
    } catch {
      toast(t('The browser does not copy here: mark the text and copy it yourself.'), 'bad');
    }
  }}, t('Copy it'));
  return [
    h('p', {class: 'verdict'}, h('b', {}, t('{before} alarms as it runs, {after} as changed.', {before: counts.before, after: counts.after})), ' ',
      t('{gained} more, {lost} no longer, {moved} at another time, {same} the same.', counts)),
    h('p', {class: 'quiet'}, t('{samples} recorded samples of {devices}, {from} to {to}, in {took}. The running rules were not touched.', {
      samples: answer.samples, devices: many(answer.devices.length, '{n} device', '{n} devices'), from: moment(answer.from), to: moment(answer.to), took: answer.took_ms < 1000 ? `${answer.took_ms} ms` : duration(answer.took_ms)})),
    timeline(answer),
    answer.places.length > 1 ? h('table', {}, h('caption', {}, t('By device')), h('thead', {}, h('tr', {}, [t('Device'), t('As it runs'), t('As changed'), t('More'), t('No longer'), t('Moved')].map((name) => h('th', {}, name)))),
      h('tbody', {}, answer.places.map((p) => h('tr', {}, h('td', {}, h('a', {href: `/devices/${p.device}`}, p.device), p.rule === answer.rule ? '' : ` ${p.rule}`), [p.before, p.after, p.gained, p.lost, p.moved].map((n) => h('td', {class: 'number'}, n)))))) : null,
    rows.length > 0 ? h('div', {class: 'scroll'}, h('table', {}, h('caption', {}, t('What differs')), h('thead', {}, h('tr', {}, ['', t('Device'), t('Raised'), t('Cleared'), t('As changed')].map((name) => h('th', {}, name)))),
      h('tbody', {}, rows.slice(0, 200).map((a) => h('tr', {}, h('td', {class: `diff-${a.diff}`}, severityMark(a.severity, true), ' ', words[a.diff]), h('td', {}, a.device),
        h('td', {}, a.diff === 'gained' ? '–' : moment(a.raised_at)), h('td', {}, a.diff === 'gained' ? '–' : moment(a.cleared_at)),
        h('td', {}, a.diff === 'lost' ? '–' : `${moment((a.other ?? a).raised_at)} – ${moment((a.other ?? a).cleared_at)}`)))))) : h('p', {}, t('Nothing would have been different.')),
    answer.left_out ? h('p', {class: 'quiet'}, t('{n} further alarms are not listed.', {n: answer.left_out})) : null,
    h('details', {}, h('summary', {}, t('The text for the rule file')), h('pre', {}, shop.yaml()), copy),
  ];
}

function bench(rule) {
  const shop = workshop(rule);
  const span = select('from', SPANS(), '-7d');
  const device = select('device', [['', t('all devices')], ...(rule.devices ?? []).map((id) => [id, id])], '');
  const result = h('div', {class: 'result', 'aria-live': 'polite'});
  let running = null;
  const cancel = h('button', {type: 'button', hidden: true, onclick: () => running?.abort()}, t('Stop'));
  const go = h('button', {type: 'submit', class: 'primary'}, t('Try it'));
  const form = h('form', {onsubmit: async (e) => {
    e.preventDefault();
    running?.abort();
    const mine = new AbortController();
    running = mine;
    cancel.hidden = false;
    go.disabled = true;
    replace(result, h('p', {class: 'quiet'}, t('The recorded samples go through the changed rule ...')), h('progress', {}));
    try {
      const answer = await post('what-if', {...shop.question(), from: span.value, ...(device.value ? {device: device.value} : null)}, {signal: mine.signal});
      replace(result, outcome(answer, shop));
    } catch (problem) {
      replace(result, problem.name === 'AbortError' ? nothing(t('Stopped.')) : failed(problem));
    } finally {
      cancel.hidden = true;
      go.disabled = false;
    }
  }}, shop.element, h('div', {class: 'two'}, field(t('With what was recorded in'), span), field(t('On'), device)), h('div', {class: 'row'}, go, cancel));
  return {element: h('section', {class: 'card'}, h('h2', {}, t('What if?')), h('p', {class: 'quiet'}, t('Change a number and see what the rule would have done. The running rules are not touched.')), form, result), close: () => running?.abort()};
}

export async function show(root, {params}) {
  const path = `rules/${encodeURIComponent(params.id)}`;
  let ended = false;
  let timer = null;
  let chosen = null;
  root.append(waiting());
  const rule = await get(path);
  const places = rule.places ?? [];
  const live = h('div', {class: 'why'});
  const pick = select('device', places.map((p) => [p.device, `${p.name ?? p.device}${p.alarm ? ` – ${word('alarm_state', p.alarm.state ?? p.alarm)}` : ''}`]), null, {'aria-label': t('Device'), onchange: () => ask(true)});
  const standing = places.find((p) => p.alarm) ?? places[0];
  if (standing) pick.value = standing.device;
  const table = may('engineer') ? bench(rule) : null;
  replace(root,
    h('div', {class: 'row'}, h('a', {class: 'quiet', href: '/rules'}, t('Rules')), h('span', {class: 'quiet'}, '›'), h('span', {class: 'quiet'}, rule.id)),
    h('h1', {}, rule.levels.map((level) => severityMark(level.severity)), ' ', rule.title),
    rule.enabled ? null : h('p', {}, t('This rule is switched off in its file.')),
    h('div', {class: 'columns'},
      h('div', {class: 'column'}, table?.element, about(rule)),
      h('section', {class: 'card'}, h('h2', {}, t('Why it is as it is')), places.length ? pick : null, live)));

  async function ask(anew) {
    clearTimeout(timer);
    if (ended || places.length === 0) return;
    const device = pick.value;
    if (anew) replace(live, waiting());
    if (!document.hidden) {
      try {
        const said = await get('explain', {rule: rule.id, device});
        if (!ended && device === pick.value) replace(live, explained(said, 'h3'));
      } catch (problem) {
        if (!ended && device === pick.value) replace(live, failed(problem));
      }
    }
    clearTimeout(timer);
    if (!ended) timer = setTimeout(ask, ASK_EACH_MS);
  }
  if (places.length === 0) replace(live, nothing(t('It goes to no device now.')));
  ask(true);
  return {title: rule.id, close: () => { ended = true; clearTimeout(timer); table?.close(); }};
}
