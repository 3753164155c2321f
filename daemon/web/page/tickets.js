// The work: the queue in the order in which it is done, or a board by state.
import {h, replace, sync} from './dom.js';
import {dueOf} from './alarmlist.js';
import {get} from './api.js';
import {go} from './app.js';
import {estate, watchEstate} from './estate.js';
import {follow, plant} from './plant.js';
import {may, personName, session, site, teamName} from './site.js';
import {countdown, everySecond, moment} from './time.js';
import {report} from './ticket-work.js';
import {failed, icon, nothing, select, severityMark} from './ui.js';
import {inOwnTitle, many, t, word} from './words.js';

const STATES = ['opened', 'assigned', 'responded', 'waiting', 'resolved'];
const PAGE = 50; // Closed tickets that are shown at once.

// The deadline that runs: {label, at}, or null where none does.
export function deadline(ticket) {
  const due = dueOf(ticket, ticket);
  return due && {label: due.what === 'respond' ? t('to respond') : t('to repair'), at: due.at};
}

function timeLeft(ticket) {
  const due = deadline(ticket);
  if (ticket.state === 'waiting') return h('span', {class: 'quiet'}, ticket.pause ? word('pause', ticket.pause) : t('waits'));
  if (ticket.state === 'resolved') return h('span', {class: 'quiet'}, ticket.proof ? word('proof', ticket.proof) : t('being watched'));
  if (!due) return h('span', {class: 'quiet'}, '–');
  const {text, late} = countdown(due.at);
  return h('span', {class: late ? 'late' : '', dataset: {due: due.at}}, h('b', {}, text), ' ', h('span', {class: 'quiet'}, due.label));
}

const deviceOf = (ticket) => estate.devices.get(ticket.device);
const placeOf = (ticket) => [deviceOf(ticket)?.name ?? ticket.device, deviceOf(ticket)?.location].filter(Boolean).join(' · ');
const isLate = (ticket) => {
  const due = deadline(ticket);
  return due !== null && countdown(due.at).late;
};

function card(ticket) {
  const link = h('a', {class: 'ticket card', href: `/tickets/${ticket.number}`});
  fill(link, ticket);
  return link;
}

function fill(link, ticket) {
  link.classList.toggle('is-late', isLate(ticket));
  replace(link,
    severityMark(ticket.priority, true),
    h('span', {class: 'what'}, h('b', {}, ticket.title), h('span', {class: 'quiet'}, `${ticket.number} · ${placeOf(ticket)}`)),
    h('span', {class: 'state'}, word('ticket_state', ticket.state), ' ', h('span', {class: 'quiet'}, ticket.kind === 'fault' ? '' : word('ticket_kind', ticket.kind))),
    h('span', {class: 'who'}, ticket.assignee ? personName(ticket.assignee) : h('span', {class: 'quiet'}, teamName(ticket.team) || t('nobody yet'))),
    h('span', {class: 'time'}, ticket.state === 'closed' ? moment(ticket.closed_at ?? ticket.opened_at) : timeLeft(ticket)));
}

const mine = (ticket) => ticket.assignee === session.user;
const myTeams = () => site.teams.filter((team) => team.members.includes(session.user)).map((team) => team.id);

function passes(ticket, filter) {
  const text = filter.text.toLowerCase();
  return (filter.whose !== 'mine' || mine(ticket)) &&
    (filter.whose !== 'team' || mine(ticket) || myTeams().includes(ticket.team)) &&
    (!filter.team || ticket.team === filter.team) &&
    (!filter.priority || ticket.priority === filter.priority) &&
    (!filter.kind || ticket.kind === filter.kind) &&
    (!filter.device || ticket.device === filter.device) &&
    (!filter.late || isLate(ticket)) &&
    (!text || `${ticket.number} ${ticket.title} ${placeOf(ticket)} ${personName(ticket.assignee)}`.toLowerCase().includes(text));
}

export async function show(root, {query}) {
  const narrow = matchMedia('(max-width: 760px)').matches;
  const filter = {
    form: query.get('form') ?? (narrow ? 'queue' : localStorage.getItem('tickets-form') ?? 'queue'), whose: query.get('whose') ?? 'all',
    team: query.get('team') ?? '', priority: query.get('priority') ?? '', kind: query.get('kind') ?? '', device: query.get('device') ?? '',
    text: query.get('text') ?? '', late: query.has('late'), closed: query.has('closed'),
  };
  let order = []; // Numbers, as the queue has them.
  let closed = [];
  let before = null; // Older closed ones are before this number; null: none are.
  let trouble = null;
  let ended = false;

  function keep() {
    const params = new URLSearchParams();
    for (const [key, value] of Object.entries(filter)) {
      if (key === 'whose' ? value !== 'all' : key !== 'form' && value) params.set(key, value === true ? '1' : value);
    }
    history.replaceState(null, '', `/tickets${params.size ? `?${params}` : ''}`);
    localStorage.setItem('tickets-form', filter.form);
  }

  const count = h('span', {class: 'quiet', role: 'status'});
  const list = h('div', {class: 'list'});
  const more = h('div', {class: 'row'});
  const hiddenNote = h('p', {class: 'quiet'});
  const pick = (key, options, label) => select(key, options, filter[key], {'aria-label': label, onchange: (e) => { filter[key] = e.target.value; keep(); draw(); }});
  const flag = (key, text) => h('label', {class: 'check'}, h('input', {type: 'checkbox', checked: filter[key], onchange: (e) => { filter[key] = e.target.checked; keep(); key === 'closed' ? readClosed() : draw(); }}), ` ${text}`);
  const formButton = (form, text) => h('button', {type: 'button', 'aria-pressed': String(filter.form === form), dataset: {form}, onclick: () => { filter.form = form; keep(); draw(); }}, text);
  const forms = h('div', {class: 'row', role: 'group', 'aria-label': t('How it is shown')}, formButton('queue', t('Queue')), formButton('board', t('Board')));
  const reportButton = may('technician') ? h('button', {type: 'button', class: 'primary', onclick: async () => {
    const number = await report([...estate.devices.values()]);
    if (number) go(`/tickets/${number}`);
  }}, icon('plus'), t('Report a fault')) : null;

  // On a phone the work comes first: most of the filter is behind a button.
  const filters = h('div', {class: 'row filters'});
  const all = h('button', {type: 'button', class: 'more-filters', 'aria-expanded': 'false', onclick: () => all.setAttribute('aria-expanded', String(filters.classList.toggle('all')))}, icon('filter'), t('Filter'));
  root.append(
    h('div', {class: 'row head'}, h('h1', {}, t('Tickets')), count, h('span', {class: 'grow'}), forms, reportButton),
    replace(filters,
      h('input', {type: 'search', placeholder: t('Search'), 'aria-label': t('Search'), value: filter.text, oninput: (e) => { filter.text = e.target.value; keep(); draw(); }}),
      session.user ? pick('whose', [['all', t('Everybody’s')], ['team', t('My teams’')], ['mine', t('Mine')]], t('Whose')) : null,
      all, h('div', {class: 'selects'}, pick('team', [['', t('All teams')], ...site.teams.map((team) => [team.id, team.name])], t('Team')),
      pick('priority', [['', t('All priorities')], ...['critical', 'urgent', 'normal'].map((p) => [p, word('severity', p)])], t('Priority')),
      pick('kind', [['', t('All kinds')], ...['fault', 'predicted', 'planned', 'reported'].map((k) => [k, word('ticket_kind', k)])], t('Kind')),
      flag('late', t('Late only')), flag('closed', t('Closed ones too')))),
    hiddenNote, list, more);

  function open() {
    const rank = new Map(order.map((number, i) => [number, i]));
    return [...plant.tickets.values()].sort((a, b) => (rank.get(a.number) ?? 1e9) - (rank.get(b.number) ?? 1e9) || a.number - b.number);
  }

  function drawBoard(rows) {
    list.className = 'list board';
    const columns = filter.closed ? [...STATES, 'closed'] : STATES;
    if (list.dataset.form !== `board${columns.length}`) {
      list.dataset.form = `board${columns.length}`;
      replace(list, columns.map((state) => h('section', {dataset: {state}}, h('h2', {}), h('div', {class: 'cards'}))));
    }
    for (const section of list.children) {
      const own = rows.filter((ticket) => ticket.state === section.dataset.state);
      section.querySelector('h2').textContent = `${word('ticket_state', section.dataset.state)} ${own.length || ''}`;
      sync(section.querySelector('.cards'), own, (ticket) => ticket.number, card, fill);
    }
  }

  function drawQueue(rows) {
    list.className = 'list queue';
    if (list.dataset.form !== 'queue') {
      list.dataset.form = 'queue';
      list.textContent = '';
    }
    sync(list, rows, (ticket) => ticket.number, card, fill);
  }

  function draw() {
    const all = open();
    const rows = [...all, ...(filter.closed ? closed : [])].filter((ticket) => passes(ticket, filter));
    const shown = rows.filter((ticket) => ticket.state !== 'closed').length;
    for (const button of forms.children) button.setAttribute('aria-pressed', String(button.dataset.form === filter.form));
    replace(count, many(all.length, '{n} open ticket', '{n} open tickets'));
    replace(hiddenNote, shown < all.length ? [t('The filter keeps back {n}.', {n: all.length - shown}), ' ', h('button', {type: 'button', class: 'plain', onclick: () => go('/tickets')}, t('Show all'))] : '');
    if (filter.form === 'board') drawBoard(rows);
    else drawQueue(rows);
    if (rows.length === 0) {
      list.className = 'list';
      list.dataset.form = '';
      replace(list, nothing(all.length === 0 ? t('No open tickets.') : t('No ticket passes the filter.')));
    }
    replace(more, filter.closed && before ? h('button', {type: 'button', onclick: () => readClosed(true)}, t('Older ones')) : null, trouble ? failed(trouble, readOrder) : null);
  }

  async function readOrder() {
    try {
      const rows = await get('tickets', {order: 'queue', details: 1});
      order = rows.map((ticket) => ticket.number);
      trouble = null;
    } catch (problem) {
      trouble = problem;
    }
    if (!ended) draw();
  }

  async function readClosed(older) {
    if (!filter.closed) {
      draw();
      return;
    }
    try {
      const rows = await get('tickets', {state: 'closed', details: 1, limit: PAGE, order: 'number', before: older ? before : null});
      rows.reverse();
      rows.forEach(inOwnTitle);
      closed = older ? [...closed, ...rows] : rows;
      before = rows.length === PAGE ? rows[rows.length - 1].number : null;
    } catch (problem) {
      trouble = problem;
    }
    if (!ended) draw();
  }

  // The order is the gateway's: asked again when something has come or changed.
  let due = null;
  const again = () => {
    clearTimeout(due);
    due = setTimeout(readOrder, 400);
  };
  const ends = [
    follow((change) => {
      if (change.kind === 'state' || (change.kind === 'event' && !change.event.ticket)) return;
      draw();
      again();
      if (change.kind === 'event' && change.event.event === 'ticket.closed') readClosed();
    }),
    watchEstate(draw),
    everySecond(() => {
      for (const element of list.querySelectorAll('[data-due]')) {
        const {text, late} = countdown(Number(element.dataset.due));
        const label = element.querySelector('b');
        if (label.textContent !== text) label.textContent = text;
        element.classList.toggle('late', late);
        element.closest('.ticket').classList.toggle('is-late', late);
      }
    }),
  ];
  draw();
  await Promise.all([readOrder(), readClosed()]);
  return {title: t('Tickets'), close: () => { ended = true; clearTimeout(due); ends.forEach((end) => end()); }};
}
