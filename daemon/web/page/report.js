// The figures of the site over a period, beside another one: what got worse stands first.
import {h, replace} from './dom.js';
import {get, url} from './api.js';
import {deviceName, estate, watchEstate} from './estate.js';
import {alarmsCard} from './report-alarms.js';
import {site, typeName} from './site.js';
import {day, instantOf, isoDay} from './time.js';
import {failed, field, heads, nothing, select, waiting, wide} from './ui.js';
import {language, t, word} from './words.js';

const DAY_MS = 86400e3;
const first = (text) => `${text.slice(0, 8)}01`;
const back = (text, days) => new Date(Date.parse(`${text}T12:00:00Z`) - days * DAY_MS).toISOString().slice(0, 10);
function monthsBack(text, n) {
  const months = Number(text.slice(0, 4)) * 12 + Number(text.slice(5, 7)) - 1 - n;
  return `${Math.floor(months / 12)}-${String((months % 12) + 1).padStart(2, '0')}-01`;
}

// [name, from, to, compare from, compare to]: days; `to` is not in it.
function periods() {
  const today = isoDay();
  const tomorrow = back(today, -1);
  const month = first(today);
  const quarter = monthsBack(today, (Number(today.slice(5, 7)) - 1) % 3);
  return [
    [t('This month and the last'), month, tomorrow, monthsBack(month, 1), month],
    [t('The last month and the one before'), monthsBack(month, 1), month, monthsBack(month, 2), monthsBack(month, 1)],
    [t('The last 7 days and the 7 before'), back(today, 6), tomorrow, back(today, 13), back(today, 6)],
    [t('This quarter and the last'), quarter, tomorrow, monthsBack(quarter, 3), quarter],
    [t('The last 12 months and the 12 before'), monthsBack(month, 11), tomorrow, monthsBack(month, 23), monthsBack(month, 11)],
  ];
}

const NAMES = () => ({
  availability: t('Availability'), fault_rate: t('Faults per device and month'), response: t('Time to respond'), resolution: t('Time to repair'),
  respond_in_time: t('Responded in time'), resolve_in_time: t('Repaired in time'), first_time_fix: t('Repaired at the first visit'), repeated: t('Faults that came back'), failures: t('Failures'),
  cost: t('Cost'), cost_per_month: t('Cost per month'), complaints: t('Complaints'), complaints_per_month: t('Complaints per month'), rating: t('Rating'),
});
const VERDICTS = () => ({better: t('better'), worse: t('worse'), same: t('no difference'), unclear: t('may be chance'), 'too-few': t('too few to tell')});
const UNITS = () => ({'1/month': t('per month'), '1..5': t('of 5'), min: t('min')});

const unit = (name) => UNITS()[name] ?? name;
const number = (value, digits) => (value === null || value === undefined ? '–' : new Intl.NumberFormat(language(), {maximumFractionDigits: digits ?? 1}).format(value));
const withUnit = (value, name) => (value === null || value === undefined ? '–' : `${number(value, name === 'min' ? 0 : 2)}${name ? ` ${unit(name)}` : ''}`);

// Which tables, and which of their columns: [key, heading, digits].
const TABLES = () => [
  ['availability', t('Availability'), [['availability', t('Availability') + ' %'], ['down_h', t('Down, hours')], ['out_of_service_h', t('Out of service, hours')], ['unseen_h', t('Unseen, hours')]]],
  ['reliability', t('Reliability'), [['faults', t('Faults')], ['fault_rate', t('per month'), 2], ['mtbf_h', t('Between failures, hours'), 0], ['mttr_h', t('To repair, hours')]]],
  ['response', t('Time to respond'), [['n', t('Tickets')], ['median_min', t('Median, min'), 0], ['p90_min', t('9 of 10 within, min'), 0]]],
  ['resolution', t('Time to repair'), [['n', t('Tickets')], ['median_min', t('Median, min'), 0], ['p90_min', t('9 of 10 within, min'), 0]]],
  ['deadlines', t('Deadlines kept'), [['respond_n', t('To respond')], ['respond_met', t('kept, %')], ['resolve_n', t('To repair')], ['resolve_met', t('kept, %')]]],
  ['causes', t('Causes'), [['tickets', t('Tickets')], ['share', '%']]],
  ['repeats', t('Faults that came back'), [['faults', t('Faults')], ['repeats', t('Came back')]]],
  ['cost', t('Cost'), [['tickets', t('Tickets')], ['work_h', t('Work, hours')], ['labour', t('Labour'), 0], ['parts', t('Parts'), 0], ['cost', t('Cost'), 0]]],
  ['kinds', t('Planned and unplanned work'), [['tickets', t('Tickets')], ['share', '%'], ['work_h', t('Work, hours')], ['cost', t('Cost'), 0]]],
  ['teams', t('Teams'), [['tickets', t('Tickets')], ['resolved', t('Resolved')], ['response_min', t('Response, min'), 0], ['rating', t('Rating')]]],
  ['people', t('People'), [['tickets', t('Tickets')], ['resolved', t('Resolved')], ['response_min', t('Response, min'), 0], ['rating', t('Rating')]]],
  ['plans', t('Planned maintenance'), [['visits', t('Visits')], ['done', t('Done')], ['in_time', t('In time')], ['overdue', t('Overdue')]]],
  ['false_alarms', t('False alarms'), [['tickets', t('Tickets')], ['judged', t('Closed with a cause')], ['false_alarms', t('False')], ['share', '%']]],
  ['life', t('Life used'), [['used', '%', 0], ['replace_on', t('Replace in')]]],
  ['papers', t('Papers that run out'), [['title', t('Paper')], ['valid_until', t('Last day')], ['days_left', t('Days left')]]],
  ['energy', t('Energy'), [['kwh', 'kWh'], ['kwh_per_day', t('kWh per day')]]],
];

function keyText(key) {
  const [kind, rest] = key.includes(':') ? key.split(/:(.*)/) : ['', key];
  if (key === 'all') return t('The whole site');
  if (['critical', 'urgent', 'normal'].includes(key)) return word('severity', key);
  if (['fault', 'planned', 'predicted', 'reported'].includes(key)) return word('ticket_kind', key);
  if (kind === 'type') return typeName(rest);
  if (kind !== 'area' && estate.devices.has(rest)) return deviceName(rest);
  return kind ? rest : [...site.people, ...site.users].find((p) => p.id === key)?.name ?? site.teams.find((p) => p.id === key)?.name ?? site.causes.find((c) => c.code === key)?.text ?? key;
}

// A table whose columns sort by a click on their heading.
function table(name, title, columns, rows) {
  if (!rows || rows.length === 0) return null;
  let sorted = null;
  let down = true;
  const body = h('tbody', {});
  const text = (row) => keyText(String(row.key));
  const cell = (row, key, digits) => {
    const value = row[key];
    if (typeof value === 'string') return value;
    const stem = key.replace(/_h$/, '');
    const least = row[`${stem}_at_least_h`], most = row[`${stem}_at_most_h`];
    if (value === null && least >= 1) return `≥ ${number(least, digits)}`;
    if (value === null && most >= 1) return `≤ ${number(most, digits)}`;
    return number(value, digits);
  };
  // The whole stands first, what is not known last, whichever way it is sorted.
  const rank = (row) => (row.key === 'all' ? 0 : value(row) === null ? 2 : 1);
  const value = (row) => (sorted === 'key' ? text(row) : row[sorted] ?? null);
  const compare = (a, b) => {
    const [x, y] = [value(a), value(b)];
    return typeof x === 'string' && typeof y === 'string' ? x.localeCompare(y, language(), {numeric: true}) : x - y;
  };
  const draw = () => {
    const list = [...rows];
    if (sorted) list.sort((a, b) => rank(a) - rank(b) || (rank(a) === 1 ? compare(a, b) * (down ? -1 : 1) : 0));
    replace(body, list.map((row) => h('tr', {class: row.key === 'all' ? 'all' : ''}, h('th', {scope: 'row'}, text(row)), columns.map(([key, , digits]) => h('td', {class: 'number'}, cell(row, key, digits))))));
  };
  const headings = [['key', t('Of what')], ...columns].map(([key, title]) => {
    const heading = h('th', {scope: 'col', class: key === 'key' ? '' : 'number'}, h('button', {type: 'button', class: 'plain', onclick: () => {
      down = sorted === key ? !down : key !== 'key';
      sorted = key;
      headings.forEach((other) => other.removeAttribute('aria-sort'));
      heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      draw();
    }}, title));
    return heading;
  });
  draw();
  return h('section', {class: 'card', id: `table-${name}`}, h('h2', {}, title), wide(title, h('table', {}, h('thead', {}, h('tr', {}, headings)), body)));
}

const percent = (value) => `${value > 0 ? '+' : ''}${number(value, 0)} %`;

// What changed, the worse first and in words.
function changes(rows, confidence) {
  const order = ['worse', 'better', 'unclear', 'same', 'too-few'];
  const names = NAMES();
  const verdicts = VERDICTS();
  const list = [...(rows ?? [])].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  if (list.length === 0) return null;
  const said = (verdict) => list.filter((c) => c.verdict === verdict).map((c) => (c.change_percent === null ? names[c.key] ?? c.key : `${names[c.key] ?? c.key} (${percent(c.change_percent)})`)).join(', ');
  const range = (c) => (c.change_low === null || c.change_high === null ? '' : t('{low} to {high}', {low: percent(c.change_low), high: percent(c.change_high)}));
  return h('section', {class: 'card wide'}, h('h2', {}, t('What changed')),
    h('p', {class: 'verdict-worse'}, said('worse') ? h('b', {}, t('Worse: {what}.', {what: said('worse')})) : t('Nothing got worse for certain.')), said('better') ? h('p', {}, t('Better: {what}.', {what: said('better')})) : null,
    wide(t('What changed'), h('table', {}, heads(['', t('Before'), t('Now'), t('Difference'), t('with {n} % certainty', {n: number(confidence * 100, 0)}), ''], (i) => (i && i < 5 ? 'number' : '')),
      h('tbody', {}, list.map((c) => h('tr', {class: `verdict-${c.verdict}`}, h('th', {scope: 'row'}, names[c.key] ?? c.key), h('td', {class: 'number'}, withUnit(c.before, c.unit)), h('td', {class: 'number'}, withUnit(c.after, c.unit)),
        h('td', {class: 'number'}, c.change_percent === null ? '–' : percent(c.change_percent)), h('td', {class: 'number quiet'}, range(c)), h('td', {}, h('b', {}, verdicts[c.verdict] ?? c.verdict))))))));
}

// `worse`: the keys of what got worse stand first.
function summary(period, worse) {
  const names = NAMES();
  const rows = [...period.summary].sort((a, b) => worse.includes(b.key) - worse.includes(a.key));
  return h('div', {class: 'figures'}, rows.map((figure) => h('div', {class: `card${worse.includes(figure.key) ? ' worse' : ''}`}, h('div', {class: 'quiet'}, names[figure.key] ?? figure.key), h('div', {class: 'figure'}, withUnit(figure.value, figure.unit)),
    worse.includes(figure.key) ? h('div', {class: 'verdict-worse'}, h('b', {}, t('worse'))) : null)));
}

// Values by the day that they begin on.
function bars(title, values, unitText) {
  const days = [...values.keys()].sort();
  const most = Math.max(0, ...values.values());
  if (days.length < 2 || most === 0) return null;
  const said = (text) => `${day(instantOf(text, '12:00'))}: ${number(values.get(text))}${unitText}`;
  return h('section', {class: 'card'}, h('h2', {}, title), h('div', {class: 'bars', role: 'img', 'aria-label': `${title}. ${days.map(said).join('; ')}`}, days.map((text) => {
    const bar = h('span', {title: said(text)});
    bar.style.height = `${(values.get(text) / most) * 100}%`;
    return bar;
  })), h('div', {class: 'row ends quiet'}, h('span', {}, days[0]), h('span', {}, t('at most {value}', {value: `${number(most)}${unitText}`})), h('span', {}, days.at(-1))));
}
function sums(rows, when, what) {
  const out = new Map();
  for (const row of rows) out.set(row[when], (out.get(row[when]) ?? 0) + (row[what] ?? 0));
  return out;
}
function trends(period) {
  const rows = (period.parts ?? []).filter((row) => row.type === 'all'); // Of the others it is the sum.
  return [bars(t('Faults'), sums(rows, 'from', 'faults'), ''), bars(t('Energy'), sums(period.energy_days ?? [], 'day', 'kwh'), ' kWh')];
}

export async function show(root) {
  const list = periods();
  let asking = null;
  const own = h('details', {class: 'no-print'});
  const period = select('period', [...list.map(([name], i) => [String(i), name]), ['own', t('Other days')]], '0', {'aria-label': t('Period'), onchange: () => {
    if (period.value === 'own') {
      own.open = true;
      from.focus();
      return;
    }
    [from.value, to.value, cfrom.value, cto.value] = list[Number(period.value)].slice(1);
    read();
  }});
  const input = (value) => h('input', {type: 'date', value, onchange: () => { period.value = 'own'; read(); }});
  const [from, to, cfrom, cto] = list[0].slice(1).map(input);
  const type = select('type', [['', t('All types')], ...site.types.filter((x) => !['bus', 'gateway'].includes(x)).map((x) => [x, typeName(x)])], '', {'aria-label': t('Type of device'), onchange: () => read()});
  const area = select('area', [['', t('All areas')], ...site.areas.map((x) => [x, x])], '', {'aria-label': t('Area'), onchange: () => read()});
  const device = select('device', [['', t('All devices')]], '', {'aria-label': t('Device'), onchange: () => read()});
  const page = h('a', {target: '_blank', rel: 'noopener', class: 'button'}, t('As a page to print'));
  const body = h('div', {class: 'column'}, waiting());
  root.append(h('div', {class: 'row'}, h('h1', {}, t('Report')), h('span', {class: 'grow'}), page),
    h('div', {class: 'row filters no-print'}, period, type, area, device),
    own, body);
  own.append(h('summary', {}, t('Other days')), h('div', {class: 'row days'}, field(t('From'), from), field(t('To, not included'), to), field(t('Compared with, from'), cfrom), field(t('to, not included'), cto)));
  let named = () => {}; // The names of the devices are here, or cannot be had.
  const names = estate.loaded ? null : new Promise((resolve) => { named = resolve; });
  const end = watchEstate(() => {
    named();
    const known = [...estate.devices.values()].filter((d) => !['bus', 'gateway'].includes(d.type));
    if (known.length + 1 === device.options.length) return;
    const {value} = device;
    replace(device, h('option', {value: ''}, t('All devices')), known.map((d) => h('option', {value: d.id}, d.name ?? d.id)));
    device.value = value;
  });

  async function read() {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const params = {from: from.value, to: to.value, compare: cfrom.value && cto.value ? `${cfrom.value}..${cto.value}` : null, type: type.value, area: area.value, device: device.value};
    const days = {from: from.value, to: to.value};
    page.href = url('report.html', {...params, language: language()});
    replace(body, waiting());
    try {
      const [report, alarms] = await Promise.all([get('report', params, {signal: mine.signal}), get('report/alarms', days, {signal: mine.signal}).catch((problem) => (problem.name === 'AbortError' ? Promise.reject(problem) : problem)), names]);
      const [present] = report.periods;
      const worse = (report.comparison ?? []).filter((c) => c.verdict === 'worse').map((c) => c.key);
      replace(body, report.recorded_from === null ? nothing(t('Nothing was recorded yet.')) : [
        h('p', {class: 'quiet wide'}, `${from.value} – ${back(to.value, 1)}`, params.compare ? ` ${t('beside {from} – {to}', {from: cfrom.value, to: back(cto.value, 1)})}` : ''),
        changes(report.comparison, report.confidence), summary(present, worse), trends(present),
        ...TABLES().map(([key, title, columns]) => table(key, title, columns, present[key])),
        alarms.figures ? alarmsCard(alarms, days, mine.signal) : failed(alarms)]);
    } catch (problem) {
      if (problem.name !== 'AbortError') replace(body, failed(problem, read));
    }
  }
  await read();
  return {title: t('Report'), close: () => { end(); asking?.abort(); }};
}
