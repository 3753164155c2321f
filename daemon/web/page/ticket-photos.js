// Photos of a ticket: taken by the phone, made smaller before they are sent.
import {h, replace, sync} from './dom.js';
import {ask, get, url} from './api.js';
import {personName} from './site.js';
import {moment} from './time.js';
import {icon, toast} from './ui.js';
import {many, t} from './words.js';

const SIDE = 1600; // Pixels: enough to read a type plate.
const LARGEST = 8e6; // Bytes: of what is sent as it is.

// A JPEG of at most SIDE pixels, upright.  What the browser cannot read goes as it is: the gateway
// says what it thinks of it.
async function smaller(file) {
  try {
    const picture = await createImageBitmap(file, {imageOrientation: 'from-image'});
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = h('canvas', {width: Math.round(picture.width * scale), height: Math.round(picture.height * scale)});
    const context = canvas.getContext('2d');
    context.fillStyle = '#fff'; // What one can see through would be black.
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    return await new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error())), 'image/jpeg', 0.85));
  } catch {
    if (file.size > LARGEST) throw new Error(t('This is no picture that can be read here.'));
    return file;
  }
}

function enlarge(source, label) {
  const box = h('dialog', {class: 'photo-full', 'aria-label': label, onclose: () => box.remove()},
    h('img', {src: source, alt: label}), h('form', {method: 'dialog', class: 'row end'}, h('button', {autofocus: true}, t('Close'))));
  document.body.append(box);
  box.showModal();
}

// {element, read(), close(), able}: able: one may be added.
export function photos(number) {
  const path = `tickets/${number}/photos`;
  const list = h('div', {class: 'photos'});
  // Without `capture`: a phone lets choose between the camera and a picture that was taken before.
  const input = h('input', {type: 'file', accept: 'image/jpeg,image/png,image/webp', multiple: true, class: 'vh photos-add', id: `photo-${number}`});
  const add = h('label', {class: 'button', for: input.id, hidden: true}, icon('camera'), t('Add a photo'));
  const count = h('span', {class: 'quiet', role: 'status'});
  const element = h('section', {class: 'card', hidden: true}, h('h2', {}, t('Photos'), ' ', count), list, input, add);
  let known = 0;
  let there = false; // The gateway knows photos.
  let able = false;
  let busy = false;
  let reading = 0;

  function draw() {
    add.hidden = !able;
    element.hidden = !there || (!able && known === 0);
  }

  function make(photo) {
    const source = url(`${path}/${photo.number}`);
    const label = t('Photo {n}, {who}, {time}', {n: photo.number, who: personName(photo.by), time: moment(photo.at)});
    return h('button', {type: 'button', class: 'photo', title: photo.note || label, onclick: () => enlarge(source, photo.note ? `${label}: ${photo.note}` : label)}, h('img', {src: source, alt: photo.note || label, loading: 'lazy'}));
  }

  async function read() {
    const mine = ++reading;
    try {
      const rows = await get(path);
      if (mine !== reading) return;
      there = true;
      known = rows.length;
      replace(count, rows.length || '');
      sync(list, rows, (photo) => photo.number, make, () => {});
    } catch (problem) {
      if (problem.status !== 404 && mine === reading) toast(problem.message, 'bad');
    }
    draw();
  }

  // One that is refused stops none of the others.
  async function send(files) {
    let sent = 0;
    const refused = new Map(); // Why -> the names of files.
    for (const [i, file] of files.entries()) {
      replace(count, t('sending {n} of {all}', {n: i + 1, all: files.length}));
      try {
        await ask('POST', path, null, {blob: await smaller(file)});
        sent++;
      } catch (problem) {
        refused.set(problem.message, [...(refused.get(problem.message) ?? []), file.name]);
        if (problem.status === 0 || problem.status === 401) break; // The others would say the same.
      }
    }
    for (const [why, names] of refused) toast(`${names.join(', ')}: ${why}`, 'bad');
    if (sent > 0) toast(many(sent, '{n} photo added', '{n} photos added'));
  }

  input.addEventListener('change', async () => {
    const files = [...input.files];
    input.value = '';
    if (busy || files.length === 0) return;
    busy = true;
    add.setAttribute('aria-busy', 'true');
    await send(files);
    busy = false;
    add.removeAttribute('aria-busy');
    await read();
  });

  return {element, read, close() {}, get able() { return able; }, set able(value) { able = value; draw(); }};
}
