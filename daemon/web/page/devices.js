// All devices: which answer, which are in alarm, and when each was last heard.
import {h, replace, sync} from './dom.js';
import {get} from './api.js';
import {qualityText, stateShape} from './quality.js';
import {follow, plant} from './plant.js';
import {typeName} from './site.js';
import {duration, everySecond, ms, now, seconds} from './time.js';
import {failed, field, nothing, select, severityMark} from './ui.js';
import {many, t, word} from './words.js';

const PERIOD = 5000;
const OLD_AFTER = 3 * PERIOD;
const LEDGER_PERIOD = 300e3; // Places change seldom.
const RANK = {critical: 4, urgent: 3, normal: 2, info: 1};
const FILTERS = ['type', 'area', 'state', 'text'];

const standing = (alarm) => alarm.state === 'active' || alarm.state === 'active-acked';
function worstOf(device) {
  const alarms = [...plant.alarms.values()].filter((a) => a.device === device && standing(a));
  return alarms.sort((a, b) => (RANK[b.severity] ?? 0) - (RANK[a.severity] ?? 0))[0] ?? null;
}
const ticketsOf = (device) => [...plant.tickets.values()].filter((ticket) => ticket.device === device).length;

// Rows as the page shows them: the listing, with the place from the ledger.
function join(devices, ledger, service) {
  const records = new Map(ledger.map((l) => [l.id, l]));
  const out = new Set(service.map((s) => s.device));
  return devices.map((d) => {
    const l = records.get(d.id);
    return {...d, area: l?.area ?? null, location: l?.location ?? null, alarm: worstOf(d.id), tickets: ticketsOf(d.id), out: out.has(d.id)};
  });
}

const order = (row) => -((RANK[row.alarm?.severity] ?? 0) * 10 + (row.state === 'offline' ? 5 : 0));
const compare = (a, b) => order(a) - order(b) || a.name.localeCompare(b.name, undefined, {numeric: true});

function fits(row, filter) {
  if (filter.type && row.type !== filter.type) return false;
  if (filter.area && (row.area ?? row.location) !== filter.area) return false;
  if (filter.state === 'alarm' ? !row.alarm : filter.state === 'service' ? !row.out : filter.state && row.state !== filter.state) return false;
  const text = filter.text.toLowerCase();
  return !text || [row.id, row.name, row.type, typeName(row.type), row.area, row.location, row.bus].some((part) => part?.toLowerCase().includes(text));
}

// ---- a row: a table on a screen, a card on a phone ----

function make(row) {
  const cells = ['state', 'alarm', 'name', 'type', 'place', 'heard', 'quality', 'tickets'].map((kind) => h(kind === 'name' ? 'th' : 'td', {class: `is-${kind}`, scope: kind === 'name' ? 'row' : null}));
  const element = h('tr', {}, cells);
  element.cells_ = cells;
  update(element, row);
  return element;
}
function update(element, row) {
  const text = JSON.stringify([row.state, row.alarm?.severity, row.alarm?.title, row.alarm?.state, row.name, row.type, row.area, row.location, row.quality, row.cause, row.tickets, row.out, row.old]);
  const [state, alarm, name, type, place, heard, quality, tickets] = element.cells_;
  replace(heard, row.last_good ? t('{time} ago', {time: duration(now() - ms(row.last_good))}) : row.requests > 0 || row.bus ? t('never') : '–');
  if (element.text_ === text) return;
  element.text_ = text;
  element.classList.toggle('not-heard', row.old || row.state === 'offline');
  replace(state, h('span', {class: `state state-${row.state}`}, h('span', {'aria-hidden': 'true'}, stateShape(row.state)), ' ', word('device', row.state)), row.out ? h('small', {class: 'out'}, ` ▧ ${t('out of service')}`) : null);
  replace(alarm, row.alarm ? [severityMark(row.alarm.severity), ' ', h('span', {}, row.alarm.title)] : null);
  replace(name, h('a', {href: `/devices/${encodeURIComponent(row.id)}`}, row.name), row.name === row.id ? null : h('small', {class: 'quiet'}, ` ${row.id}`));
  replace(type, typeName(row.type));
  replace(place, [row.area, row.location].filter(Boolean).join(', '));
  replace(quality, row.quality === 'good' ? h('span', {class: 'quiet'}, word('quality', 'good')) : [h('span', {'aria-hidden': 'true'}, '⚠ '), h('b', {}, qualityText(row.quality))]);
  replace(tickets, row.tickets > 0 ? h('a', {href: `/tickets?device=${encodeURIComponent(row.id)}`}, many(row.tickets, '{n} ticket', '{n} tickets')) : null);
}

// ---- the view ----

class Devices {
  constructor(root, query) {
    Object.assign(this, {root, devices: null, ledger: [], ledgerAt: 0, service: [], at: null, problem: null, timer: null, closed: false, running: false});
    this.filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? '']));
    this.body = h('tbody');
    this.count = h('p', {class: 'quiet', role: 'status'});
    this.status = h('div', {});
    this.none = nothing(t('No device fits.'));
    this.table = h('table', {class: 'devices'}, h('thead', {}, h('tr', {}, [t('State'), t('Gravest alarm'), t('Device'), t('Type'), t('Place'), t('Last heard'), t('Quality'), t('Tickets')].map((text) => h('th', {scope: 'col'}, text)))), this.body);
    this.form = h('form', {class: 'device-filter', role: 'search', onsubmit: (e) => e.preventDefault(), oninput: () => this.changed()});
  }
  begin() {
    this.root.append(h('h1', {}, t('Devices')), this.form, this.status, this.count, h('div', {class: 'card'}, this.table, this.none));
    this.wake = () => document.hidden || this.poll();
    document.addEventListener('visibilitychange', this.wake);
    this.ends = [
      follow((change) => {
        if (change.kind === 'all' || change.event?.event.startsWith('device.') || change.event?.event.startsWith('service.')) this.poll();
        else if (change.kind === 'event') this.draw();
      }),
      everySecond(() => this.draw()),
      () => document.removeEventListener('visibilitychange', this.wake),
    ];
  }
  async poll() {
    clearTimeout(this.timer);
    if (this.running || this.closed) return;
    this.running = true;
    try {
      const ledgerOld = now() - this.ledgerAt > LEDGER_PERIOD;
      const [devices, service, ledger] = await Promise.all([get('devices'), get('service'), ledgerOld ? get('ledger') : this.ledger]);
      if (ledgerOld) this.ledgerAt = now();
      Object.assign(this, {devices, service, ledger, at: now(), problem: null});
    } catch (problem) {
      this.problem = problem;
    }
    this.running = false;
    if (this.closed) return;
    this.drawFilter();
    this.draw();
    if (!document.hidden) this.timer = setTimeout(() => this.poll(), PERIOD);
  }
  changed() {
    const data = new FormData(this.form);
    for (const name of FILTERS) this.filter[name] = data.get(name) ?? '';
    const query = new URLSearchParams(Object.entries(this.filter).filter(([, value]) => value)).toString();
    history.replaceState(history.state, '', query ? `/devices?${query}` : '/devices');
    this.draw();
  }
  // What can be chosen goes by what there is; drawn anew only when that changed.
  drawFilter() {
    const rows = this.rows();
    const values = (of) => [...new Set(rows.map(of).filter(Boolean))].sort((a, b) => a.localeCompare(b));
    const types = values((r) => r.type), areas = values((r) => r.area ?? r.location);
    const text = JSON.stringify([types, areas]);
    if (rows.length === 0 || text === this.filterText) return;
    this.filterText = text;
    const any = (list, name = (value) => value) => [['', t('All')], ...list.map((value) => [value, name(value)])];
    const states = [['', t('All')], ...['online', 'offline', 'unknown'].map((s) => [s, word('device', s)]), ['alarm', t('in alarm')], ['service', t('out of service')]];
    replace(this.form, field(t('Search'), h('input', {name: 'text', type: 'search', value: this.filter.text})), field(t('Type'), select('type', any(types, typeName), this.filter.type)),
      field(t('Area'), select('area', any(areas), this.filter.area)), field(t('State'), select('state', states, this.filter.state)));
  }
  rows() {
    const old = this.at === null || now() - this.at > OLD_AFTER;
    return join(this.devices ?? [], this.ledger, this.service).map((row) => ({...row, old}));
  }
  draw() {
    if (this.closed) return;
    const old = this.at !== null && now() - this.at > OLD_AFTER;
    const text = `${old} ${this.problem?.message} ${this.at}`;
    if ((old || (this.problem && !this.devices)) && text !== this.statusText) {
      replace(this.status, this.devices ? h('p', {class: 'devices-old', role: 'status'}, '⚠ ', t('This is how it was at {time}.', {time: seconds(this.at)}), this.problem ? ` ${this.problem.message}` : '') : failed(this.problem, () => this.poll()));
    } else if (!old && !this.problem) replace(this.status);
    this.statusText = text;
    if (!this.devices) return;
    const all = this.rows();
    const shown = all.filter((row) => fits(row, this.filter)).sort(compare);
    sync(this.body, shown, (row) => row.id, make, update);
    this.table.hidden = shown.length === 0;
    this.none.hidden = shown.length > 0;
    const said = shown.length === all.length ? many(all.length, '{n} device', '{n} devices') : t('{n} of {all} devices', {n: shown.length, all: all.length});
    if (this.count.textContent !== said) replace(this.count, said);
  }
  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.ends.forEach((end) => end());
  }
}

export async function show(root, {query}) {
  const view = new Devices(root, query);
  view.begin();
  await view.poll();
  return {title: t('Devices'), close: () => view.close()};
}
