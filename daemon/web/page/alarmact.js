// What a person does with alarms: acknowledge, shelve, take out of service, and back.
import {h} from './dom.js';
import {command} from './api.js';
import {silence} from './annunciator.js';
import {deviceName} from './estate.js';
import {instantOf, isoDay, moment} from './time.js';
import {dialog, field, select, severityMark, toast} from './ui.js';
import {SEVERITIES, countBySeverity} from './alarmlist.js';
import {many, t, word} from './words.js';

const ASK_OVER = 5; // Acknowledging more than this asks first.

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

// A gateway that has too much to do says when to come again.
async function patient(cmd, fields) {
  for (let i = 0; ; i++) {
    try {
      return await command(cmd, fields);
    } catch (problem) {
      if (problem.status !== 429 || i === 5) throw problem;
      await pause(problem.wait ?? 1);
    }
  }
}

// Sends one command for each item, four at a time; says in words what was refused.
async function each(items, cmd, fieldsOf, doneText, progress) {
  const left = [...items];
  const failures = [];
  let done = 0;
  const worker = async () => {
    for (let item = left.shift(); item; item = left.shift()) {
      try {
        await patient(cmd, fieldsOf(item));
        done++;
      } catch (problem) {
        failures.push(`${item.title}: ${problem.message}`);
        if (problem.status === 0 || problem.status === 401) left.length = 0; // The others would say the same.
      }
      progress?.(done, items.length);
    }
  };
  await Promise.all(Array.from({length: Math.min(4, items.length)}, worker));
  if (done > 1 || (done === 1 && failures.length > 0)) toast(doneText(done));
  if (failures.length > 0) {
    const more = failures.length - 1;
    throw new Error(more > 0 ? `${failures[0]} ${many(more, 'And {n} more was not done.', 'And {n} more were not done.')}` : failures[0]);
  }
}

const ofAlarm = (item) => ({device: item.device, rule: item.rule});

// Throws what was refused.  Resolves to false when the person thought better of it.
export async function acknowledge(items, progress) {
  const open = items.filter((item) => item.unacked && !item.hidden);
  if (open.length === 0) return false;
  const send = () => each(open, 'ack', ofAlarm, (n) => many(n, '{n} alarm acknowledged', '{n} alarms acknowledged'), progress);
  silence();
  if (open.length <= ASK_OVER) {
    await send();
    return true;
  }
  const counts = countBySeverity(open);
  return dialog({
    title: t('Acknowledge {n} alarms?', {n: open.length}),
    body: [h('p', {class: 'row'}, SEVERITIES.filter((s) => counts[s]).map((s) => h('span', {class: 'row'}, severityMark(s, true), `${word('severity', s)}: ${counts[s]}`))),
      h('p', {}, t('An acknowledgement says that somebody has seen each of them and takes care of it.'))],
    accept: t('Acknowledge all'), act: send,
  });
}

// The choices of an end as radio buttons, and a free length.  withOpen: no end is one, too.
function endChoice(withOpen) {
  const tomorrow = instantOf(isoDay(1), '08:00');
  const choices = [['30m', t('30 minutes')], ['1h', t('1 hour')], ['4h', t('4 hours')], ['tomorrow', t('until tomorrow 08:00')], ['free', t('another time')]];
  if (withOpen) choices.unshift(['open', t('until it is put back')]);
  const amount = h('input', {name: 'amount', type: 'number', min: 1, max: 999, step: 1, value: 2, 'aria-label': t('How long')});
  const unit = select('unit', [['m', t('minutes')], ['h', t('hours')], ['d', t('days')]], 'h', {'aria-label': t('Unit of time')});
  const free = h('div', {class: 'free-time', hidden: true}, amount, unit);
  const set = h('fieldset', {class: 'choice', onchange: (e) => {
    if (e.target.name !== 'end') return;
    free.hidden = e.target.value !== 'free';
    if (!free.hidden) amount.focus();
  }}, h('legend', {}, t('How long')), choices.map(([value, text], i) => h('label', {}, h('input', {type: 'radio', name: 'end', value, checked: i === (withOpen ? 0 : 1)}), text)), free);
  const fields = (data) => {
    const end = data.get('end');
    if (end === 'open') return {};
    if (end === 'tomorrow') return {until: new Date(tomorrow).toISOString()};
    if (end !== 'free') return {for: end};
    if (!(Number(data.get('amount')) >= 1)) throw new Error(t('Say how long.'));
    return {for: `${Math.round(Number(data.get('amount')))}${data.get('unit')}`};
  };
  return {set, fields};
}

// A reason in one's own words, or one of the usual by a click.
function reasonField(reasons) {
  const input = h('input', {name: 'reason', required: true, maxlength: 200, autofocus: true, autocomplete: 'off'});
  const take = (text) => {
    input.value = text;
    input.focus();
  };
  return [field(t('Reason'), input), h('div', {class: 'row reasons'}, reasons.map((text) => h('button', {type: 'button', onclick: () => take(text)}, text)))];
}

function reasonOf(data) {
  const reason = data.get('reason').trim();
  if (!reason) throw new Error(t('Give a reason.'));
  return reason;
}

// Hides alarms for a time.  Resolves to whether it was done.
export function shelve(items) {
  const {set, fields} = endChoice(false);
  const title = items.length === 1 ? items[0].title : t('{n} alarms', {n: items.length});
  return dialog({
    title: t('Shelve'),
    body: [h('p', {}, h('b', {}, title)),
      h('p', {class: 'hint'}, t('It is out of the list until then, stays visible under “Hidden”, and comes back by itself.')),
      reasonField([t('Work is going on'), t('Sensor is faulty'), t('Known, waits for parts'), t('Test')]), set],
    accept: t('Shelve'),
    act: async (data) => {
      const how = {...fields(data), reason: reasonOf(data)};
      await each(items, 'shelve', (item) => ({...ofAlarm(item), ...how}), (n) => many(n, '{n} alarm shelved', '{n} alarms shelved'));
    },
  });
}

export const unshelve = (items) => each(items, 'unshelve', ofAlarm, (n) => many(n, '{n} alarm is back', '{n} alarms are back'));

// Hides all alarms of a device while it is worked on.
export function outOfService(device) {
  const {set, fields} = endChoice(true);
  return dialog({
    title: t('{device}: out of service', {device: deviceName(device)}),
    body: [h('p', {class: 'hint'}, t('All alarms of the device are hidden meanwhile; what they would say is kept.')),
      reasonField([t('Maintenance'), t('Repair'), t('Inspection'), t('Being replaced')]), set],
    accept: t('Take out of service'),
    act: (data) => command('service', {device, state: 'out', ...fields(data), reason: reasonOf(data)}),
  });
}

export async function backInService(device) {
  await command('service', {device, state: 'in'});
  toast(t('{device} is back in service', {device: deviceName(device)}));
}

// "until 14:05", or that no end was given.
export const untilText = (at) => (at === null || at === undefined ? t('until it is put back') : t('until {time}', {time: moment(at)}));
