// One device: how it is, what it measured, what happened to it.
import {h, replace} from './dom.js';
import {command, get} from './api.js';
import {go} from './app.js';
import {styled, trend} from './chart.js';
import {alterations, openTickets, papers, plans, record, ruleLink, ticketLink, timeline, wire} from './device-life.js';
import {pointNames, pointsTable} from './device-points.js';
import {OLD_AFTER, watchDevice} from './present.js';
import {stateShape} from './quality.js';
import {follow, plant} from './plant.js';
import {may, personName, typeName} from './site.js';
import {report} from './ticket-work.js';
import {ago, everySecond, moment, now} from './time.js';
import {actButton, dialog, failed, field, nothing, select, severityMark, toast, waiting} from './ui.js';
import {inOwnTitle, language, many, t, word} from './words.js';

const HISTORY_STEP = 50;
const LATELY = 7 * 86400e3;
const LATELY_MAX = 20;
const CHOSEN_MAX = 6; // Lines that a person can still tell apart.
const RANK = {critical: 4, urgent: 3, normal: 2, info: 1};
const TRIED_AGAIN = 5000; // Milliseconds after a failure.
const SHOWN_AGAIN = 400; // Milliseconds after an event: several come at once.

// It would be again, as of a device that is gone; not so where the gateway is busy (429).
const refused = (problem) => problem.status >= 400 && problem.status < 500 && problem.status !== 429;
const standing = (alarm) => alarm.state === 'active' || alarm.state === 'active-acked';
const gravest = (a, b) => (RANK[b.severity] ?? 0) - (RANK[a.severity] ?? 0);
const alarmsOf = (device) => [...plant.alarms.values()].filter((alarm) => alarm.device === device).sort(gravest);
const alarmsLink = (device) => `/alarms?text=${encodeURIComponent(device)}`;

// ---- head ----

function stateBadge(watch) {
  const {row, at} = watch;
  const fresh = at !== null && now() - at < OLD_AFTER;
  if (!row) return h('span', {class: 'state'}, t('not known yet'));
  const said = h('span', {class: `state state-${row.state}`}, h('span', {'aria-hidden': 'true', class: 'state-shape'}, stateShape(row.state)), word('device', row.state));
  return fresh ? said : h('span', {class: 'state state-old'}, h('span', {'aria-hidden': 'true', class: 'state-shape'}, '⚠'), t('was {state} {age}', {state: word('device', row.state), age: ago(at)}));
}

function takeOut(life, done) {
  const reason = h('input', {name: 'reason', required: true, maxlength: 200, autofocus: true});
  const times = [['30m', t('30 minutes')], ['1h', t('1 hour')], ['2h', t('2 hours')], ['4h', t('4 hours')], ['8h', t('8 hours')], ['1d', t('1 day')], ['7d', t('1 week')], ['', t('until somebody puts it back')]];
  return dialog({
    title: t('Take {device} out of service', {device: life.name}), accept: t('Take out of service'),
    body: [h('p', {}, t('Its alarms are shown as hidden until it is put back.')), field(t('Reason'), reason), field(t('For how long'), select('for', times, '2h'))],
    act: (data) => command('service', {device: life.id, state: 'out', reason: data.get('reason').trim(), ...(data.get('for') ? {for: data.get('for')} : {})}),
  }).then((was) => was && done());
}

function serviceBox(life, service, done) {
  if (!service) {
    return may('engineer') ? h('button', {type: 'button', onclick: () => takeOut(life, done)}, t('Take out of service ...')) : null;
  }
  const until = service.until ? t('until {time}', {time: moment(service.until)}) : t('until somebody puts it back');
  return h('div', {class: 'service'}, h('p', {}, h('b', {}, `▧ ${t('Out of service')}`), ` ${until}`, h('br'), t('{person}, since {time}: {reason}', {person: personName(service.by), time: moment(service.since), reason: service.reason ?? ''})),
    may('engineer') ? actButton(t('Put back into service'), async () => {
      await command('service', {device: life.id, state: 'in'});
      toast(t('{device} is in service again', {device: life.name}));
      done();
    }) : null);
}

function head(life, service, badge, done) {
  const worst = alarmsOf(life.id).filter(standing)[0];
  const tickets = life.open_tickets.length;
  return [
    h('div', {class: 'device-title'}, h('div', {}, h('h1', {}, life.name), h('p', {class: 'quiet'}, [typeName(life.type), life.location, life.id].filter(Boolean).join(' · '))), badge),
    h('div', {class: 'device-now row'},
      worst ? h('a', {class: 'worst', href: alarmsLink(life.id)}, severityMark(worst.severity), ' ', worst.title) : h('span', {class: 'quiet'}, t('No standing alarm')),
      tickets > 0 ? h('a', {href: '#tickets'}, many(tickets, '{n} open ticket', '{n} open tickets')) : h('span', {class: 'quiet'}, t('No open ticket')),
      may('technician') ? actButton(t('Report a fault'), async () => {
        const number = await report([life], life.id);
        if (number) go(`/tickets/${number}`);
      }) : null,
      serviceBox(life, service, done)),
  ];
}

// ---- alarms ----

function alarmLine(alarm) {
  const by = alarm.acked_by ? `, ${t('acknowledged by {person}', {person: personName(alarm.acked_by)})}` : '';
  return h('li', {}, severityMark(alarm.severity, true), ' ', h('a', {href: alarmsLink(alarm.device)}, alarm.title), ' ',
    h('small', {class: 'quiet'}, `${word('alarm_state', alarm.state)}, ${moment(alarm.raised_at)}${by} `), ruleLink(alarm.rule), alarm.ticket ? [' ', ticketLink(alarm.ticket)] : null);
}

function latelyLine(mark) {
  return h('li', {}, severityMark(mark.severity, true), ' ', `${moment(mark.t)}${mark.end ? ` – ${moment(mark.end)}` : ''} `, mark.link ? h('a', {href: mark.link}, mark.text) : mark.text, ' ', mark.rule && mark.rule !== mark.text ? ruleLink(mark.rule) : null, mark.ticket ? [' ', ticketLink(mark.ticket)] : null);
}

function alarmsCard(life, lately) {
  const present = alarmsOf(life.id);
  const before = Array.isArray(lately) ? lately.slice(0, LATELY_MAX) : [];
  const rules = life.alarms.filter((a) => a.episodes > 0).sort((a, b) => b.episodes - a.episodes);
  return h('section', {class: 'card'}, h('h2', {}, t('Alarms')),
    present.length > 0 ? h('ul', {class: 'lines'}, present.map(alarmLine)) : nothing(t('Nothing stands and nothing is hidden.')),
    h('h3', {}, t('In the last 7 days')),
    lately instanceof Error ? h('p', {class: 'error', role: 'alert'}, lately.message) : before.length > 0 ? h('ul', {class: 'lines'}, before.map(latelyLine)) : h('p', {class: 'quiet'}, t('None.')),
    rules.length > 0 ? [h('h3', {}, t('Ever')), h('ul', {class: 'lines'}, rules.map((a) => h('li', {}, ruleLink(a.rule), ` ${many(a.episodes, '{n} time', '{n} times')}, ${t('the last {time}', {time: moment(a.raised_at)})}`)))] : null,
    h('h3', {id: 'tickets'}, t('Open tickets')), openTickets(life) ?? h('p', {class: 'quiet'}, t('None.')));
}

// ---- the trend, and what of it the URL says ----

class Trend {
  constructor(device, query) {
    this.device = device;
    this.points = (query.get('points') ?? '').split(',').filter(Boolean);
    this.from = Number(query.get('from')) || null;
    this.to = Number(query.get('to')) || null;
    this.live = this.to === null;
    this.holder = h('div', {});
    this.element = h('section', {class: 'card'}, h('h2', {}, t('Trend')), this.holder);
    this.chart = null;
    this.begun = this.closed = false;
  }
  // Which points there are is known after the first answer.
  begin(names) {
    if (this.begun) return;
    this.begun = true;
    this.points = this.points.filter((name) => names.includes(name));
    if (this.points.length === 0) this.points = names.slice(0, 1);
    this.open();
  }
  async open() {
    replace(this.holder, waiting());
    if (this.points.length === 0) {
      replace(this.holder, nothing(t('This device has no points.')));
      return;
    }
    try {
      const box = h('div', {});
      this.holder.append(box);
      const {points} = this;
      const chart = await trend(box, {device: this.device, points, from: this.from ?? undefined, to: this.to ?? undefined, onrange: (from, to, live) => this.moved(from, to, live)});
      if (this.closed) chart.close();
      else {
        this.chart = chart;
        if (points !== this.points) chart.points(this.points);
        this.holder.firstElementChild.remove();
      }
    } catch (e) {
      if (!this.closed) replace(this.holder, failed(e, () => this.open()));
    }
  }
  moved(from, to, live) {
    [this.from, this.to, this.live] = [from, to, live];
    this.keep();
  }
  toggle(name, on) {
    if (on && this.points.length >= CHOSEN_MAX) toast(t('More than {n} lines cannot be told apart: take one away first.', {n: CHOSEN_MAX}), 'bad');
    else if (!on && this.points.length === 1 && this.points[0] === name) toast(t('One point stays in the trend.'));
    else this.points = on ? [...this.points, name] : this.points.filter((p) => p !== name);
    this.keep();
    this.chart?.points(this.points);
  }
  // A moving picture is kept as "now", another as its range.
  keep() {
    const query = new URLSearchParams({points: this.points.join(',')});
    if (!this.live) {
      query.set('from', this.from);
      query.set('to', this.to);
    }
    history.replaceState(history.state, '', `${location.pathname}?${query.toString().replaceAll('%2C', ',')}${location.hash}`);
  }
  close() {
    this.closed = true;
    this.chart?.close();
  }
}

// ---- the whole ----

class Device {
  constructor(root, id, query) {
    Object.assign(this, {root, id, limit: HISTORY_STEP, watch: {row: null, at: null, problem: null}, closed: false, timer: null, reading: 0, told: null});
    this.trend = new Trend(id, query);
    this.points = pointsTable({device: id, chosen: () => this.trend.points, toggle: (name, on) => {
      this.trend.toggle(name, on);
      this.points.tick();
    }});
    const part = (name) => h('div', {class: `part-${name}`});
    this.parts = {problem: part('problem'), head: part('head'), alarms: part('alarms'), record: part('record'), papers: part('papers'), alterations: part('alterations'), plans: part('plans'), wire: part('wire'), history: part('history')};
    this.badge = h('div', {});
    this.wireBody = h('div', {});
    this.parts.wire.append(h('section', {class: 'card'}, h('h2', {}, t('On the wire')), this.wireBody));
    this.drawn = new Map();
  }
  async read() {
    const mine = ++this.reading;
    const path = `devices/${encodeURIComponent(this.id)}`;
    const to = now();
    const whole = (promise) => promise.catch((e) => e);
    const inAYear = new Date(to + 365 * 86400e3).toISOString().slice(0, 10);
    const [life, service, marks, visits] = await Promise.all([
      get(path, {limit: this.limit}), whole(get('service')),
      whole(get(`${path}/marks`, {from: new Date(to - LATELY).toISOString(), to: new Date(to).toISOString()})), whole(get('plan', {device: this.id, to: inAYear, language: language()})),
    ]);
    if (mine !== this.reading || this.closed) return;
    for (const rows of [life.open_tickets, life.plans, life.history]) rows.forEach(inOwnTitle);
    Object.assign(this, {life, service, marks, visits});
    this.draw();
  }
  // Read again after events; what fails is told, tried again, and what is shown says that it
  // is older.  The same failure is told once: who reads it, or stands on its button, is left alone.
  renew(wait = SHOWN_AGAIN) {
    clearTimeout(this.timer);
    this.timer = setTimeout(async () => {
      try {
        await this.read();
        this.told = null;
        replace(this.parts.problem);
      } catch (e) {
        if (this.closed) return;
        if (this.told !== e.message) replace(this.parts.problem, failed(e, () => this.renew()));
        this.told = e.message;
        if (!refused(e)) this.renew(TRIED_AGAIN);
      }
    }, wait);
  }
  // A part is only made anew when its text would differ: focus and selection stay.
  put(name, facts, make) {
    const text = JSON.stringify(facts);
    if (this.drawn.get(name) === text) return;
    this.drawn.set(name, text);
    replace(this.parts[name], make());
  }
  draw() {
    const {life, visits} = this;
    const lately = this.marks instanceof Error ? this.marks : this.marks.marks.filter((m) => m.kind === 'alarm').reverse();
    this.drawHead();
    this.put('alarms', [alarmsOf(this.id), life.alarms, life.open_tickets, lately instanceof Error ? lately.message : lately], () => alarmsCard(life, lately));
    this.put('record', [life.ledger, life.costs, life.counters], () => record(life));
    this.put('papers', life.documents, () => papers(life));
    this.put('alterations', life.alterations, () => alterations(life));
    const planned = visits instanceof Error ? null : visits.slice(0, 10);
    this.put('plans', [life.plans, planned, visits.message], () => plans(life, planned, visits));
    const all = life.history.length < this.limit;
    this.put('history', [life.history, all], () => timeline(life, all ? null : () => {
      this.limit *= 2;
      this.renew();
    }));
  }
  drawHead() {
    if (!this.life) return;
    const out = this.service instanceof Error ? null : this.service.find((s) => s.device === this.id) ?? null;
    this.put('head', [alarmsOf(this.id).filter(standing)[0], this.life.open_tickets.length, out], () => head(this.life, out, this.badge, () => this.renew()));
    this.drawBadge();
  }
  // By itself: while it counts, the buttons beside it are not touched.
  drawBadge() {
    const badge = stateBadge(this.watch);
    if (this.badge.textContent !== badge.textContent) replace(this.badge, badge);
  }
  came(watch) {
    this.watch = watch;
    this.points.update(watch);
    if (watch.row?.points) this.trend.begin(pointNames(watch.row.points));
    const row = watch.row && {...watch.row, points: null};
    const text = JSON.stringify(row);
    if (row && text !== this.wireText) {
      this.wireText = text;
      replace(this.wireBody, wire(row));
    }
    this.drawHead();
  }
  begin() {
    const {parts, root} = this;
    root.append(parts.problem, h('section', {class: 'card'}, parts.head),
      h('div', {class: 'device-columns'}, h('section', {class: 'card device-points'}, h('h2', {}, t('Present values')), this.points.element), parts.alarms),
      this.trend.element, h('div', {class: 'device-columns'}, h('div', {class: 'stack'}, parts.record, parts.wire), h('div', {class: 'stack'}, parts.plans, parts.papers, parts.alterations, parts.history)));
    this.ends = [
      watchDevice(this.id, (watch) => this.came(watch)),
      everySecond(() => {
        this.points.tick();
        this.drawBadge();
      }),
      follow((change) => {
        if (change.kind === 'all' || change.event?.device === this.id) this.renew();
        if (change.kind === 'all') this.trend.chart?.renew();
      }),
    ];
  }
  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.ends?.forEach((end) => end());
    this.points.close();
    this.trend.close();
  }
}

export async function show(root, {params, query}) {
  const view = new Device(root, params.id, query);
  root.append(waiting());
  await Promise.all([view.read(), styled()]);
  root.textContent = '';
  view.begin();
  return {title: view.life.name, close: () => view.close()};
}
