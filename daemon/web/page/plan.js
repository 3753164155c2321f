// The coming weeks: which visit is due when, and who goes.
import {h, replace} from './dom.js';
import {command, get} from './api.js';
import {go} from './app.js';
import {follow} from './plant.js';
import {may, personName, site, teamName} from './site.js';
import {date, day, isoDay} from './time.js';
import {actButton, dialog, failed, field, icon, nothing, select, waiting} from './ui.js';
import {many, t, word} from './words.js';

const WEEKS = 5;
const DAY_MS = 86400e3;

// Days are texts, "2026-11-29": no zone moves them.
const noon = (text) => Date.parse(`${text}T12:00:00Z`);
const textOf = (at) => new Date(at).toISOString().slice(0, 10);
const plus = (text, days) => textOf(noon(text) + days * DAY_MS);
const weekday = (text) => (new Date(noon(text)).getUTCDay() + 6) % 7; // 0: Monday.

function state(visit) {
  if (visit.overdue) return ['overdue', t('overdue')];
  if (visit.ticket) return ['open', t('ticket {n}', {n: visit.ticket})];
  return ['due', ''];
}

function act(cmd, visit, fields) {
  return command(`plan.${cmd}`, {plan: visit.plan, device: visit.device, ...fields});
}

function move(visit) {
  return dialog({
    title: t('Move “{title}” of {device}', {title: visit.title, device: visit.device_name ?? visit.device}),
    body: [
      visit.statutory ? h('p', {}, h('b', {}, t('A visit that the law asks for: it may be earlier, never later than {day}.', {day: day(noon(visit.latest))}))) : null,
      field(t('New day'), h('input', {type: 'date', name: 'day', value: visit.day, required: true, max: visit.statutory ? visit.latest : null})),
      field(t('Why'), h('textarea', {name: 'note', rows: 2, required: true})),
    ],
    accept: t('Move'),
    act: (data) => act('move', visit, {day: data.get('day'), note: data.get('note')}),
  });
}

function done(visit) {
  return dialog({
    title: t('“{title}” of {device} was done', {title: visit.title, device: visit.device_name ?? visit.device}),
    body: [field(t('On'), h('input', {type: 'date', name: 'day', value: isoDay(), max: isoDay(), required: true})), field(t('Note'), h('textarea', {name: 'note', rows: 2}))],
    accept: t('It was done'),
    act: (data) => act('done', visit, {day: data.get('day'), note: data.get('note') || undefined}),
  });
}

function details(visit, changed) {
  const able = may('engineer');
  const buttons = !able ? [] : visit.ticket ? [h('a', {class: 'button primary', href: `/tickets/${visit.ticket}`, onclick: () => box.close()}, t('To ticket {n}', {n: visit.ticket}))] : [
    actButton(t('Start it now'), async () => {
      const answer = await act('start', visit);
      box.close();
      go(answer.ticket ? `/tickets/${answer.ticket}` : '/tickets');
    }, {class: 'primary'}),
    h('button', {type: 'button', onclick: async () => { box.close(); if (await done(visit)) changed(); }}, t('Was done ...')),
    h('button', {type: 'button', onclick: async () => { box.close(); if (await move(visit)) changed(); }}, t('Move ...')),
  ];
  const rows = [
    [t('Device'), h('a', {href: `/devices/${visit.device}`, onclick: () => box.close()}, visit.device_name ?? visit.device)], [t('Place'), visit.place],
    [t('Day'), day(noon(visit.day))], [t('Latest day'), visit.latest ? `${day(noon(visit.latest))}${visit.statutory ? ` (${t('by law')})` : ''}` : null],
    [t('Team'), teamName(visit.team)], [t('Goes'), visit.people?.map(personName).join(', ')], [t('Takes'), visit.minutes ? t('{n} minutes', {n: visit.minutes}) : null],
    [t('By use'), visit.limit ? `${Math.round(visit.used)} / ${visit.limit}` : null], [t('Last time'), visit.last_done],
    [t('To take along'), visit.parts?.map((part) => `${part.name} × ${part.count}`).join(', ')],
    [t('State'), visit.overdue ? t('overdue') : visit.ticket ? word('ticket_state', visit.state) : null],
  ];
  const box = h('dialog', {'aria-labelledby': 'visit-title', onclose: () => box.remove()}, h('h2', {id: 'visit-title'}, visit.title),
    h('dl', {class: 'facts'}, rows.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    visit.steps?.length ? h('ol', {}, visit.steps.map((step) => h('li', {}, step))) : null,
    h('div', {class: 'row end'}, h('button', {type: 'button', onclick: () => box.close()}, t('Close')), buttons));
  document.body.append(box);
  box.showModal();
}

export async function show(root, {query}) {
  const filter = {team: query.get('team') ?? '', type: query.get('plan') ?? '', device: query.get('device') ?? ''};
  let from = plus(isoDay(), -weekday(isoDay()));
  let visits = [];
  let ended = false;
  let again = null;
  const range = h('b', {role: 'status'});
  const body = h('div', {}, waiting());
  const duty = h('p', {class: 'quiet'});
  const shift = (weeks) => { from = plus(from, weeks * 7); read(); };
  const pick = (key, options, label) => select(key, options, filter[key], {'aria-label': label, onchange: (e) => { filter[key] = e.target.value; draw(); }});
  const narrow = matchMedia('(max-width: 760px)');

  root.append(
    h('div', {class: 'row'}, h('h1', {}, t('Plan')), range, h('span', {class: 'grow'}),
      h('button', {type: 'button', 'aria-label': t('Earlier'), onclick: () => shift(-1)}, icon('back')),
      h('button', {type: 'button', onclick: () => { from = plus(isoDay(), -weekday(isoDay())); read(); }}, t('Today')),
      h('button', {type: 'button', class: 'later', 'aria-label': t('Later'), onclick: () => shift(1)}, icon('back'))),
    h('div', {class: 'row filters'},
      pick('team', [['', t('All teams')], ...site.teams.map((team) => [team.id, team.name])], t('Team')),
      pick('type', [['', t('All plans')], ...(site.plans ?? []).map((plan) => [plan.id, plan.title])], t('Plan'))),
    duty, body);

  function chip(visit) {
    const [name, text] = state(visit);
    return h('button', {type: 'button', class: `visit ${name}`, onclick: () => details(visit, read)},
      h('b', {}, visit.device_name ?? visit.device), h('span', {}, visit.title), text ? h('span', {class: 'mark-text'}, text) : null,
      visit.statutory ? h('span', {class: 'quiet'}, t('by law')) : null);
  }

  function calendar(rows) {
    const today = isoDay();
    const days = Array.from({length: WEEKS * 7}, (_, i) => plus(from, i));
    const head = days.slice(0, 7).map((text) => h('th', {scope: 'col'}, day(noon(text)).split(/[ ,]/)[0]));
    const weeks = Array.from({length: WEEKS}, (_, w) => h('tr', {}, days.slice(w * 7, w * 7 + 7).map((text) => h('td', {class: text === today ? 'today' : text < today ? 'past' : ''},
      h('div', {class: 'day'}, text.slice(8) === '01' || text === from ? date(noon(text)).slice(0, 5) : Number(text.slice(8)), text === today ? ` ${t('today')}` : ''),
      rows.filter((visit) => visit.day === text).map(chip)))));
    return h('table', {class: 'calendar'}, h('thead', {}, h('tr', {}, head)), h('tbody', {}, weeks));
  }

  function byDay(rows) {
    const days = [...new Set(rows.map((visit) => visit.day))];
    return days.map((text) => h('section', {}, h('h2', {}, day(noon(text))), rows.filter((visit) => visit.day === text).map(chip)));
  }

  function draw() {
    const rows = visits.filter((v) => (!filter.team || v.team === filter.team) && (!filter.type || v.plan === filter.type) && (!filter.device || v.device === filter.device));
    const late = rows.filter((v) => v.overdue);
    replace(range, `${day(noon(from))} – ${day(noon(plus(from, WEEKS * 7 - 1)))}`);
    replace(body, late.length > 0 ? h('section', {class: 'card late-list'}, h('h2', {}, many(late.length, '{n} visit is overdue', '{n} visits are overdue')), late.map(chip)) : null,
      rows.length === 0 ? nothing(t('No visit in these weeks.')) : narrow.matches ? byDay(rows) : calendar(rows));
  }

  async function readDuty() {
    try {
      const teams = await get('duty', {days: 1});
      replace(duty, teams.length ? [t('On duty now: '), teams.map((row) => `${row.name}: ${row.on_duty ? personName(row.on_duty) : '–'}`).join(' · ')] : '');
    } catch (problem) {
      replace(duty, problem.message);
    }
  }

  async function read() {
    clearTimeout(again);
    try {
      visits = await get('plan', {from, to: plus(from, WEEKS * 7)});
      if (!ended) draw();
    } catch (problem) {
      if (!ended) replace(body, failed(problem, read));
    }
  }
  narrow.addEventListener('change', draw);
  const end = follow((change) => {
    if (change.kind === 'all' || (change.kind === 'event' && (change.event.plan || change.event.event?.startsWith('ticket.')))) {
      clearTimeout(again);
      again = setTimeout(read, 400);
    }
  });
  await Promise.all([read(), readDuty()]);
  return {title: t('Plan'), close: () => { ended = true; clearTimeout(again); narrow.removeEventListener('change', draw); end(); }};
}
