import {h} from './dom.js';
import {t} from './words.js';
export async function show(root) { root.append(h('h1', {}, t('Overview'))); return {title: t('Overview')}; }
