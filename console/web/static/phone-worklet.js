// The sound of the telephone, on the sound card's clock: microphone to 8 kHz µ-law frames of 20 ms, and the other way.
//
// Nothing here is the browser's: rates are converted by a short windowed sinc, whatever the card's rate is, so that
// what goes over the line is the same everywhere.

const RATE = 8000;
const FRAME = 160;
const HALF = 12; // Taps on each side of the kernel, in samples of the lower rate.
const RING = RATE * 120;
const START = 3 * FRAME; // Heard so far ahead before playing begins: the network's unevenness.
const PATIENCE = 2 * FRAME; // A piece that is shorter than that is played all the same, this much later.

const DECODED = Float32Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const size = (((bits & 0x0f) << 3) + 0x84 << ((bits & 0x70) >> 4)) - 0x84;
  return (bits & 0x80 ? -size : size) / 32768;
});

function encode(sample) {
  let size = Math.max(-32635, Math.min(32635, Math.round(sample * 32768)));
  const sign = size < 0 ? 0x80 : 0;
  size = Math.abs(size) + 0x84;
  let part = 7;
  for (let mask = 0x4000; part > 0 && !(size & mask); mask >>= 1) part--;
  return ~(sign | (part << 4) | ((size >> (part + 3)) & 0x0f)) & 0xff;
}

/** A low pass at a share of the rate, as one reads it at any place between two samples. */
function kernel(distance, cutoff, half) {
  if (Math.abs(distance) >= half) return 0;
  const at = Math.PI * distance * cutoff;
  const sinc = at === 0 ? 1 : Math.sin(at) / at;
  return cutoff * sinc * (0.5 + 0.5 * Math.cos((Math.PI * distance) / half));
}

class Telephone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.step = sampleRate / RATE;
    this.cutoff = Math.min(1, (0.9 * RATE) / sampleRate);
    this.reach = Math.ceil(HALF * this.step);
    this.heard = new Float32Array(0); // Of the microphone, what is still needed.
    this.next = this.reach; // Where the next 8 kHz sample lies in it.
    this.frame = new Uint8Array(FRAME);
    this.filled = 0;
    this.ring = new Float32Array(RING);
    this.written = 0; // Samples since the beginning, as are all places below.
    this.place = 0;
    this.playing = false;
    this.waited = 0;
    this.marks = [];
    this.played = 0;
    this.stops = 0;
    this.blocks = 0;
    this.levels = { in: 0, out: 0 };
    this.port.onmessage = ({ data }) => this.take(data);
  }

  take({ sound, mark, clear, mute }) {
    if (sound) {
      for (const code of sound) this.ring[this.written++ % RING] = DECODED[code];
    }
    if (mark !== undefined) this.marks.push({ at: this.written, name: mark });
    if (clear) {
      this.place = this.written;
      this.playing = false;
      this.blocks = -1; // What waits is told with the next block.
    }
    if (mute !== undefined) this.isMuted = mute;
    this.pass();
  }

  /** Tells of marks up to which all was played, or cleared. */
  pass() {
    while (this.marks.length && this.marks[0].at <= this.place) this.port.postMessage({ mark: this.marks.shift().name });
  }

  hear(block) {
    const all = new Float32Array(this.heard.length + block.length);
    all.set(this.heard);
    all.set(block, this.heard.length);
    let at = this.next;
    for (; at + this.reach < all.length; at += this.step) {
      let sum = 0;
      for (let tap = Math.ceil(at - this.reach); tap <= at + this.reach; tap++) {
        sum += (all[tap] || 0) * kernel(tap - at, this.cutoff, this.reach);
      }
      this.levels.in = Math.max(this.levels.in, Math.abs(sum));
      this.frame[this.filled++] = this.isMuted ? 0xff : encode(sum);
      if (this.filled === FRAME) {
        this.port.postMessage({ frame: this.frame });
        this.filled = 0;
      }
    }
    const dropped = Math.max(0, Math.floor(at) - this.reach - 1);
    this.heard = all.slice(dropped);
    this.next = at - dropped;
  }

  speak(block) {
    const waiting = this.written - this.place;
    if (!this.playing) {
      this.waited = waiting > 0 ? this.waited + block.length / this.step : 0;
      this.playing = waiting >= START || this.waited > START + PATIENCE;
      if (!this.playing) return;
      this.waited = 0;
    }
    for (let index = 0; index < block.length; index++) {
      if (this.place >= this.written) {
        this.playing = false;
        this.stops++;
        this.place = this.written;
        break;
      }
      const first = Math.ceil(this.place - HALF);
      let sum = 0;
      for (let tap = Math.max(0, first); tap <= this.place + HALF && tap < this.written; tap++) {
        sum += this.ring[tap % RING] * kernel(tap - this.place, 1, HALF);
      }
      block[index] = sum;
      this.levels.out = Math.max(this.levels.out, Math.abs(sum));
      this.place += 1 / this.step;
      this.played += 1 / this.step;
    }
  }

  process([input], [output]) {
    if (input.length) this.hear(input[0]);
    this.speak(output[0]);
    this.pass();
    if (++this.blocks % 32 === 0) {
      const level = {
        ...this.levels,
        waitsMs: Math.round(((this.written - this.place) / RATE) * 1000),
        heardMs: Math.round((this.played / RATE) * 1000),
        stops: this.stops,
      };
      this.port.postMessage({ level });
      this.levels = { in: 0, out: 0 };
    }
    return true;
  }
}

registerProcessor("telephone", Telephone);
