// The bar that narrows the alarm list: in the address, so that it can be sent to somebody, and
// remembered on this machine; a sign says what it keeps back.
import {h, replace, sync} from './dom.js';
import {SEVERITIES, SORTS, STATES, areaOf, countBySeverity} from './alarmlist.js';
import {areaName, estate} from './estate.js';
import {site, teamName, typeName} from './site.js';
import {icon, select, severityMark} from './ui.js';
import {many, t, word} from './words.js';

const MEMORY = 'alarms.filter';
const NAMES = ['area', 'type', 'team', 'severity', 'state', 'text', 'sort'];

const empty = () => ({area: '', type: '', team: '', severity: [], state: '', text: '', sort: 'importance'});

function fromQuery(query) {
  const filter = empty();
  for (const name of ['area', 'type', 'team', 'text']) filter[name] = query.get(name) ?? '';
  filter.severity = (query.get('severity') ?? '').split(',').filter((s) => SEVERITIES.includes(s));
  if (STATES.includes(query.get('state'))) filter.state = query.get('state');
  if (SORTS.includes(query.get('sort'))) filter.sort = query.get('sort');
  return filter;
}

function toQuery(filter) {
  const query = new URLSearchParams();
  for (const name of NAMES) {
    const value = String(filter[name]);
    if (value && !(name === 'sort' && value === 'importance')) query.set(name, value);
  }
  return query;
}

// What the address says; says it nothing, what was chosen here the last time.  A link to one
// alarm shows it whatever that was.
export function readFilter(query) {
  if (query.has('alarm') || NAMES.some((name) => query.has(name))) return fromQuery(query);
  const filter = fromQuery(new URLSearchParams(localStorage.getItem(MEMORY) ?? ''));
  show(filter);
  return filter;
}

function show(filter) {
  const now = new URLSearchParams(location.search);
  for (const name of NAMES) now.delete(name);
  for (const [name, value] of toQuery(filter)) now.set(name, value);
  history.replaceState(null, '', `${location.pathname}${now.size > 0 ? `?${now}` : ''}`);
}

export const isNarrow = (filter) => Boolean(filter.area || filter.type || filter.team || filter.severity.length > 0 || filter.state || filter.text);

const sortText = () => ({importance: t('Most important first'), newest: t('Newest first'), oldest: t('Oldest first'), device: t('By device'), deadline: t('By deadline')});
const stateText = () => ({unacked: t('Not acknowledged'), acked: t('Acknowledged'), returned: t('Cleared, not acknowledged')});

// `changed()` is called when a person chose something; the filter is changed in place.
export class FilterBar {
  constructor(filter, changed) {
    this.filter = filter;
    this.changed = () => {
      localStorage.setItem(MEMORY, toQuery(filter).toString());
      show(filter);
      this.setValues();
      changed();
    };
    const pick = (name, text, options) => {
      const element = select(name, options, '', {'aria-label': text, onchange: () => {
        filter[name] = element.value;
        this.changed();
      }});
      return element;
    };
    this.severities = h('div', {class: 'severities', role: 'group', 'aria-label': t('Severity')}, SEVERITIES.map((s) => h('button', {type: 'button', dataset: {severity: s}, title: word('severity', s), 'aria-pressed': 'false', onclick: () => {
      filter.severity = filter.severity.includes(s) ? filter.severity.filter((x) => x !== s) : [...filter.severity, s];
      this.changed();
    }}, severityMark(s, true), h('span', {class: 'name'}, word('severity', s)), h('b', {}))));
    this.area = pick('area', t('Area'), [['', t('All areas')]]);
    this.type = pick('type', t('Type of device'), [['', t('All types')]]);
    this.team = pick('team', t('Team'), [['', t('All teams')]]);
    this.state = pick('state', t('State'), [['', t('All states')], ...Object.entries(stateText())]);
    this.sort = pick('sort', t('Order'), Object.entries(sortText()));
    let typing = null;
    this.text = h('input', {type: 'search', name: 'text', placeholder: t('Search'), 'aria-label': t('Search'), autocomplete: 'off', oninput: () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        filter.text = this.text.value.trim();
        this.changed();
      }, 120);
    }});
    this.sign = h('div', {class: 'filter-sign', role: 'status', hidden: true});
    this.element = h('div', {class: 'filter', role: 'search'}, this.severities, this.text,
      h('button', {type: 'button', class: 'more-filters', 'aria-expanded': 'false', onclick: (e) => {
        const open = this.element.classList.toggle('all');
        e.currentTarget.setAttribute('aria-expanded', String(open));
      }}, icon('filter'), t('Filter')), h('div', {class: 'selects'}, this.area, this.type, this.team, this.state, this.sort));
    this.setValues();
  }

  setValues() {
    const {filter} = this;
    for (const name of ['area', 'type', 'team', 'state', 'sort']) this[name].value = filter[name];
    if (this.text.value.trim() !== filter.text) this.text.value = filter.text;
    for (const b of this.severities.children) b.setAttribute('aria-pressed', String(filter.severity.includes(b.dataset.severity)));
  }

  clear() {
    Object.assign(this.filter, {...empty(), sort: this.filter.sort});
    this.changed();
  }

  // What there is to choose from, by all alarms and devices; what is chosen stays a choice.
  setChoices(items) {
    const devices = [...estate.devices.values()];
    const fill = (name, all, values, textOf) => {
      const known = [...new Set([...values, this.filter[name]].filter(Boolean))].sort((a, b) => String(textOf(a)).localeCompare(String(textOf(b))));
      const options = [['', all], ...known.map((value) => [value, textOf(value)])];
      sync(this[name], options, ([value]) => value, ([value, text]) => h('option', {value}, text), (option, [, text]) => {
        if (option.textContent !== text) option.textContent = text;
      });
      this[name].value = this.filter[name];
      this[name].hidden = known.length === 0;
    };
    fill('area', t('All areas'), [...devices.map((d) => d.area ?? d.location), ...items.map(areaOf)], areaName);
    fill('type', t('All types'), [...(site?.types ?? []).map((type) => type.id ?? type), ...items.map((i) => i.type)], typeName);
    fill('team', t('All teams'), [...(site?.teams ?? []).map((team) => team.id), ...items.map((i) => i.team)], teamName);
    const counts = countBySeverity(items.filter((i) => !i.hidden));
    for (const b of this.severities.children) {
      const n = String(counts[b.dataset.severity] ?? 0);
      if (b.lastChild.textContent !== n) b.lastChild.textContent = n;
      b.classList.toggle('none', n === '0');
    }
  }

  // What the filter keeps back, with its worst.
  setSign(left) {
    const said = left.length > 0 ? JSON.stringify([left.length, countBySeverity(left)]) : isNarrow(this.filter) ? 'none' : '';
    if (this.sign.dataset.said === said) return;
    this.sign.dataset.said = said;
    this.sign.hidden = said === '';
    this.sign.classList.toggle('keeps', left.length > 0);
    const counts = countBySeverity(left);
    replace(this.sign, icon('filter'), h('span', {}, left.length > 0 ? many(left.length, 'The filter leaves out {n} alarm:', 'The filter leaves out {n} alarms:') : t('A filter is set; it leaves nothing out now.')),
      SEVERITIES.filter((s) => counts[s]).map((s) => h('span', {class: 'row'}, severityMark(s, true), counts[s])),
      h('button', {type: 'button', onclick: () => this.clear()}, t('Show all')));
  }
}
