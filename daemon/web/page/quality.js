// How far a value may be believed, in words.
import {t, word} from './words.js';

const wire = () => ({
  short: t('the answer was cut short'), wrong_unit: t('another unit answered'), malformed: t('the answer does not fit the question'), lost: t('the connection broke'),
});
const reasons = () => ({
  timeout: t('no answer in time'), crc: t('garbled on the line'), exception: t('the device refused the request'), refused: t('no connection to the bus'),
  range: t('outside of what is possible'), sentinel: t('the device says that it has no value'), stale: t('no new value for too long'),
  stuck: t('has not changed for too long'), offline: t('the device does not answer'),
});

// "timeout: no answer in time", "exception 2: the device refused the request"; `detail` as in the
// listing of devices.  Good: "good".
export function qualityText(quality, detail) {
  const name = word('quality', quality);
  if (quality === 'good') return name;
  const code = Number(detail) > 0 ? ` ${detail}` : '';
  const why = wire()[detail] ?? reasons()[quality];
  return why ? t('{quality}: {reason}', {quality: `${name}${code}`, reason: why}) : `${name}${code}`;
}

// The marks of the state of a device: shape and text, no colour needed.
const SHAPES = {online: '●', offline: '✕', unknown: '?'};
export const stateShape = (state) => SHAPES[state] ?? '?';
