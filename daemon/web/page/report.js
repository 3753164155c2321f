// The figures of the site over a period, beside another one: what got worse stands first.
import {h, replace} from './dom.js';
import {get, url} from './api.js';
import {site} from './site.js';
import {day, isoDay, moment} from './time.js';
import {failed, field, nothing, select, severityMark, waiting} from './ui.js';
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
  respond_in_time: t('Responded in time'), resolve_in_time: t('Repaired in time'), first_time_fix: t('Repaired at the first visit'), repeated: t('Faults that came back'),
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
  ['life', t('Life used'), [['used', '%', 0], ['replace_on', t('Replace in')]]],
  ['energy', t('Energy'), [['kwh', 'kWh'], ['kwh_per_day', t('kWh per day')]]],
];

function keyText(key) {
  const [kind, rest] = key.includes(':') ? key.split(/:(.*)/) : ['', key];
  if (key === 'all') return t('The whole site');
  if (['critical', 'urgent', 'normal'].includes(key)) return word('severity', key);
  if (['fault', 'planned', 'predicted', 'reported'].includes(key)) return word('ticket_kind', key);
  return kind ? rest : site.people.find((p) => p.id === key)?.name ?? site.teams.find((p) => p.id === key)?.name ?? site.causes.find((c) => c.code === key)?.text ?? key;
}

// A table whose columns sort by a click on their heading.
function table(name, title, columns, rows) {
  if (!rows || rows.length === 0) return null;
  let sorted = null;
  let down = true;
  const body = h('tbody', {});
  const cell = (value, digits) => (typeof value === 'string' ? value : number(value, digits));
  const draw = () => {
    const list = [...rows];
    if (sorted) list.sort((a, b) => ((a[sorted] ?? -Infinity) < (b[sorted] ?? -Infinity) ? 1 : -1) * (down ? 1 : -1));
    replace(body, list.map((row) => h('tr', {class: row.key === 'all' ? 'all' : ''}, h('th', {scope: 'row'}, keyText(String(row.key))), columns.map(([key, , digits]) => h('td', {class: 'number'}, cell(row[key], digits))))));
  };
  const headings = columns.map(([key, text]) => {
    const heading = h('th', {scope: 'col', class: 'number'}, h('button', {type: 'button', class: 'plain', onclick: () => {
      down = sorted === key ? !down : true;
      sorted = key;
      headings.forEach((other) => other.removeAttribute('aria-sort'));
      heading.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      draw();
    }}, text));
    return heading;
  });
  draw();
  return h('section', {class: 'card', id: `table-${name}`}, h('h2', {}, title), h('div', {class: 'scroll'}, h('table', {}, h('thead', {}, h('tr', {}, h('th', {}), headings)), body)));
}

function changes(rows) {
  const order = ['worse', 'better', 'unclear', 'same', 'too-few'];
  const names = NAMES();
  const verdicts = VERDICTS();
  const list = [...(rows ?? [])].sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  if (list.length === 0) return null;
  return h('section', {class: 'card'}, h('h2', {}, t('What changed')), h('div', {class: 'scroll'}, h('table', {}, h('thead', {}, h('tr', {}, ['', t('Before'), t('Now'), t('Difference'), ''].map((text, i) => h('th', {class: i ? 'number' : ''}, text)))),
    h('tbody', {}, list.map((c) => h('tr', {class: `verdict-${c.verdict}`}, h('th', {scope: 'row'}, names[c.key] ?? c.key), h('td', {class: 'number'}, withUnit(c.before, c.unit)), h('td', {class: 'number'}, withUnit(c.after, c.unit)),
      h('td', {class: 'number'}, c.change_percent === null ? '–' : `${c.change_percent > 0 ? '+' : ''}${number(c.change_percent, 0)} %`), h('td', {}, h('b', {}, verdicts[c.verdict] ?? c.verdict))))))));
}

function summary(period) {
  const names = NAMES();
  return h('div', {class: 'figures'}, period.summary.map((figure) => h('div', {class: 'card'}, h('div', {class: 'quiet'}, names[figure.key] ?? figure.key), h('div', {class: 'figure'}, withUnit(figure.value, figure.unit)))));
}

function trend(period) {
  const rows = (period.parts ?? []).filter((row) => !['bus', 'gateway'].includes(row.type));
  const days = [...new Set(rows.map((row) => row.from))];
  if (days.length < 2) return null;
  const faults = days.map((from) => rows.filter((row) => row.from === from).reduce((sum, row) => sum + (row.faults ?? 0), 0));
  const most = Math.max(1, ...faults);
  return h('section', {class: 'card'}, h('h2', {}, t('Faults')), h('div', {class: 'bars', role: 'img', 'aria-label': days.map((from, i) => `${from}: ${faults[i]}`).join(', ')}, faults.map((n, i) => {
    const bar = h('span', {title: `${day(Date.parse(`${days[i]}T12:00:00Z`))}: ${n}`});
    bar.style.height = `${(n / most) * 100}%`;
    return bar;
  })), h('div', {class: 'row ends quiet'}, h('span', {}, days[0]), h('span', {}, days[days.length - 1])));
}

function alarmsCard(alarms) {
  const names = {
    raises_per_day: t('Alarms a day'), raises_per_10min: t('Alarms in 10 minutes'), peak_10min: t('Most in 10 minutes'), flood_share: t('Time in floods'), standing_24h: t('Standing for more than a day'),
    chattering: t('Chattering'), top10_share: t('Share of the ten most frequent'),
  };
  return h('section', {class: 'card'}, h('h2', {}, t('How good the alarms are')), h('p', {class: 'quiet'}, alarms.basis),
    h('div', {class: 'scroll'}, h('table', {}, h('thead', {}, h('tr', {}, ['', t('Value'), t('Aim'), t('Limit'), ''].map((text, i) => h('th', {class: i ? 'number' : ''}, text)))),
      h('tbody', {}, alarms.figures.map((f) => h('tr', {}, h('th', {scope: 'row'}, names[f.name] ?? f.name.replaceAll('_', ' ')), h('td', {class: 'number'}, number(f.value)), h('td', {class: 'number'}, number(f.target_max)), h('td', {class: 'number'}, number(f.limit_max)), h('td', {}, word('verdict', f.verdict))))))),
    alarms.top.length > 0 ? [h('h3', {}, t('The most frequent')), h('div', {class: 'scroll'}, h('table', {}, h('thead', {}, h('tr', {}, ['', t('Alarm'), t('Times'), '%'].map((text, i) => h('th', {class: i > 1 ? 'number' : ''}, text)))),
      h('tbody', {}, alarms.top.map((row) => h('tr', {}, h('td', {}, severityMark(row.severity, true)), h('td', {}, h('a', {href: `/devices/${row.device}`}, row.device), ' ', h('a', {href: `/rules/${row.rule}`}, row.rule)), h('td', {class: 'number'}, row.raises), h('td', {class: 'number'}, number(row.share)))))))] : null,
    alarms.floods.length > 0 ? [h('h3', {}, t('Floods')), h('ul', {}, alarms.floods.map((flood) => h('li', {}, t('{from} to {to}: {n} alarms', {from: moment(flood.begin), to: moment(flood.end), n: flood.raises}))))] : null);
}

export async function show(root) {
  const list = periods();
  let asking = null;
  const period = select('period', list.map(([name], i) => [String(i), name]), '0', {'aria-label': t('Period'), onchange: () => { const p = list[Number(period.value)]; [from.value, to.value, cfrom.value, cto.value] = p.slice(1); read(); }});
  const input = (value) => h('input', {type: 'date', value, onchange: () => read()});
  const [from, to, cfrom, cto] = list[0].slice(1).map(input);
  const type = select('type', [['', t('All types')], ...site.types.filter((x) => !['bus', 'gateway'].includes(x)).map((x) => [x, x])], '', {'aria-label': t('Type of device'), onchange: () => read()});
  const area = select('area', [['', t('All areas')], ...site.areas.map((x) => [x, x])], '', {'aria-label': t('Area'), onchange: () => read()});
  const page = h('a', {target: '_blank', rel: 'noopener', class: 'button'}, t('As a page to print'));
  const body = h('div', {class: 'column'}, waiting());
  root.append(h('div', {class: 'row'}, h('h1', {}, t('Report')), h('span', {class: 'grow'}), page),
    h('div', {class: 'row filters no-print'}, period, type, area),
    h('details', {class: 'no-print'}, h('summary', {}, t('Other days')), h('div', {class: 'row days'}, field(t('From'), from), field(t('To, not included'), to), field(t('Compared with, from'), cfrom), field(t('to, not included'), cto))), body);

  async function read() {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const params = {from: from.value, to: to.value, compare: cfrom.value && cto.value ? `${cfrom.value}..${cto.value}` : null, type: type.value, area: area.value};
    page.href = url('report.html', params);
    replace(body, waiting());
    try {
      const [report, alarms] = await Promise.all([get('report', params, {signal: mine.signal}), get('report/alarms', {from: from.value, to: to.value}, {signal: mine.signal}).catch((problem) => (problem.name === 'AbortError' ? Promise.reject(problem) : problem))]);
      const own = report.periods[0];
      replace(body, report.recorded_from === null ? nothing(t('Nothing was recorded yet.')) : [
        summary(own), changes(report.comparison), trend(own),
        ...TABLES().map(([key, title, columns]) => table(key, title, columns, own[key])),
        alarms.figures ? alarmsCard(alarms) : failed(alarms)]);
    } catch (problem) {
      if (problem.name !== 'AbortError') replace(body, failed(problem, read));
    }
  }
  await read();
  return {title: t('Report'), close: () => asking?.abort()};
}
