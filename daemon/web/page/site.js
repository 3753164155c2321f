// Who is looking, and at what: the session and the facts of the site that do not change by
// themselves.
import {get, setCsrf} from './api.js';
import {setNow, setZone} from './time.js';
import {language, setWords, speak, t} from './words.js';

const ROLES = ['viewer', 'technician', 'engineer', 'administrator'];

// {user, name, role, csrf, language, log_in, read_only}; user null: nobody logged in.
export let session = {user: null, name: null, role: null, log_in: false, read_only: true};
// {id, name, timezone, language, areas, types, teams, people, priorities, ...}; null before log-in.
export let site = null;

export async function enter() {
  session = await get('session');
  if (session.role === 'none') session.role = null;
  setCsrf(session.csrf);
  await speak(session.language ?? session.site_language);
  if (session.role) {
    site = await get('site');
    setZone(site.timezone);
    setNow(site.now);
    if (!session.language) await speak(site.language);
    setWords(site.words);
  }
  return session;
}

// After a reload of the gateway there may be other people, teams, areas.  Whether there are.
export async function renewSite() {
  const facts = (s) => JSON.stringify({...s, now: null});
  const before = site;
  site = await get('site');
  setZone(site.timezone);
  setWords(site.words);
  return facts(before) !== facts(site);
}

// Whether who looks has at least this role; without users nobody may act.
export function may(role) {
  return !session.read_only && ROLES.indexOf(session.role) >= ROLES.indexOf(role);
}

// Types of devices as people call them: those of the shipped rules; another is called as in the file.
const TYPES = () => ({
  pump: t('pump'), 'pump-group': t('pump group'), 'fire-pump': t('fire pump'), 'fire-hydrant': t('fire hydrant'), sump: t('sump'), tank: t('tank'), motor: t('motor'),
  elevator: t('elevator'), 'elevator-door': t('elevator door'), power: t('power'), genset: t('generating set'), ups: t('UPS'), transformer: t('transformer'), switchgear: t('switchgear'),
  'distribution-box': t('distribution box'), environment: t('environment'), bus: t('bus'), gateway: t('gateway'),
});
export const typeName = (type) => (language() === 'en' ? type : TYPES()[type] ?? type) ?? '';

// The names that people know.
export function personName(id) {
  return site?.people.find((p) => p.id === id)?.name ?? site?.users?.find((u) => u.id === id)?.name ?? id ?? '';
}
export function teamName(id) {
  return site?.teams.find((team) => team.id === id)?.name ?? id ?? '';
}
