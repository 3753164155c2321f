// The way in: JSON over /api/v1/.  Every failure is a Problem (RFC 9457).
import {language, t} from './words.js';

export class Problem extends Error {
  constructor(status, title, detail, wait) {
    super(detail || title);
    this.status = status; // 0: nobody answered.
    this.title = title;
    this.detail = detail;
    this.wait = wait; // Seconds to wait before trying again, or null.
  }
}

const PATIENCE_MS = 60e3;
const COMMAND_MS = 30e3; // Somebody stands before a dialog and waits.

let csrf = '';
export function setCsrf(secret) {
  csrf = secret ?? '';
}

// params: an object; null, undefined and '' are left out; a list is joined by commas.
export function url(path, params) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params ?? {})) {
    if (value !== null && value !== undefined && value !== '') query.set(key, Array.isArray(value) ? value.join(',') : value);
  }
  const text = query.toString();
  return `/api/v1/${path}${text ? `?${text}` : ''}`;
}

// options: body (JSON), blob (sent as it is), signal, whole: true gives the Response.
export async function ask(method, path, params, options = {}) {
  const headers = {'Accept-Language': language()};
  let body;
  if (options.blob) {
    body = options.blob;
    headers['Content-Type'] = options.blob.type || 'application/octet-stream';
  } else if (options.body !== undefined) {
    body = JSON.stringify(options.body);
    headers['Content-Type'] = 'application/json';
  }
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf;
  let response;
  try {
    response = await fetch(url(path, params), {method, headers, body, signal: options.signal, credentials: 'same-origin', cache: 'no-cache'});
  } catch (e) {
    if (e.name === 'AbortError') throw e;
    throw new Problem(0, t('No answer'), t('The gateway does not answer.'), null);
  }
  if (!response.ok) throw await problemOf(response);
  if (options.whole) return response;
  return response.status === 204 ? null : response.json();
}

async function problemOf(response) {
  let said = {};
  try {
    said = await response.json();
  } catch {
    // Not from the gateway: its status has to do.
  }
  if (response.status === 401) window.dispatchEvent(new Event('logged-out'));
  const wait = Number(response.headers.get('Retry-After'));
  return new Problem(response.status, said.title ?? response.statusText, said.detail ?? '', wait > 0 ? wait : null);
}

// Who was unplugged closes no connection: a question without an answer ends by itself.
export const get = (path, params, options) => ask('GET', path, params, {signal: AbortSignal.timeout(PATIENCE_MS), ...options});
export const post = (path, body, options) => ask('POST', path, null, {...options, body});
export const patch = (path, body) => ask('PATCH', path, null, {body});
export const remove = (path) => ask('DELETE', path);

// What a person does: command('ack', {device, rule}).  Words as in the site's MQTT commands.
export const command = (cmd, fields) => post('commands', {cmd, ...fields}, {signal: AbortSignal.timeout(COMMAND_MS)});
