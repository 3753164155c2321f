// What a changed rule would have done (the answer of POST what-if), beside what it did.
import {h, replace} from './dom.js';
import {get} from './api.js';
import {duration, ms, moment, now} from './time.js';
import {heads, select, severityMark, toast, wide} from './ui.js';
import {many, t, word} from './words.js';

const LINES_MAX = 12; // Devices with time lines of their own.
const ROWS_MAX = 200;

const DIFFS = () => ({gained: t('more'), lost: t('no longer'), moved: t('at another time'), same: t('the same')});

// An alarm as the rules run, and as changed; null: there is none on that side.
const asItRuns = (a) => (a.diff === 'gained' ? null : a);
const asChanged = (a) => (a.diff === 'lost' ? null : a.diff === 'moved' ? a.other : a);

// How long alarms stood in the time that was tried, of all or of one device; null: not all of
// them are known.
function stood(answer, side, device) {
  if (answer.left_out) return null;
  const [from, to] = [ms(answer.from), ms(answer.to)];
  return answer.alarms.filter((a) => !device || a.device === device).map(side).filter(Boolean)
    .reduce((sum, a) => sum + Math.max(0, Math.min(to, ms(a.cleared_at) ?? to) - Math.max(from, ms(a.raised_at))), 0);
}
const spanText = (span) => (span === null ? '–' : span === 0 ? '0' : duration(span));

// ---- on a line of time ----

function line(answer, alarms, side) {
  const from = ms(answer.from);
  const span = Math.max(1, ms(answer.to) - from);
  return h('div', {class: 'line'}, alarms.map((a) => {
    const on = side(a);
    if (!on) return null;
    const begin = Math.max(0, (ms(on.raised_at) - from) / span);
    const end = Math.min(1, ((ms(on.cleared_at) ?? ms(answer.to)) - from) / span);
    const bar = h('span', {class: `bar sev-${on.severity} diff-${a.diff}`, title: `${a.device}: ${DIFFS()[a.diff]}, ${moment(on.raised_at)} – ${on.cleared_at ? moment(on.cleared_at) : t('still')}`});
    bar.style.left = `min(${begin * 100}%, 100% - 3px)`;
    bar.style.width = `max(3px, ${Math.max(0, end - begin) * 100}%)`;
    return bar;
  }));
}

// Of each device two lines: above as the rules run, below as changed.  The list says the same.
function timelines(answer) {
  const devices = [...new Set(answer.alarms.map((a) => a.device))];
  if (devices.length === 0) return null;
  return h('div', {class: 'lines', 'aria-hidden': 'true'}, devices.slice(0, LINES_MAX).map((device) => {
    const alarms = answer.alarms.filter((a) => a.device === device);
    return [devices.length > 1 ? h('p', {class: 'line-of'}, device) : null, h('div', {}, h('span', {class: 'quiet'}, t('as it runs')), line(answer, alarms, asItRuns)), h('div', {}, h('span', {class: 'quiet'}, t('as changed')), line(answer, alarms, asChanged))];
  }), h('div', {}, h('span', {}), h('div', {class: 'row ends quiet'}, h('span', {}, moment(answer.from)), h('span', {}, moment(answer.to)))),
  devices.length > LINES_MAX ? h('p', {class: 'quiet'}, many(devices.length - LINES_MAX, '{n} further device is in the list only.', '{n} further devices are in the list only.')) : null);
}

// ---- as lists ----

const table = (caption, headings, rows) => wide(caption, h('table', {}, h('caption', {}, caption), heads(headings), h('tbody', {}, rows)));
const numbers = (list) => list.map((n) => h('td', {class: 'number'}, n));

function byDevice(answer) {
  if (answer.places.length < 2) return null;
  return table(t('By device'), [t('Device'), t('As it runs'), t('Stood'), t('As changed'), t('Stood'), t('More'), t('No longer'), t('Moved')], answer.places.map((p) => h('tr', {},
    h('td', {}, h('a', {href: `/devices/${encodeURIComponent(p.device)}`}, p.device), p.rule === answer.rule ? '' : ` ${p.rule}`),
    numbers([p.before, p.rule === answer.rule ? spanText(stood(answer, asItRuns, p.device)) : '–', p.after, p.rule === answer.rule ? spanText(stood(answer, asChanged, p.device)) : '–', p.gained, p.lost, p.moved]))));
}

function differences(answer) {
  const words = DIFFS();
  const rows = answer.alarms.filter((a) => a.diff !== 'same');
  if (rows.length === 0) return h('p', {}, t('Nothing would have been different.'));
  const time = (on) => (on ? `${moment(on.raised_at)} – ${on.cleared_at ? moment(on.cleared_at) : t('still')}` : '–');
  const shift = (a) => {
    const by = ms(a.other.raised_at) - ms(a.raised_at);
    return by === 0 ? null : h('div', {class: 'quiet'}, by < 0 ? t('{time} earlier', {time: duration(-by)}) : t('{time} later', {time: duration(by)}));
  };
  return [table(t('What differs'), ['', t('Device'), t('As it runs'), t('As changed')], rows.slice(0, ROWS_MAX).map((a) => h('tr', {}, h('td', {class: `diff-${a.diff}`}, severityMark(a.severity, true), ' ', words[a.diff], a.diff === 'moved' ? shift(a) : null), h('td', {}, a.device), h('td', {}, time(asItRuns(a))), h('td', {}, time(asChanged(a)))))),
    rows.length > ROWS_MAX ? h('p', {class: 'quiet'}, t('{n} further alarms are not listed.', {n: rows.length - ROWS_MAX})) : null];
}

// ---- the tickets that both would have opened ----

const PRIORITIES = ['critical', 'urgent', 'normal'];

function tickets(answer) {
  const {before, after} = answer.tickets;
  if (before.opened + after.opened === 0) return null;
  const sides = [[t('As it runs'), before], [t('As changed'), after]];
  const row = ([name, side]) => h('tr', {}, h('th', {scope: 'row'}, name), numbers([side.opened, ...PRIORITIES.map((p) => side.by_priority[p]), side.joined]));
  const one = (ticket) => [severityMark(ticket.priority, true), ` ${ticket.device}${ticket.rule === answer.rule ? '' : ` ${ticket.rule}`}, ${moment(ticket.t)}`];
  const first = ([name, side]) => (side.opened === 0 ? null : h('li', {}, h('b', {}, t('{side}, the first:', {side: name})), side.first.map((ticket) => h('span', {class: 'first'}, one(ticket))),
    side.opened > side.first.length ? h('span', {class: 'quiet'}, t('and {n} more', {n: side.opened - side.first.length})) : null));
  return [table(t('Tickets that they would have opened'), ['', t('Tickets'), ...PRIORITIES.map((p) => word('severity', p)), t('Joined')], sides.map(row)), h('ul', {class: 'named'}, sides.map(first)),
    h('p', {class: 'quiet'}, t('Nobody works on tickets in a trial: a further alarm of the same rule and device joins the one that is open.'))];
}

// ---- the trend of what it reads, with both limits ----

// Of conditions such as "bearing > 60 °C" the limits that can be drawn: of a point, in its unit.
function limitsOf(rule, conditions, points) {
  return conditions.flatMap(({severity, when}, i) => (when === rule.levels[i]?.when ? [] : [...when.matchAll(/([a-z_]\w*)\s*([<>])=?\s*(-?\d+(?:\.\d+)?)\s*([^\s)]*)/gi)].flatMap(([, name, sign, value, unit]) => {
    const point = points.find((p) => p.point === name);
    if (!point || !(unit === (point.unit ?? '') || /^(and|or|)$/.test(unit))) return [];
    return [{point: name, level: severity, value: Number(value), side: sign === '>' ? 'above' : 'below', rule: rule.id, changed: true}];
  })));
}

function picture(rule, answer, conditions) {
  const differs = answer.places.find((p) => p.gained || p.lost || p.moved) ?? answer.places[0];
  const pick = select('of', answer.devices.map((id) => [id, id]), differs?.device ?? answer.devices[0], {'aria-label': t('Device'), onchange: () => draw()});
  const box = h('div', {});
  const element = h('div', {hidden: true}, h('h3', {}, t('What it reads, with both limits')), answer.devices.length > 1 ? pick : null, box);
  let chart = null;
  let drawing = 0;
  async function draw() {
    const mine = ++drawing;
    chart?.close();
    chart = null;
    try {
      const said = await get('explain', {rule: rule.id, device: pick.value});
      const points = said.points.filter((p) => p.device === pick.value && typeof p.value !== 'boolean');
      if (mine !== drawing || points.length === 0) return;
      const {trend} = await import('./chart.js');
      if (mine !== drawing) return;
      element.hidden = false;
      const from = ms(answer.from), to = Math.min(ms(answer.to), now());
      const made = await trend(box, {device: pick.value, points: points.map((p) => p.point), from, to, live: false, small: true, extraLimits: limitsOf(rule, conditions, points)});
      if (mine === drawing) chart = made;
      else made.close();
    } catch (problem) {
      if (mine !== drawing) return;
      element.hidden = false;
      replace(box, h('p', {class: 'quiet'}, t('The trend cannot be shown: {why}', {why: problem.message})));
    }
  }
  return {element, draw, close: () => { drawing++; chart?.close(); }};
}

// ---- all of it ----

function paste(yaml) {
  const copy = h('button', {type: 'button', onclick: async () => {
    try {
      await navigator.clipboard.writeText(yaml);
      toast(t('Copied'));
    } catch {
      toast(t('The browser does not copy here: mark the text and copy it yourself.'), 'bad');
    }
  }}, t('Copy it'));
  return h('details', {open: true}, h('summary', {}, t('The text for the rule file')), h('pre', {tabindex: '0'}, yaml), copy);
}

// `tried`: {yaml, conditions [{severity, when}]} as they were when it was asked.  Gives
// {element, open() once it stands in the page, close()}.
export function outcome(rule, answer, tried) {
  const {counts} = answer;
  const drawn = picture(rule, answer, tried.conditions);
  const sides = [stood(answer, asItRuns), stood(answer, asChanged)].map(spanText);
  return {
    element: h('div', {},
      h('p', {class: 'verdict', role: 'status'}, h('b', {}, many(counts.before, '{n} alarm as it runs, {after} as changed.', '{n} alarms as it runs, {after} as changed.', {after: counts.after})), ' ',
        t('{gained} more, {lost} no longer, {moved} at another time, {same} the same.', counts), answer.left_out ? null : [' ', t('They stood for {before} as it runs, for {after} as changed.', {before: sides[0], after: sides[1]})]),
      h('p', {class: 'quiet'}, t('{samples} recorded samples of {devices}, {from} to {to}, in {took}. The running rules were not touched.', {
        samples: answer.samples, devices: many(answer.devices.length, '{n} device', '{n} devices'), from: moment(answer.from), to: moment(answer.to), took: answer.took_ms < 1000 ? `${answer.took_ms} ms` : duration(answer.took_ms)}),
        answer.filled_from ? [' ', t('Windows began filled with what was recorded since {time}.', {time: moment(answer.filled_from)})] : null),
      answer.samples === 0 ? h('p', {}, t('Nothing was recorded in this time: it says nothing about the rule.')) : [timelines(answer), drawn.element, tickets(answer), byDevice(answer), differences(answer)],
      answer.left_out ? h('p', {class: 'quiet'}, t('{n} further alarms are not listed.', {n: answer.left_out})) : null,
      paste(tried.yaml)),
    open: () => answer.samples > 0 && drawn.draw(), close: drawn.close,
  };
}
