// The life of a device: its record, papers, alterations, plans, wire and history.  Pure: from the
// answer of GET devices/ID to elements.
import {h} from './dom.js';
import {personName} from './site.js';
import {date, duration, moment, ms, now} from './time.js';
import {heads, nothing, quantity, severityMark, wide} from './ui.js';
import {many, t, word} from './words.js';

const MINUTE = 60e3, DAY = 86400e3;
const SOON_DAYS = 30;
const ALTERATIONS_SHOWN = 10;

export const ticketLink = (number) => h('a', {href: `/tickets/${number}`}, t('Ticket {n}', {n: number}));
export const ruleLink = (rule) => h('a', {href: `/rules/${encodeURIComponent(rule)}`}, rule);

function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return h('dl', {class: 'facts'}, shown.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

function section(title, ...content) {
  return h('section', {class: 'card'}, h('h2', {}, title), content);
}

function listing(title, names, rows, none) {
  if (rows.length === 0) return nothing(none);
  return wide(title, h('table', {}, heads(names), h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((cell) => h('td', {}, cell)))))));
}

// Dates of the ledger are days without a zone.
const dayText = (day) => (day ? h('span', {class: 'day'}, day) : '');
const money = (amount, currency) => `${Number(amount).toLocaleString(document.documentElement.lang, {minimumFractionDigits: 2, maximumFractionDigits: 2})} ${currency}`;
const percent = (share) => (share === null || share === undefined ? null : `${quantity(share)} %`);
const person = (id) => (id ? personName(id) : '');

function ages(days) {
  if (days === null || days === undefined) return null;
  const years = Math.floor(days / 365.25);
  return years > 0 ? many(years, '{n} year', '{n} years') : many(days, '{n} day', '{n} days');
}

const lifeBy = (by) => ({age: t('by age'), hours: t('by running hours'), starts: t('by starts')}[by] ?? '');

export function record(life) {
  const l = life.ledger;
  const counters = life.counters.map((c) => [c.call, 'hours' in c ? t('{n} h, {since} h since service', {n: quantity(c.hours), since: quantity(c.since_service)}) : t('{n}, {since} since service', {n: c.starts, since: c.since_service})]);
  const list = facts([
    [t('maker'), l.maker], [t('model'), l.model], [t('specification'), l.specification], [t('serial number'), l.serial],
    [t('supplier'), l.supplier], [t('installed on'), l.installed], [t('age'), ages(l.age_days)], [t('design life'), l.design_life],
    [t('design hours'), l.design_hours], [t('running hours'), l.hours], [t('design starts'), l.design_starts], [t('starts'), l.starts],
    [t('life used'), l.life_used === null ? null : `${percent(l.life_used)} ${lifeBy(l.life_by)}`],
    [t('warranty until'), l.warranty_until], [t('price'), l.price === null ? null : money(l.price, life.currency)],
    [t('area'), l.area], [t('keeper'), person(l.keeper)],
    [t('serves'), life.serves ? many(life.serves, '{n} home', '{n} homes') : null], [t('tags'), life.tags.join(', ')],
    [t('bus'), life.bus ? h('a', {href: `/devices/${encodeURIComponent(life.bus)}`}, t('{bus}, unit {unit}', {bus: life.bus, unit: life.unit})) : null],
    [t('part of'), life.parent ? h('a', {href: `/devices/${encodeURIComponent(life.parent)}`}, life.parent) : null], [t('profile'), life.profile],
    ...counters,
  ]);
  return section(t('Ledger'), list.children.length > 0 ? list : nothing(t('Nothing is written down of it.')), costs(life));
}

function costs(life) {
  const c = life.costs;
  if (!c || c.tickets === 0) return null;
  const row = (name, part) => [name, part.tickets, money(part.parts, life.currency), money(part.work, life.currency), money(part.total, life.currency), part.minutes ? duration(part.minutes * MINUTE) : '–'];
  return [h('h3', {}, t('What it cost')), listing(t('What it cost'), ['', t('Tickets'), t('Parts'), t('Work'), t('Total'), t('Time')], [row(t('Faults'), c.unplanned), row(t('Planned'), c.planned), row(t('Both'), c)], '')];
}

// Only what a browser opens as a page; anything else is shown as it stands.
function documentTitle(d) {
  return /^https?:\/\//i.test(d.link ?? '') ? h('a', {href: d.link, target: '_blank', rel: 'noopener noreferrer'}, d.title) : [d.title, d.link ? h('small', {class: 'quiet'}, ` ${d.link}`) : null];
}
function validity(d) {
  if (!d.valid_until) return '';
  const left = d.days_left;
  if (left < 0) return [h('b', {class: 'bad'}, `⚠ ${t('expired')}`), ` ${d.valid_until}`];
  return left <= SOON_DAYS ? [h('b', {}, `⚠ ${many(left, '{n} day left', '{n} days left')}`), ` ${d.valid_until}`] : d.valid_until;
}

export function papers(life) {
  const rows = life.documents.map((d) => [documentTitle(d), word('document_kind', d.kind), validity(d), d.removed_at ? t('removed {time} by {person}', {time: moment(d.removed_at), person: person(d.removed_by)}) : person(d.by)]);
  return section(t('Documents'), listing(t('Documents'), [t('Title'), t('Kind'), t('Valid until'), t('By')], rows, t('No documents.')));
}

export function alterations(life) {
  const rows = life.alterations.map((a) => [dayText(a.day), a.what, a.effect ?? '', a.made_by ?? person(a.by)]).reverse();
  const names = [t('Day'), t('What'), t('Effect'), t('By')];
  const older = rows.slice(ALTERATIONS_SHOWN);
  return section(t('Alterations'), listing(t('Alterations'), names, rows.slice(0, ALTERATIONS_SHOWN), t('Nothing was altered.')),
    older.length > 0 ? h('details', {}, h('summary', {}, many(older.length, '{n} older', '{n} older')), listing(t('Alterations'), names, older, '')) : null);
}

function due(plan) {
  return plan.overdue ? [h('b', {class: 'bad'}, `⚠ ${t('overdue')}`), ' ', dayText(plan.due)] : dayText(plan.due);
}

// visits: of GET plan; null: they could not be read, `problem` says why.
export function plans(life, visits, problem) {
  const rows = life.plans.map((p) => [[p.title, p.statutory ? h('small', {}, ` ${t('required by law')}`) : null], due(p), p.last_done ? dayText(p.last_done) : t('never'), p.limit ? `${quantity(p.used)} / ${quantity(p.limit)} ${p.use ?? ''}` : '', p.ticket ? ticketLink(p.ticket) : '']);
  const coming = (visits ?? []).map((v) => [dayText(v.day), v.title, v.start ? moment(v.start) : '', (v.people ?? []).map(person).join(', '), [v.ticket ? ticketLink(v.ticket) : null, v.outside_hours ? h('small', {}, ` ${t('outside working hours')}`) : null]]);
  return section(t('Maintenance'), h('h3', {}, t('Plans')), listing(t('Plans'), [t('Plan'), t('Due'), t('Last done'), t('Used'), ''], rows, t('No plan goes to this device.')),
    h('h3', {}, t('Coming visits')), visits === null ? h('p', {class: 'error', role: 'alert'}, problem?.message) : listing(t('Coming visits'), [t('Day'), t('Plan'), t('Begins'), t('Who'), ''], coming, t('No visit within a year.')));
}

// "timeout", "exception 2".
function wireCause(cause) {
  const [name, code] = cause.split(' ');
  return code ? `${word('quality', name)} ${code}` : word('quality', name);
}

// row: as in the listing of devices, with causes; null: not known.
export function wire(row) {
  if (!row) return nothing(t('The gateway has not told how the device answers.'));
  if (!row.causes && row.requests === undefined) return nothing(t('This device is not on a bus.'));
  const causes = Object.entries(row.causes ?? {}).flatMap(([name, n]) => (name === 'exception' ? Object.entries(n).map(([code, times]) => [`${wireCause('exception')} ${code}`, times]) : name === 'late' ? [[t('answers that came too late'), n]] : [[wireCause(name), n]])).filter(([, n]) => n > 0);
  const rate = row.requests > 0 ? ` (${quantity(Number(((row.errors / row.requests) * 100).toPrecision(2)))} %)` : '';
  return [facts([
    [t('requests'), row.requests], [t('errors'), `${row.errors}${rate}`], [t('latency'), row.latency_ms === null ? '–' : `${quantity(Number(row.latency_ms.toPrecision(3)))} ms`],
    [t('most often'), row.cause ? wireCause(row.cause) : t('nothing')], [t('points that it refuses'), row.refused_points || null],
    [t('quarantine'), row.quarantined ? h('b', {}, `⚠ ${t('yes: it is asked seldom, so that it does not hold up the others')}`) : t('no')],
  ]), listing(t('What went wrong'), [t('What went wrong'), t('How often')], causes, t('Nothing went wrong since the gateway started.'))];
}

const whatText = (what) => ({installed: word('history', 'installed'), alteration: word('history', 'alteration'), document: word('history', 'document'), maintenance: word('history', 'maintenance')}[what] ?? word('ticket_kind', what));

function timelineItem(e) {
  const ticket = !['installed', 'alteration', 'document'].includes(e.what) && e.number;
  const result = e.what === 'document' ? word('document_kind', e.result) : e.result;
  return h('li', {}, h('time', {datetime: e.t}, now() - ms(e.t) > DAY * 180 ? date(e.t) : moment(e.t)), h('div', {}, h('b', {}, whatText(e.what)), ' ', ticket ? [ticketLink(e.number), ' '] : null, e.title, result ? h('p', {class: 'quiet'}, result) : null));
}

// The newest first.  `more`: called for older ones; null: these are all.
export function timeline(life, more) {
  const items = life.history.map(timelineItem).reverse();
  return section(t('History'), items.length > 0 ? h('ol', {class: 'timeline'}, items) : nothing(t('Nothing happened yet.')),
    more ? h('button', {type: 'button', onclick: (e) => {
      e.target.disabled = true;
      more();
    }}, t('Older')) : null);
}

export function openTickets(life) {
  if (life.open_tickets.length === 0) return null;
  return h('ul', {class: 'lines'}, life.open_tickets.map((ticket) => h('li', {}, severityMark(ticket.priority, true), ' ', ticketLink(ticket.number), ` ${ticket.title} `, h('small', {class: 'quiet'}, `${word('ticket_state', ticket.state)}${ticket.by ? `, ${person(ticket.by)}` : ''}, ${moment(ticket.opened_at)}`))));
}
