// The language of the page: English in the sources, others from the one catalogue.

let table = {};
let spoken = 'en';
const LANGUAGES = {'en': 'English', 'zh-CN': '简体中文'};

export const languages = () => LANGUAGES;
export const language = () => spoken;

// What a person chose on this machine, else `wish` (of the person, then of the site), else the
// browser's.
export async function speak(wish) {
  const known = (name) => (name in LANGUAGES ? name : null);
  const browser = navigator.languages.some((l) => l.toLowerCase().startsWith('zh')) ? 'zh-CN' : 'en';
  spoken = known(localStorage.getItem('language')) ?? known(wish) ?? browser;
  table = spoken === 'en' ? {} : (await import(`/page/words.${spoken}.js`)).default;
  document.documentElement.lang = spoken;
}

export function choose(name) {
  localStorage.setItem('language', name);
}

function fill(text, values) {
  return values ? text.replace(/\{(\w+)\}/g, (all, key) => (key in values ? values[key] : all)) : text;
}

// t('Shelved until {time}', {time: '14:05'}): the catalogue has it under the context "page".
export function t(text, values) {
  return fill(table[`page\u0004${text}`] ?? text, values);
}

// One of another: n === 1 takes the first.
export function many(n, one, other, values) {
  return t(n === 1 ? one : other, {n, ...values});
}

// Titles of alarms, tickets and plans are those of the site's language, with others beside them:
// the row gets that of who reads.  Nothing and rows without others are left as they are.
export function inOwnTitle(row) {
  if (row?.titles?.[spoken]) row.title = row.titles[spoken];
  return row;
}

// The words of listings as the gateway calls them, {context: {word: text}}.
let called = {};
export function setWords(words) {
  called = words ?? {};
}

// What is not said as it is written.
const SAID = {'active-acked': 'acknowledged', 'out-of-service': 'out of service'};

// A word of the API in the reader's language, such as word('severity', 'critical').  Contexts
// are those of the catalogue: severity alarm_state ticket_state ticket_kind quality pause proof
// device event cause document_kind verdict phase.
export function word(context, text) {
  if (text === null || text === undefined) return '';
  const found = table[`${context}\u0004${text}`];
  return found ?? (spoken === 'en' ? SAID[text] : null) ?? called[context]?.[text] ?? text.replace(context === 'event' ? /[._]/g : /-/g, ' ');
}
