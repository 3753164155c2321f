// The site at a glance: is all well, what is not, and where it stands.
import {drawLater, h, replace, sync, svg} from './dom.js';
import {get} from './api.js';
import {SEVERITIES, arrange, countBySeverity, dueOf, itemOf} from './alarmlist.js';
import {foldText} from './alarmrow.js';
import {Walk} from './alarmwall.js';
import {areaName, estate, watchEstate} from './estate.js';
import {follow, plant} from './plant.js';
import {session} from './site.js';
import {ago, everySecond, isoDay, moment, ms, now} from './time.js';
import {failed, icon, severityMark, waiting} from './ui.js';
import {many, t, word} from './words.js';
import {Health} from './overviewhealth.js';

const WORST = 5;
const MACHINES = ['bus', 'gateway'];
const FOLD_OVER = 60; // Devices: more do not fit a screen, so places where all is well are one line.
const UNWELL = ['alarm', 'offline', 'unknown']; // What is taken out of service is so on purpose.
const ORDER = ['alarm', 'offline', 'out', 'unknown', 'ok'];

// Grey shapes of what is no alarm: each has its own outline, and its word beside it.
const OUTLINES = {ok: 'M12 3a9 9 0 1 0 .01 0zM8 12l3 3 5-6', offline: 'M12 3a9 9 0 1 0 .01 0zM6 6l12 12', out: 'M4 4h16v16H4zM9 9l6 6M15 9l-6 6', unknown: 'M12 3 21 12 12 21 3 12zM12 8v5M12 15.5v.5'};
const outline = (state) => svg('svg', {class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true'}, svg('path', {d: OUTLINES[state]}));

const stateText = (state) => ({ok: t('in order'), offline: t('offline'), out: t('out of service'), unknown: t('unknown')}[state]);

// One device as its tile tells it.
function tileOf(device, alarms) {
  const shown = alarms.filter((a) => !a.hidden);
  const worst = shown[0] ?? null; // They come the most important first.
  const offline = device.state === 'offline';
  const out = estate.out.has(device.id);
  const state = worst ? 'alarm' : out ? 'out' : offline ? 'offline' : device.state === 'online' ? 'ok' : 'unknown';
  return {id: device.id, name: device.name ?? device.id, type: device.type, place: device.area ?? device.location ?? null, state, worst, count: shown.length, hidden: alarms.length - shown.length,
    fresh: shown.some((a) => a.unacked), also: worst && out ? stateText('out') : worst && offline ? stateText('offline') : null, lastGood: device.last_good};
}

function drawTile(a, tile) {
  const said = JSON.stringify([tile.name, tile.state, tile.worst?.severity, tile.worst?.title, tile.worst?.returned, tile.count, tile.hidden, tile.fresh, tile.also, tile.state === 'offline' ? tile.lastGood : null]);
  if (a.dataset.said === said) return;
  a.dataset.said = said;
  a.className = `tile is-${tile.state}${tile.worst ? ` sev-tile-${tile.worst.severity}` : ''}${tile.fresh ? ' fresh' : ''}`;
  const lines = [];
  if (tile.worst) {
    lines.push(h('span', {class: 'says'}, h('b', {}, t('Alarm: {severity}', {severity: word('severity', tile.worst.severity)})), tile.count > 1 ? ` +${tile.count - 1}` : '', tile.worst.returned ? ` · ${t('Cleared, not acknowledged')}` : '', tile.also ? ` · ${tile.also}` : ''), h('span', {class: 'why'}, tile.worst.title));
  } else {
    lines.push(h('span', {class: 'says'}, stateText(tile.state)));
    if (tile.state === 'offline' && tile.lastGood) lines.push(h('span', {class: 'why'}, t('last answer {time}', {time: moment(tile.lastGood)})));
  }
  if (tile.hidden > 0) lines.push(h('span', {class: 'why'}, many(tile.hidden, '{n} hidden alarm', '{n} hidden alarms')));
  replace(a, tile.worst ? severityMark(tile.worst.severity) : outline(tile.state), h('span', {class: 'name'}, tile.name), h('span', {class: 'lines'}, lines));
}

const makeTile = (tile) => {
  const a = h('a', {href: `/devices/${encodeURIComponent(tile.id)}`});
  drawTile(a, tile);
  return a;
};

class Overview {
  ends = [];
  quiet = null; // Since when there is no alarm (ms): null is not known, false cannot be known.
  visits = null; // Of today.
  shownDay = null;

  constructor(root) {
    this.head = h('section', {class: 'now card', 'aria-label': t('Now')}, waiting());
    this.work = h('p', {class: 'work row'});
    this.unfolded = new Map(); // Area -> whether its devices are shown.
    this.areas = h('div', {class: 'areas', onclick: (e) => this.fold(e)});
    this.trouble = h('div', {hidden: true});
    this.health = new Health();
    replace(root, h('h1', {}, t('Overview')), this.head, this.work, this.trouble, this.areas, this.health.element);
    this.walk = new Walk(root.closest('main'), this.head, () => [...this.areas.children, this.health.element]);
    this.ends.push(follow((change) => this.changed(change)), watchEstate(() => drawLater(this)), everySecond(() => this.tick()), () => this.health.close());
    this.draw();
    this.readVisits();
    if (plant.loaded) this.readQuiet();
  }

  close() {
    this.closed = true;
    for (const end of this.ends) end();
  }

  changed(change) {
    if (change.kind === 'all') {
      this.readQuiet();
      this.readVisits();
    }
    if (change.kind === 'event') {
      if (change.event.event.startsWith('alarm.')) this.quiet = ms(change.event.t);
      if (change.event.event.startsWith('plan.') || change.event.event.startsWith('ticket.')) this.visitsOld = true;
    }
    drawLater(this);
  }

  // The last word of the journal about an alarm is since when nothing happened.
  async readQuiet() {
    try {
      const [last] = await get('events', {event: 'alarm', limit: 1});
      this.quiet = last ? ms(last.event?.t ?? last.t) : false;
    } catch {
      this.quiet = false; // The sentence does without.
    }
    drawLater(this);
  }

  async readVisits() {
    const today = isoDay();
    this.shownDay = today;
    this.visitsOld = false;
    try {
      const rows = await get('plan', {from: today, to: isoDay(1)});
      this.visits = rows.filter((row) => row.day === today);
      this.late = rows.filter((row) => row.overdue).length;
    } catch (problem) {
      this.visits = problem;
    }
    drawLater(this);
  }

  draw() {
    const items = [...plant.alarms.values()].map((row) => itemOf(row, estate.devices.get(row.device), plant.tickets.get(row.ticket), estate.out.get(row.device)));
    const {visible, hidden, lines} = arrange(items, {area: '', type: '', team: '', severity: [], state: '', text: '', sort: 'importance'}, new Set());
    this.drawNow(visible, hidden, lines);
    this.drawWork();
    const byDevice = new Map();
    for (const item of [...visible, ...hidden]) {
      if (byDevice.has(item.device)) byDevice.get(item.device).push(item);
      else byDevice.set(item.device, [item]);
    }
    this.drawAreas(byDevice);
    this.health.setAlarms(byDevice);
  }

  // lines: of the list, many of one cause in one.
  drawNow(visible, hidden, lines) {
    if (!plant.loaded) return;
    const shown = lines.slice(0, WORST);
    const more = visible.length > shown.length;
    const counts = countBySeverity(visible);
    const fresh = visible.filter((a) => a.unacked).length;
    const silent = (state) => [...estate.devices.values()].filter((d) => d.state === state && !MACHINES.includes(d.type) && !estate.out.has(d.id)).length;
    const [offline, unknown] = ['offline', 'unknown'].map(silent);
    const said = JSON.stringify([counts, fresh, hidden.length, plant.state, this.quiet, offline, unknown, shown.flatMap((line) => line.items ?? [line.item]).map((a) => [a.key, a.title, a.state, a.severity, a.name, a.location])]);
    if (this.head.dataset.said === said) return;
    this.head.dataset.said = said;
    const behind = hidden.length > 0 ? h('a', {href: '/alarms?hidden=1', class: 'quiet'}, many(hidden.length, '{n} alarm is hidden', '{n} alarms are hidden')) : null;
    this.head.classList.toggle('calm', visible.length === 0);
    if (visible.length === 0) {
      // Who is not heard is not known to be well: no praise then.
      const deaf = offline + unknown > 0;
      const words = plant.state !== 'live' ? t('No alarms when the connection was lost.') : deaf ? t('No alarms.') : this.quiet ? t('All quiet since {time}.', {time: moment(this.quiet)}) : t('All quiet.');
      replace(this.head, h('p', {class: `calm-word${deaf ? ' deaf' : ''}`}, words), (deaf || behind) && h('p', {class: 'row'},
        offline > 0 ? many(offline, '{n} device is offline.', '{n} devices are offline.') : null, unknown > 0 ? many(unknown, '{n} device has not been heard.', '{n} devices have not been heard.') : null, behind));
      return;
    }
    replace(this.head, h('h2', {class: 'row'}, SEVERITIES.filter((s) => counts[s]).map((s) => h('a', {class: 'row count', href: `/alarms?severity=${s}`}, severityMark(s), h('b', {}, counts[s]), word('severity', s))),
      h('span', {class: 'fresh-count'}, fresh > 0 ? t('{n} not acknowledged', {n: fresh}) : t('all acknowledged'))),
    h('ul', {class: 'worst'}, shown.map(worstLine)),
    (more || behind) && h('p', {class: 'row'}, more ? h('a', {href: '/alarms'}, t('All {n} alarms', {n: visible.length})) : null, behind));
  }

  drawWork() {
    const tickets = [...plant.tickets.values()];
    const late = tickets.filter((row) => lateOf(row)).length;
    const mine = session.user ? tickets.filter((row) => row.assignee === session.user).length : 0;
    const visits = Array.isArray(this.visits) ? this.visits.length : null;
    const said = JSON.stringify([tickets.length, late, mine, visits, this.late, this.visits?.message, plant.loaded]);
    if (this.work.dataset.said === said) return;
    this.work.dataset.said = said;
    replace(this.work, plant.loaded ? [h('a', {href: '/tickets'}, icon('ticket'), tickets.length === 0 ? t('No open tickets') : many(tickets.length, '{n} open ticket', '{n} open tickets')),
      late > 0 ? h('a', {href: '/tickets?late=1', class: 'late'}, t('{n} late', {n: late})) : null, mine > 0 ? h('a', {href: '/tickets?whose=mine'}, t('{n} for you', {n: mine})) : null] : null,
    h('a', {href: '/plan'}, icon('calendar'), visits === null ? (this.visits ? t('Visits of today are not known: {why}', {why: this.visits.message}) : t('Visits of today ...')) : visits === 0 ? t('No visits today') : many(visits, '{n} visit today', '{n} visits today')),
    this.late > 0 ? h('a', {href: '/plan', class: 'late'}, t('{n} overdue', {n: this.late})) : null);
  }

  drawAreas(byDevice) {
    this.trouble.hidden = !estate.trouble;
    if (estate.trouble && this.trouble.dataset.said !== estate.trouble.message) {
      this.trouble.dataset.said = estate.trouble.message;
      replace(this.trouble, failed(estate.trouble));
    }
    if (!estate.loaded) return;
    const areas = new Map();
    for (const device of estate.devices.values()) {
      if (MACHINES.includes(device.type)) continue;
      const tile = tileOf(device, byDevice.get(device.id) ?? []);
      const name = tile.place ?? '';
      if (areas.has(name)) areas.get(name).push(tile);
      else areas.set(name, [tile]);
    }
    // Each keeps its place, so that the eye finds it again; what has no place comes last.
    const rows = [...areas].map(([id, tiles]) => ({id, name: id ? areaName(id) : t('Without a place'), tiles: tiles.sort((a, b) => a.name.localeCompare(b.name, undefined, {numeric: true}))}))
      .sort((a, b) => (a.id === '') - (b.id === '') || a.name.localeCompare(b.name, undefined, {numeric: true}));
    const large = rows.length > 1 && rows.reduce((n, row) => n + row.tiles.length, 0) > FOLD_OVER;
    const draw = (section, row) => drawArea(section, {...row, large, open: !large || (this.unfolded.get(row.id) ?? row.tiles.some((tile) => UNWELL.includes(tile.state)))});
    sync(this.areas, rows, (row) => `area ${row.id}`, (row) => {
      const section = h('section', {class: 'area'}, h('h2', {}), h('div', {class: 'tiles'}));
      draw(section, row);
      return section;
    }, draw);
  }

  // What somebody folded or unfolded stays so.
  fold(e) {
    const button = e.target.closest('button.fold');
    if (!button) return;
    this.unfolded.set(button.dataset.area, button.getAttribute('aria-expanded') !== 'true');
    this.draw();
  }

  tick() {
    for (const time of this.head.querySelectorAll('time')) {
      const said = ago(Number(time.dataset.since));
      if (time.textContent !== said) time.textContent = said;
    }
    this.health.tick();
    this.walk.tick();
    if (this.shownDay !== isoDay() || (this.visitsOld && new Date(now()).getUTCSeconds() % 10 === 0)) this.readVisits();
    else this.drawWork(); // A deadline may have passed.
  }
}

// As the list of tickets has it: its link leads to as many.
const lateOf = (row) => {
  const due = dueOf(row, row);
  return due !== null && due.at < now();
};

// One of the worst, or many of one cause.
function worstLine({item, items, ...line}) {
  const a = item ?? items[0]; // They come the most important first.
  const since = items ? Math.min(...items.map((i) => i.since)) : a.since;
  const unacked = (items ?? [a]).some((i) => i.unacked);
  const where = item ? [a.name, a.location, a.returned ? t('Cleared, not acknowledged') : ''].filter(Boolean).join(' · ') : '';
  return h('li', {}, h('a', {href: item ? `/alarms?alarm=${encodeURIComponent(a.key)}` : '/alarms'}, severityMark(a.severity, true), h('span', {class: unacked ? 'unacked' : ''}, item ? a.title : foldText({items, ...line}))),
    h('span', {class: 'quiet'}, where, where ? ' · ' : '', h('time', {dataset: {since}}, ago(since))));
}

// row.large: of a large site, whose places fold.
function drawArea(section, row) {
  const [head, tiles] = section.children;
  const counts = {};
  for (const tile of row.tiles) counts[tile.state] = (counts[tile.state] ?? 0) + 1;
  const said = JSON.stringify([row.name, counts, row.large, row.open]);
  if (head.dataset.said !== said) {
    head.dataset.said = said;
    const texts = {alarm: (n) => many(n, '{n} with alarms', '{n} with alarms'), offline: (n) => t('{n} offline', {n}), out: (n) => t('{n} out of service', {n}), unknown: (n) => t('{n} unknown', {n}), ok: null};
    const numbers = h('span', {class: 'counts'}, many(row.tiles.length, '{n} device', '{n} devices'), ORDER.filter((s) => counts[s] && texts[s]).map((s) => [', ', h('span', {class: s === 'alarm' || s === 'offline' ? 'strong' : ''}, texts[s](counts[s]))]));
    const had = head.contains(document.activeElement);
    replace(head, row.large ? h('button', {type: 'button', class: 'plain fold', dataset: {area: row.id}, 'aria-expanded': String(row.open)}, row.name) : row.name, numbers);
    if (had) head.querySelector('button')?.focus({preventScroll: true});
  }
  tiles.hidden = !row.open;
  sync(tiles, row.open ? row.tiles : [], (tile) => tile.id, makeTile, drawTile);
}

export async function show(root) {
  const view = new Overview(root);
  return {title: t('Overview'), close: () => view.close()};
}
