// The present values of a device: each with its unit, how far it may be believed, its age, and
// the last hour.  A value that is not of now never looks as if it were.
import {h, replace, sync} from './dom.js';
import {get} from './api.js';
import {spark} from './chart-spark.js';
import {limitText} from './chart-pane.js';
import {plant} from './plant.js';
import {OLD_AFTER} from './present.js';
import {qualityText} from './quality.js';
import {ago, duration, ms, now, seconds} from './time.js';
import {nothing, quantity, severityMark} from './ui.js';
import {t, word} from './words.js';

const HOUR = 3600e3;
const DIGITS = 5;
const RENEW = 60e3; // The small pictures.
const POINTS_MAX = 64; // Of one question for series.
const OWN = ['online', 'latency', 'errors', 'load']; // What the gateway says of each device.
const RANK = {critical: 4, urgent: 3, normal: 2, info: 1};

// Measured values first, what the gateway knows of the device last.
export function pointNames(points) {
  const own = (name) => (OWN.includes(name) ? 1 : 0);
  return Object.keys(points ?? {}).sort((a, b) => own(a) - own(b) || a.localeCompare(b));
}

// Of the limits that the value is beyond the one that counts: one whose alarm stands before one
// whose alarm is hidden, that before one without, and of several the gravest.  Not every rule is
// judged now, and one that is may not be at its gravest level yet.
// Gives {limit, state, stands}, with the state of the alarm or null where there is none; null: it
// is within all of them.
export function beyond(device, value, limits) {
  const rank = ({level}) => RANK[level] ?? 0;
  const judged = limits.filter((l) => (l.side === 'below' ? value < l.value : value > l.value)).map((limit) => {
    const row = plant.alarms.get(`${device}/${limit.rule}`);
    const stands = Boolean(row?.state.startsWith('active')) && rank(limit) <= (RANK[row.severity] ?? 0);
    return {limit, state: row?.state ?? null, stands};
  });
  const order = (j) => (j.stands ? 2 : j.state ? 1 : 0);
  return judged.sort((a, b) => order(b) - order(a) || rank(b.limit) - rank(a.limit))[0] ?? null;
}

function valueText(name, point, line) {
  const state = line?.kind === 'state' || name === 'online';
  if (state && (point.value === 0 || point.value === 1)) return point.value ? t('on') : t('off');
  return quantity(point.value === null ? null : Number(point.value.toPrecision(DIGITS)), point.unit);
}

// chosen() -> names in the trend; toggle(name, on).  Gives {element, update(watch), tick(), close()}.
export function pointsTable({device, chosen, toggle}) {
  const body = h('tbody');
  const old = h('p', {class: 'points-old', role: 'status', hidden: true});
  const picturesFailed = h('p', {class: 'hint', role: 'status'});
  const table = h('table', {},
    h('thead', {}, h('tr', {}, [t('Point'), t('Value'), t('Limits'), t('Quality'), t('Age'), t('Last hour')].map((text) => h('th', {scope: 'col'}, text)))), body);
  const none = nothing(t('This device has no points.'));
  const element = h('div', {class: 'points'}, old, table, none, picturesFailed);
  none.hidden = true;
  let watch = {row: null, at: null, problem: null};
  let lines = {}, drawnAt = 0, asking = null;

  const current = () => watch.at !== null && now() - watch.at < OLD_AFTER;

  function named(name) {
    const {title} = watch.row.points[name];
    return title ? h('span', {}, title, ' ', h('small', {class: 'quiet'}, name)) : h('span', {}, name);
  }
  function make(name) {
    const box = h('input', {type: 'checkbox', onchange: (e) => toggle(name, e.target.checked)});
    const cells = ['value', 'limits', 'quality', 'age', 'trend'].map((kind) => h('td', {class: `point-${kind}`}));
    const row = h('tr', {}, h('th', {scope: 'row'}, h('label', {title: t('Show in the trend')}, box, named(name))), cells);
    row.parts = {box, value: cells[0], limits: cells[1], quality: cells[2], age: cells[3], trend: cells[4]};
    update(row, name);
    return row;
  }
  function put(cell, key, ...children) {
    if (cell.key === key) return; // What did not change is not touched.
    cell.key = key;
    replace(cell, children);
  }
  function update(row, name) {
    const point = watch.row.points[name];
    const {box, value, limits, quality, age} = row.parts;
    const fresh = current(), good = point.quality === 'good', live = good && fresh;
    box.checked = chosen().includes(name);
    row.classList.toggle('not-live', !live);
    const line = lines[name];
    const text = valueText(name, point, line);
    if (live) put(value, `live ${text}`, h('b', {}, text));
    else put(value, `old ${text} ${point.last_good}`, h('b', {}, t('No present value')), point.last_good ? h('small', {}, t('{value} at {time}', {value: text, time: seconds(point.last_good)})) : h('small', {}, t('never read')));
    const over = live && point.value !== null && line ? beyond(device, point.value, line.limits) : null;
    const limit = over ? limitText(over.limit, line.unit) : '';
    // A rule that is not judged now makes no alarm, one that is hidden shows none: no colour then.
    put(limits, `${live} ${limit} ${over?.stands} ${over?.state} ${line?.limits.length ?? 0}`, over?.stands ? [severityMark(over.limit.level, true), ' ', h('b', {}, limit)]
      : over ? h('span', {class: 'quiet'}, `${limit} · ${over.state ? word('alarm_state', over.state) : t('no alarm')}`)
      : live && line?.limits.length ? h('span', {class: 'quiet'}, t('within')) : '');
    const said = fresh ? qualityText(point.quality, point.detail) : t('not known: the gateway does not answer');
    put(quality, `${live} ${said}`, live ? h('span', {class: 'quiet'}, said) : [h('span', {class: 'warn-sign', 'aria-hidden': 'true'}, '⚠'), ' ', h('b', {}, said)]);
    replace(age, point.last_good ? duration(now() - ms(point.last_good)) : '–');
  }
  function draw() {
    const fresh = current();
    element.classList.toggle('old', !fresh && watch.at !== null);
    old.hidden = fresh || watch.at === null;
    if (!old.hidden) replace(old, h('span', {'aria-hidden': 'true'}, '⚠ '), t('These values are not of now. The gateway last told them at {time}, {age}.', {time: seconds(watch.at), age: ago(watch.at)}), watch.problem ? ` ${watch.problem.message}` : '');
    const empty = Boolean(watch.row) && Object.keys(watch.row.points ?? {}).length === 0;
    table.hidden = empty;
    none.hidden = !empty;
    if (watch.row?.points) sync(body, pointNames(watch.row.points), (name) => name, make, update);
  }
  async function pictures() {
    drawnAt = now();
    asking = new AbortController();
    const to = now(), names = pointNames(watch.row.points).slice(0, POINTS_MAX);
    if (names.length === 0) return;
    try {
      const answer = await get(`devices/${encodeURIComponent(device)}/series`, {points: names, from: new Date(to - HOUR).toISOString(), to: new Date(to).toISOString(), width: 160}, {signal: asking.signal});
      lines = Object.fromEntries(Object.entries(answer.points).map(([name, p]) => [name, {...p, kind: p.kind ?? 'gauge', unit: p.unit ?? '', limits: p.limits ?? []}]));
      for (const row of body.children) if (lines[row.dataset.key]) spark(row.parts.trend, lines[row.dataset.key], to - HOUR, to);
      replace(picturesFailed);
      draw();
    } catch (e) {
      if (e.name !== 'AbortError') replace(picturesFailed, t('The last hour and the limits could not be read: {why}', {why: e.message}));
    }
  }

  return {
    element,
    update(next) {
      watch = next;
      draw();
      if (watch.row?.points && now() - drawnAt > RENEW) pictures();
    },
    tick: draw,
    close() {
      asking?.abort();
    },
  };
}
