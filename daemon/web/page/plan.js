// The coming weeks: which visit is due when, and who goes.
import {h, replace} from './dom.js';
import {get, url} from './api.js';
import {areaName, estate, watchEstate} from './estate.js';
import {follow} from './plant.js';
import {dayText, details, isNext, lawText, mayBeOn, mayMoveTo, move, partsText, plus, timeText, weekday} from './plan-visit.js';
import {personName, site, teamName, typeName} from './site.js';
import {everySecond, isoDay, moment, steady} from './time.js';
import {failed, icon, nothing, select, toast, waiting} from './ui.js';
import {language, many, t, word} from './words.js';

const WEEKS = {month: 5, week: 1, list: 5};
const FILTERS = ['team', 'plan', 'type', 'area', 'device'];
const AGAIN = 400; // Milliseconds after an event: several come at once.
const RETRY = 10000;
const DUTY_EACH = 60000;

const monday = () => plus(isoDay(), -weekday(isoDay()));
const utc = (text, options) => new Intl.DateTimeFormat(language() === 'en' ? 'en-GB' : language(), {timeZone: 'UTC', ...options}).format(Date.parse(`${text}T12:00:00Z`));

const nameOf = (visit) => visit.device_name ?? visit.device;
function stateText(visit) {
  const ticket = visit.ticket ? `${t('ticket {n}', {n: visit.ticket})}, ${word('ticket_state', visit.state)}` : '';
  return visit.overdue ? [t('overdue'), ticket].filter(Boolean).join(', ') : ticket;
}

class Plan {
  constructor(root, query) {
    this.filter = Object.fromEntries(FILTERS.map((key) => [key, query.get(key) ?? '']));
    this.mode = query.get('form') in WEEKS ? query.get('form') : 'month';
    this.from = this.first = monday();
    this.today = isoDay();
    this.visits = null;
    this.special = new Map(); // Days of the calendar of the site.
    this.reading = 0;
    this.narrow = matchMedia('(max-width: 760px)');
    this.narrowed = () => this.draw();
    this.build(root);
    this.narrow.addEventListener('change', this.narrowed);
    this.ends = [
      () => this.narrow.removeEventListener('change', this.narrowed),
      watchEstate(() => this.draw()),
      everySecond(() => this.grow()),
      follow((change) => {
        const seen = change.kind === 'all' || (change.kind === 'event' && (change.event.plan || change.event.event?.startsWith('ticket.')));
        if (seen) this.soon(AGAIN);
      }),
    ];
  }

  build(root) {
    this.range = h('b', {role: 'status'});
    this.body = h('div', {class: 'plan-body'}, waiting());
    this.duty = h('p', {class: 'quiet'});
    this.trouble = h('div', {});
    this.file = h('a', {class: 'button', download: 'plan.ics'}, t('As a calendar file'));
    this.filters = h('div', {class: 'row filters'});
    this.earlier = h('button', {type: 'button', 'aria-label': t('Earlier'), onclick: () => this.shift(-1)}, icon('back'));
    this.forms = [['month', t('Month')], ['week', t('Week')], ['list', t('List')]].map(([form, text]) => h('button', {type: 'button', 'data-form': form, onclick: () => {
      this.mode = form;
      this.remember();
      this.drawForms();
      this.read();
    }}, text));
    root.append(
      h('div', {class: 'row'}, h('h1', {}, t('Plan')), this.range, h('span', {class: 'grow'}),
        h('div', {class: 'row forms', role: 'group', 'aria-label': t('How it is shown')}, this.forms),
        h('div', {class: 'row steps'}, this.earlier, h('button', {type: 'button', onclick: () => { this.from = monday(); this.read(); }}, t('Today')),
        h('button', {type: 'button', class: 'later', 'aria-label': t('Later'), onclick: () => this.shift(1)}, icon('back')))),
      this.filters, this.duty, this.trouble, this.body, h('p', {class: 'row'}, this.file));
    this.drawForms();
  }

  shift(weeks) {
    this.from = plus(this.from, weeks * 7);
    this.read();
  }
  days() {
    return Array.from({length: WEEKS[this.mode] * 7}, (_, i) => plus(this.from, i));
  }
  remember() {
    const query = new URLSearchParams(Object.entries({form: this.mode === 'month' ? '' : this.mode, ...this.filter}).filter(([, value]) => value));
    history.replaceState(null, '', `/plan${query.size ? `?${query}` : ''}`);
  }

  // ---- what the gateway says ----

  soon(wait) {
    clearTimeout(this.again);
    this.again = setTimeout(() => this.read(), wait);
  }
  async read() {
    const mine = ++this.reading;
    clearTimeout(this.again);
    try {
      const days = this.days();
      const span = {from: days[0], to: days.at(-1)};
      const [visits, calendar] = await Promise.all([get('plan', {...span, language: language()}), get('calendar', span)]);
      if (mine !== this.reading) return;
      this.visits = visits;
      this.special = new Map(calendar.map((row) => [row.day, row]));
      replace(this.trouble);
    } catch (problem) {
      if (mine !== this.reading) return;
      replace(this.trouble, failed(problem, () => this.read()));
      if (!this.visits) replace(this.body);
      this.soon(RETRY);
    }
    this.draw();
  }
  async readDuty() {
    this.dutyAt = steady();
    try {
      const teams = await get('duty', {days: 1});
      replace(this.duty, teams.length ? [t('On duty now: '), teams.map((row) => {
        const resting = row.works === false && row.works_from ? ` (${t('works again {time}', {time: moment(row.works_from)})})` : '';
        return `${teamName(row.team)}: ${row.on_duty ? personName(row.on_duty) : '–'}${resting}`;
      }).join(' · ')] : '');
    } catch (problem) {
      replace(this.duty, problem.status === 404 ? '' : t('Who is on duty could not be read: {why}', {why: problem.message}));
    }
  }

  // Days pass and duty changes while the page is open.
  grow() {
    const first = monday();
    if (this.today !== isoDay()) {
      if (this.from === this.first) this.from = first;
      [this.today, this.first] = [isoDay(), first];
      this.read();
    }
    if (steady() - this.dutyAt > DUTY_EACH) this.readDuty();
  }

  // ---- filters ----

  // Types and areas are those of the devices that the visits go to.
  drawFilters() {
    const placed = (this.visits ?? []).map((visit) => estate.devices.get(visit.device)).filter(Boolean);
    const known = (key) => [...new Set([...placed.map((d) => d[key]), this.filter[key]].filter(Boolean))].sort();
    const lists = {
      team: [t('Team'), t('All teams'), site.teams.map((team) => [team.id, team.name])],
      plan: [t('Plan'), t('All plans'), (site.plans ?? []).map((plan) => [plan.id, plan.title])],
      type: [t('Type of device'), t('All types'), known('type').map((id) => [id, typeName(id)])],
      area: [t('Area'), t('All areas'), known('area').map((id) => [id, areaName(id)])],
    };
    const said = JSON.stringify([lists, this.filter]);
    if (said === this.filtersSaid) return;
    const focused = document.activeElement?.name;
    this.filtersSaid = said;
    replace(this.filters, Object.entries(lists).map(([key, [name, all, options]]) => (options.length > 1 || this.filter[key] ? select(key, [['', all], ...options], this.filter[key], {'aria-label': name, onchange: (e) => this.choose(key, e.target.value)}) : null)),
      this.filter.device ? h('button', {type: 'button', onclick: () => this.choose('device', '')}, t('Only {device}: show all', {device: this.filter.device})) : null);
    if (focused in lists) this.filters.querySelector(`[name=${focused}]`)?.focus();
  }
  choose(key, value) {
    this.filter[key] = value;
    this.remember();
    this.draw();
  }
  passes(visit) {
    const f = this.filter;
    const device = estate.devices.get(visit.device);
    return (!f.team || visit.team === f.team) && (!f.plan || visit.plan === f.plan) && (!f.device || visit.device === f.device) &&
      (!f.type || device?.type === f.type) && (!f.area || device?.area === f.area);
  }

  // ---- drawing ----

  drawForms() {
    for (const button of this.forms) button.setAttribute('aria-pressed', String(button.dataset.form === this.mode));
  }

  chip(visit, long) {
    const state = stateText(visit);
    const movable = mayMoveTo(visit) !== null;
    const more = long ? [timeText(visit), visit.team ? `${teamName(visit.team)}${visit.people?.length ? `: ${visit.people.map(personName).join(', ')}` : ''}` : '', visit.parts?.length ? t('Take along: {parts}', {parts: partsText(visit)}) : ''].filter(Boolean) : [];
    return h('button', {
      type: 'button', class: `visit ${visit.overdue ? 'overdue' : visit.ticket ? 'open' : isNext(visit) ? 'due' : 'later-one'}`, draggable: movable ? 'true' : null, title: visit.statutory ? lawText(visit) : null, 'data-uid': visit.uid,
      onclick: () => details(visit, () => this.read()),
      ondragstart: (e) => {
        this.dragged = visit;
        e.dataTransfer.setData('text/plain', visit.uid);
        e.dataTransfer.effectAllowed = 'move';
        for (const cell of this.body.querySelectorAll('td[data-day]')) cell.classList.toggle('refused', !mayBeOn(visit, cell.dataset.day));
      },
      ondragend: () => this.dropped(),
    }, h('b', {}, nameOf(visit)), h('span', {}, visit.title), more.map((text) => h('span', {class: 'quiet'}, text)), state ? h('span', {class: 'mark-text'}, state) : null, visit.statutory ? h('span', {class: 'quiet'}, t('by law')) : null);
  }

  dropped() {
    this.dragged = null;
    for (const cell of this.body.querySelectorAll('.refused, .over')) cell.classList.remove('refused', 'over');
  }
  async drop(text) {
    const visit = this.dragged;
    this.dropped();
    if (!visit) return;
    if (!mayBeOn(visit, text)) {
      toast(visit.statutory ? lawText(visit) : t('It cannot be moved to {day}.', {day: dayText(text)}), 'bad');
    } else if (await move(visit, text)) {
      this.read();
    }
  }
  // What the calendar of the site says of a day: a holiday, or a day off that is worked.
  specialText(text) {
    const row = this.special.get(text);
    if (!row) return '';
    const said = row.working ? t('worked') : t('day off');
    return row.title ? `${row.title} (${said})` : said;
  }
  cell(text, rows, long) {
    const today = isoDay();
    const number = text.slice(8) === '01' || text === this.from ? utc(text, {day: 'numeric', month: 'short'}) : Number(text.slice(8));
    const special = this.specialText(text);
    const cell = h('td', {
      class: [text === today ? 'today' : text < today ? 'past' : '', special && !this.special.get(text).working ? 'off' : ''].filter(Boolean).join(' '), 'data-day': text,
      ondragover: (e) => {
        if (!this.dragged) return;
        e.preventDefault(); // Where it is refused, dropping it says why.
        e.dataTransfer.dropEffect = 'move';
        cell.classList.add('over');
      },
      ondragleave: () => cell.classList.remove('over'),
      ondrop: (e) => { e.preventDefault(); this.drop(text); },
    }, h('div', {class: 'day'}, number, text === today ? ` ${t('today')}` : '', special ? h('span', {class: 'special'}, special) : null), rows.filter((visit) => visit.day === text).map((visit) => this.chip(visit, long)));
    return cell;
  }
  calendar(rows) {
    const long = this.mode === 'week';
    const days = this.days();
    const head = days.slice(0, 7).map((text) => h('th', {scope: 'col'}, utc(text, {weekday: 'short'})));
    const weeks = Array.from({length: days.length / 7}, (_, w) => h('tr', {}, days.slice(w * 7, w * 7 + 7).map((text) => this.cell(text, rows, long))));
    return h('table', {class: `calendar ${this.mode}`}, h('thead', {}, h('tr', {}, head)), h('tbody', {}, weeks));
  }
  list(rows) {
    const days = [...new Set(rows.map((visit) => visit.day))].sort();
    return days.map((text) => h('section', {}, h('h2', {}, dayText(text), text === isoDay() ? ` ${t('today')}` : '', this.specialText(text) ? h('span', {class: 'special'}, this.specialText(text)) : null), rows.filter((visit) => visit.day === text).map((visit) => this.chip(visit, true))));
  }
  // What is to be bought or fetched, with the day that it is first needed.
  parts(rows) {
    const sums = new Map();
    for (const visit of rows) {
      for (const part of visit.parts ?? []) {
        const sum = sums.get(part.name) ?? {name: part.name, count: 0, day: visit.day, visits: 0};
        sums.set(part.name, {...sum, count: sum.count + part.count, visits: sum.visits + 1, day: visit.day < sum.day ? visit.day : sum.day});
      }
    }
    const list = [...sums.values()].sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : 0));
    return list.length === 0 ? null : h('section', {class: 'card'}, h('h2', {}, t('Parts to prepare')), h('table', {}, h('thead', {}, h('tr', {}, [t('Part'), t('Pieces'), t('Visits'), t('First needed')].map((text, i) => h('th', {scope: 'col', class: i === 1 || i === 2 ? 'number' : ''}, text)))),
      h('tbody', {}, list.map((part) => h('tr', {}, h('td', {}, part.name), h('td', {class: 'number'}, part.count), h('td', {class: 'number'}, part.visits), h('td', {}, dayText(part.day)))))));
  }

  draw() {
    this.drawFilters();
    const days = this.days();
    replace(this.range, `${dayText(days[0])} – ${dayText(days.at(-1))}`);
    this.earlier.disabled = this.from <= monday();
    const {team, plan, device} = this.filter;
    this.file.href = url('plan.ics', {from: days[0], to: days.at(-1), team, plan, device, language: language()});
    if (!this.visits || this.dragged) return;
    const rows = this.visits.filter((visit) => this.passes(visit));
    const listed = this.narrow.matches || this.mode === 'list';
    const said = JSON.stringify([rows, listed, days, isoDay(), language(), [...this.special.values()]]);
    if (said === this.said) return;
    this.said = said;
    const focused = this.body.contains(document.activeElement) ? document.activeElement.dataset.uid : null;
    const late = rows.filter((visit) => visit.overdue);
    const shown = listed ? rows.filter((visit) => !visit.overdue) : rows;
    const empty = this.mode === 'week' ? t('No visit in this week.') : t('No visit in these weeks.');
    replace(this.body, late.length > 0 ? h('section', {class: 'card late-list'}, h('h2', {}, many(late.length, '{n} visit is overdue', '{n} visits are overdue')), late.map((visit) => this.chip(visit, true))) : null,
      rows.length === 0 ? nothing(empty) : listed ? this.list(shown) : this.calendar(rows), this.parts(rows));
    if (focused) this.body.querySelector(`[data-uid="${CSS.escape(focused)}"]`)?.focus();
  }

  close() {
    this.reading++;
    clearTimeout(this.again);
    this.ends.forEach((end) => end());
  }
}

export async function show(root, {query}) {
  const view = new Plan(root, query);
  await Promise.all([view.read(), view.readDuty()]);
  return {title: t('Plan'), close: () => view.close()};
}
