// How good the alarms of the site are (GET report/alarms): beside what the standards ask for,
// floods, the most frequent, what chatters and what stands, and what other numbers would do.
import {h, replace} from './dom.js';
import {get} from './api.js';
import {deviceName} from './estate.js';
import {duration, moment} from './time.js';
import {actButton, heads, nothing, severityMark, wide} from './ui.js';
import {language, t, word} from './words.js';

const NAMES = () => ({
  raises_per_day: t('Alarms a day'), raises_per_10min: t('Alarms in 10 minutes'), peak_10min: t('Most in 10 minutes'), time_in_flood: t('Time in floods'), standing_24h: t('Most at once standing for more than a day'),
  chattering: t('Chattering alarms'), top_10_share: t('Share of the ten most frequent'), critical_share: t('Critical among all'), urgent_share: t('Urgent among all'), normal_share: t('Normal among all'),
});
const KINDS = () => ({deadband: t('wider deadband'), 'on-delay': t('longer hold'), 'off-delay': t('longer clear hold')});

const number = (value) => (value === null || value === undefined ? '–' : new Intl.NumberFormat(language(), {maximumFractionDigits: 1}).format(value));
const bound = (figure, name) => {
  const unit = figure.unit ? ` ${figure.unit}` : '';
  if (figure[`${name}_min`] !== undefined) return `≥ ${number(figure[`${name}_min`])}${unit}`;
  return figure[`${name}_max`] === undefined ? '–' : `≤ ${number(figure[`${name}_max`])}${unit}`;
};

// `numbers`: which columns are numbers.
function listing(title, headings, numbers, rows) {
  const classOf = (i) => (numbers.includes(i) ? 'number' : '');
  return wide(title, h('table', {}, heads(headings, classOf), h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((cell, i) => h('td', {class: classOf(i)}, cell)))))));
}
const place = (row) => [severityMark(row.severity, true), ' ', h('a', {href: `/devices/${encodeURIComponent(row.device)}`}, deviceName(row.device)), ' ', h('a', {href: `/rules/${encodeURIComponent(row.rule)}`}, row.rule)];

function costs(advice) {
  return [advice.later_median_ms > 0 ? t('raised {time} later', {time: duration(advice.later_median_ms)}) : null,
    advice.later_worst_ms > advice.later_median_ms ? t('at worst {time} later', {time: duration(advice.later_worst_ms)}) : null,
    advice.clears_later_ms > 0 ? t('cleared {time} later', {time: duration(advice.clears_later_ms)}) : null,
    advice.unseen > 0 ? t('{n} not seen at all, the longest stood {time}', {n: advice.unseen, time: duration(advice.unseen_longest_ms)}) : null].filter(Boolean).join(', ') || t('nothing');
}
function change(advice) {
  const key = {deadband: 'clear', 'on-delay': 'hold', 'off-delay': 'clear_hold'}[advice.kind];
  return h('code', {}, `${key}: ${advice.kind === 'deadband' ? advice.clear : `${advice.delay_ms / 1000}s`}`);
}
function advised(report) {
  const kinds = KINDS();
  const rows = report.top.flatMap((row) => (row.advice ?? []).map((advice) => [place(row), [kinds[advice.kind] ?? advice.kind, ' ', change(advice), advice.best ? [' ', h('b', {}, t('best'))] : null],
    t('{saved} of {raises}', {saved: advice.saved, raises: row.replayed_raises}), costs(advice)]));
  const none = report.top.filter((row) => row.no_advice);
  return [
    rows.length > 0 ? listing(t('What would spare alarms'), [t('Alarm'), t('Change'), t('Spares'), t('It costs')], [2], rows) : nothing(t('No other number would spare enough alarms to be advised.')),
    none.length > 0 ? h('details', {}, h('summary', {}, t('Without advice')), h('ul', {}, none.map((row) => h('li', {}, place(row), `: ${row.no_advice}`)))) : null,
    h('p', {class: 'quiet'}, t('Each was run over what was recorded. Try a change on the page of its rule before it goes into the file.'))];
}

// Asked for only when a person wants it: it takes a while.
function adviceBox(params, signal) {
  const box = h('div', {});
  const button = actButton(t('Advise me'), async () => {
    replace(box, h('p', {class: 'quiet', role: 'status'}, t('The rules go over what was recorded ...')), h('progress', {}));
    try {
      replace(box, advised(await get('report/alarms', {...params, advice: 1}, {signal})));
      button.hidden = true;
    } catch (problem) {
      replace(box);
      if (problem.name !== 'AbortError') throw problem;
    }
  });
  return [h('h3', {}, t('What would spare alarms')), h('p', {class: 'no-print'}, button), box];
}

// `params`: from and to; `signal` ends what is still asked when the report is left.
export function alarmsCard(report, params, signal) {
  const names = NAMES();
  const chatters = report.top.filter((row) => row.chatter_raises > 0);
  return h('section', {class: 'card wide'}, h('h2', {}, t('How good the alarms are')), h('p', {class: 'quiet'}, t('Of the whole site.'), ' ', report.basis),
    listing(t('How good the alarms are'), ['', t('Value'), t('Aim'), t('Limit'), ''], [1, 2, 3], report.figures.map((figure) => [names[figure.name] ?? figure.name.replaceAll('_', ' '), figure.value === null ? '–' : `${number(figure.value)}${figure.unit ? ` ${figure.unit}` : ''}`,
      bound(figure, 'target'), bound(figure, 'limit'), h('span', {class: `judged-${figure.verdict}`}, word('verdict', figure.verdict))])),
    report.peak_at ? h('p', {}, t('The most came at {time}.', {time: moment(report.peak_at)})) : null,
    report.top.length > 0 ? [h('h3', {}, t('The most frequent')), listing(t('The most frequent'), [t('Alarm'), t('Times'), '%', t('Usually stood')], [1, 2, 3], report.top.map((row) => [place(row), row.raises, number(row.share), row.stood_median_ms === null ? '–' : duration(row.stood_median_ms)]))] : null,
    chatters.length > 0 ? [h('h3', {}, t('Chattering')), listing(t('Chattering'), [t('Alarm'), t('Times'), t('of them chattering')], [1, 2], chatters.map((row) => [place(row), row.raises, row.chatter_raises]))] : null,
    report.floods.length > 0 ? [h('h3', {}, t('Floods')), listing(t('Floods'), [t('Began'), t('Ended'), t('Alarms'), t('Most in 10 minutes')], [2, 3], report.floods.map((flood) => [moment(flood.begin), moment(flood.end), flood.raises, flood.peak_10min]))] : null,
    report.standing.length > 0 ? [h('h3', {}, t('Standing for more than a day')), listing(t('Standing for more than a day'), [t('Alarm'), t('Since'), t('Stood')], [2], report.standing.map((row) => [place(row), moment(row.raised_at), row.cleared_at ? duration(row.stood_ms) : t('{time}, still', {time: duration(row.stood_ms)})]))] : null,
    report.top.length > 0 ? adviceBox(params, signal) : null);
}
