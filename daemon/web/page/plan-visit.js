// One visit of the plan: what it is, and what an engineer may do with it.
import {h} from './dom.js';
import {command} from './api.js';
import {go} from './app.js';
import {may, personName, teamName} from './site.js';
import {clock, day, instantOf, isoDay} from './time.js';
import {actButton, dialog, field} from './ui.js';
import {t, word} from './words.js';

const DAY_MS = 86400e3;

// Days are texts, "2026-11-29": no zone moves them.
export const plus = (text, days) => new Date(Date.parse(`${text}T12:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
export const weekday = (text) => (new Date(`${text}T12:00:00Z`).getUTCDay() + 6) % 7; // 0: Monday.
export const dayText = (text) => day(instantOf(text, '12:00'));

const nameOf = (visit) => visit.device_name ?? visit.device;

// Commands are of the next visit of a plan to a device; those behind it follow from it.
export const isNext = (visit) => /\.0@/.test(visit.uid);

// The days that a visit may be moved to: {min, max}; null: to none.
export function mayMoveTo(visit) {
  if (!may('engineer') || !isNext(visit)) return null;
  const min = isoDay();
  const max = visit.statutory ? plus(visit.due, -1) : null;
  return max && max < min ? null : {min, max};
}
export function mayBeOn(visit, text) {
  const days = mayMoveTo(visit);
  return Boolean(days) && text >= days.min && (!days.max || text <= days.max) && text !== visit.due;
}

function act(cmd, visit, fields) {
  return command(`plan.${cmd}`, {plan: visit.plan, device: visit.device, ...fields});
}

export const lawText = (visit) => t('The law demands this visit by {day}: it may be made earlier, never postponed.', {day: dayText(visit.due)});

// `to`: the day that is proposed.  Resolves to whether it was moved.
export function move(visit, to) {
  const days = mayMoveTo(visit);
  const proposed = [to, visit.day, days.max].find((text) => text && mayBeOn(visit, text)) ?? days.max ?? plus(visit.due > days.min ? visit.due : days.min, 1);
  return dialog({
    title: t('Move “{title}” of {device}', {title: visit.title, device: nameOf(visit)}),
    body: [
      visit.statutory ? h('p', {}, h('b', {}, lawText(visit))) : null,
      h('p', {}, t('It is due on {day}.', {day: dayText(visit.due)})),
      field(t('New day'), h('input', {type: 'date', name: 'day', value: proposed, required: true, min: days.min, max: days.max})),
      field(t('Why'), h('textarea', {name: 'note', rows: 2, required: true})),
    ],
    accept: t('Move'),
    act: (data) => act('move', visit, {day: data.get('day'), note: data.get('note').trim()}),
  });
}

function done(visit) {
  return dialog({
    title: t('“{title}” of {device} was done', {title: visit.title, device: nameOf(visit)}),
    body: [field(t('On'), h('input', {type: 'date', name: 'day', value: isoDay(), max: isoDay(), required: true})), field(t('Note'), h('textarea', {name: 'note', rows: 2}))],
    accept: t('It was done'),
    act: (data) => act('done', visit, {day: data.get('day'), note: data.get('note') || undefined}),
  });
}

function buttons(visit, box, changed) {
  const then = (f) => async () => { box().close(); if (await f(visit)) changed(); };
  const ticket = visit.ticket ? h('a', {class: 'button primary', href: `/tickets/${visit.ticket}`, onclick: () => box().close()}, t('To ticket {n}', {n: visit.ticket})) : null;
  if (!may('engineer') || !isNext(visit)) return ticket;
  return [
    ticket ?? [
      actButton(t('Start it now'), async () => {
        const answer = await act('start', visit);
        box().close();
        go(answer?.ticket ? `/tickets/${answer.ticket}` : '/tickets');
      }, {class: 'primary'}),
      h('button', {type: 'button', onclick: then(done)}, t('Was done ...')),
    ],
    mayMoveTo(visit) ? h('button', {type: 'button', onclick: then(move)}, t('Move ...')) : null,
  ];
}

export const partsText = (visit) => visit.parts.map((part) => (part.count > 1 ? `${part.name} × ${part.count}` : part.name)).join(', ');

// When on its day; '' if no time of day is planned.
export function timeText(visit) {
  if (!visit.start) return '';
  const time = visit.end ? `${clock(visit.start)}–${clock(visit.end)}` : clock(visit.start);
  return visit.outside_hours ? t('{time}, outside the working hours', {time}) : time;
}

function why(visit) {
  if (visit.why === 'use') return t('by use');
  if (visit.why === 'moved') return visit.for_ticket ? t('moved for ticket {n}', {n: visit.for_ticket}) : t('moved');
  return null;
}

function useText(visit) {
  if (visit.limit === null) return null;
  const used = t('{used} of {limit} {unit}', {used: visit.used ?? '–', limit: visit.limit, unit: visit.use});
  return visit.per_day === null ? used : `${used}, ${t('{n} a day', {n: visit.per_day})}`;
}

// A dialog that tells all of it; `changed` is called when it was done or moved.
export function details(visit, changed) {
  const rows = [
    [t('Device'), h('a', {href: `/devices/${encodeURIComponent(visit.device)}`, onclick: () => box.close()}, nameOf(visit))], [t('Place'), visit.place],
    [t('Day'), [dayText(visit.day), ' ', timeText(visit)]], [t('Due'), [dayText(visit.due), why(visit) ? `, ${why(visit)}` : null]],
    [t('Latest day'), visit.latest && visit.latest !== visit.due ? dayText(visit.latest) : null],
    [t('Team'), visit.team ? teamName(visit.team) : null], [t('Goes'), visit.people?.map(personName).join(', ')], [t('Takes'), visit.minutes ? t('{n} minutes', {n: visit.minutes}) : null],
    [t('Used so far'), useText(visit)], [t('Last time'), visit.last_done ? dayText(visit.last_done) : null], [t('To take along'), partsText(visit)],
    [t('State'), [visit.overdue ? t('overdue') : null, visit.ticket ? word('ticket_state', visit.state) : null].filter(Boolean).join(', ')],
  ];
  const box = h('dialog', {'aria-labelledby': 'visit-title', onclose: () => box.remove()}, h('h2', {id: 'visit-title'}, visit.title),
    visit.statutory ? h('p', {}, lawText(visit)) : null,
    h('dl', {class: 'facts'}, rows.filter(([, value]) => value).map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
    visit.steps?.length ? h('ol', {}, visit.steps.map((step) => h('li', {}, step))) : null,
    isNext(visit) ? null : h('p', {class: 'quiet'}, t('A later visit: its day follows from the one before it, which can be started, recorded or moved.')),
    h('div', {class: 'row end'}, h('button', {type: 'button', onclick: () => box.close()}, t('Close')), buttons(visit, () => box, changed)));
  document.body.append(box);
  box.showModal();
}
