// Listening to a call: both sides come down a socket in pieces of half a second, the left one first, and are played
// by the sound of the telephone, one a side.

const form = document.querySelector("[data-listen]");
const button = form.querySelector("button");
const words = form.querySelector("[data-words]");
const AHEAD = 2; // Pieces before it begins: they come unevenly.

const WHY = { 1013: "too many listen already", 1008: "this page is of before a restart: load it again", 1006: "the console is away" };

let heard = null;

class Listening {
  /** Stopped while it began: nothing more may be opened, since nobody would close it. */
  get isOver() {
    return heard !== this;
  }

  async begin() {
    this.waiting = [];
    this.sound = new AudioContext();
    await this.sound.audioWorklet.addModule("/static/phone-worklet.js");
    if (this.isOver) return;
    const both = this.sound.createChannelMerger(2);
    this.sides = [0, 1].map((side) => {
      const line = new AudioWorkletNode(this.sound, "telephone", { numberOfInputs: 1, outputChannelCount: [1] });
      line.port.onmessage = ({ data }) => data.level && (form.dataset[side ? "rightMs" : "leftMs"] = data.level.heardMs);
      line.connect(both, 0, side);
      return line;
    });
    both.connect(this.sound.destination);
    await this.sound.resume();
    if (this.isOver) return;
    const where = new URL(`${form.dataset.listen}?${new URLSearchParams({ seal: form.dataset.seal })}`, location.href);
    where.protocol = where.protocol.replace("http", "ws");
    this.socket = new WebSocket(where);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = ({ data }) => this.take(new Uint8Array(data));
    this.socket.onclose = ({ code }) => this.end(WHY[code] || "it is over");
  }

  take(both) {
    const half = both.length / 2;
    const piece = [both.slice(0, half), both.slice(half)];
    if (this.waiting) {
      this.waiting.push(piece);
      if (this.waiting.length < AHEAD) return;
      for (const each of this.waiting) this.play(each);
      this.waiting = null;
      words.textContent = "you listen: the caller left, what they hear right";
    } else this.play(piece);
  }

  play(piece) {
    piece.forEach((sound, side) => this.sides[side].port.postMessage({ sound }, [sound.buffer]));
  }

  end(why) {
    if (this.isOver) return;
    heard = null;
    this.socket?.close();
    this.sound?.close();
    words.textContent = why;
    button.textContent = "Listen";
    button.setAttribute("aria-pressed", "false");
  }
}

form.hidden = false;
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (heard) {
    heard.end("");
    return;
  }
  const mine = new Listening();
  heard = mine;
  button.textContent = "Stop listening";
  button.setAttribute("aria-pressed", "true");
  words.textContent = "one moment";
  try {
    await mine.begin();
  } catch (error) {
    mine.end(`no sound: ${error.name}`);
  }
});
