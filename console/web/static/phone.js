// The telephone: microphone and playout in the page, Twilio's messages to the console, which has the rest of the call.
//
// Twilio's wire: `media` of 20 ms of 8 kHz µ-law in base64, `mark`, `clear`, `dtmf`. What is played, and when a mark
// is passed, is decided in the worklet, by the sound card's own clock.

const form = document.querySelector("[data-phone]");
const find = (name) => form.querySelector(name);
const parts = { state: find("[data-state]"), words: find("[data-words]"), link: find("[data-link]") };
const WORDS = { ringing: "it rings", open: "you talk", away: "one moment", says: "the carrier's voice", over: "not in a call" };

/** By the code of the socket's close: 1006 before any word is a handshake that was refused. */
const WHY = { 1013: "too many calls at once", 1006: "the console is away, or this page is of before its restart: load it again" };

let call = null;

const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));
const toBytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function show(now, words = "") {
  parts.state.textContent = WORDS[now] || now;
  form.dataset.now = now;
  parts.words.textContent = words;
}

function enable(isLive) {
  for (const button of form.querySelectorAll("button")) button.disabled = (button.dataset.do === "call") === isLive;
}

function stop(microphone) {
  for (const track of microphone.getTracks()) track.stop();
}

/** One call: its sound, its socket. */
class Call {
  constructor(agent, seal) {
    this.query = new URLSearchParams({ agent, seal });
    this.heardMs = 0;
  }

  /** Hung up while it began: nothing more may be opened, since nobody would close it. */
  get isOver() {
    return call !== this;
  }

  async begin() {
    const wants = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    const microphone = await navigator.mediaDevices.getUserMedia({ audio: wants });
    if (this.isOver) return stop(microphone);
    this.microphone = microphone;
    this.sound = new AudioContext({ latencyHint: "interactive" });
    await this.sound.audioWorklet.addModule("/static/phone-worklet.js");
    if (this.isOver) return;
    this.line = new AudioWorkletNode(this.sound, "telephone", { numberOfInputs: 1, outputChannelCount: [1] });
    this.line.port.onmessage = ({ data }) => this.fromLine(data);
    this.sound.createMediaStreamSource(this.microphone).connect(this.line).connect(this.sound.destination);
    if (this.isMuted) this.mute(true);
    await this.sound.resume();
    if (this.isOver) return;
    const where = new URL(`/phone/media?${this.query}`, location.href);
    where.protocol = where.protocol.replace("http", "ws");
    this.socket = new WebSocket(where);
    this.socket.onmessage = ({ data }) => this.fromBridge(JSON.parse(data));
    this.socket.onclose = ({ code }) => this.end(WHY[code] || "");
  }

  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  fromLine({ frame, mark, level }) {
    if (frame && this.isOpen) this.say({ event: "media", media: { payload: toBase64(frame) } });
    if (mark !== undefined) this.say({ event: "mark", mark: { name: mark } });
    if (!level) return;
    find('[data-meter="in"]').value = this.isMuted ? 0 : level.in;
    find('[data-meter="out"]').value = level.out;
    find("[data-waits]").value = `${level.waitsMs} ms`;
    find("[data-heard]").value = `${(level.heardMs / 1000).toFixed(1)} s`;
    form.dataset.heardMs = level.heardMs;
    form.dataset.waitsMs = level.waitsMs;
    form.dataset.stops = level.stops;
  }

  fromBridge(message) {
    const { event } = message;
    if (event === "media") {
      const bytes = toBytes(message.media.payload);
      this.line.port.postMessage({ sound: bytes }, [bytes.buffer]);
    } else if (event === "mark") {
      this.line.port.postMessage({ mark: message.mark.name });
    } else if (event === "clear") {
      this.line.port.postMessage({ clear: true });
      find("[data-cut]").value = find("[data-heard]").value;
      form.dataset.clears = Number(form.dataset.clears || 0) + 1;
    } else if (event === "phone") {
      this.isOpen = message.now === "open";
      if (message.sid) {
        parts.link.href = `/calls/${message.sid}`;
        parts.link.hidden = false;
        form.dataset.sid = message.sid;
      }
      if (message.now !== "open") this.line.port.postMessage({ clear: true });
      this.wordsOfTheEnd = message.now === "over" ? message.words : "";
      show(message.now, message.words);
    }
  }

  mute(isMuted) {
    this.isMuted = isMuted;
    this.line?.port.postMessage({ mute: isMuted });
  }

  /** Before the line is open there is nobody to be told. */
  hangUp() {
    if (this.socket?.readyState === WebSocket.OPEN) this.say({ event: "hangup" });
    else this.end("");
  }

  end(words) {
    if (this.isOver) return;
    call = null;
    this.socket?.close();
    if (this.microphone) stop(this.microphone);
    this.sound?.close();
    show("over", this.wordsOfTheEnd || words);
    enable(false);
    form.querySelector('[data-do="mute"]').setAttribute("aria-pressed", "false");
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (call) return;
  const mine = new Call(form.elements.agent.value.trim(), form.dataset.seal);
  call = mine;
  enable(true);
  show("ringing");
  try {
    await mine.begin();
  } catch (error) {
    mine.end(`no microphone: ${error.name}`);
  }
});

form.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button || !call) return;
  if (button.dataset.do === "hangup") call.hangUp();
  else if (button.dataset.do === "mute") {
    const isMuted = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isMuted));
    call.mute(isMuted);
  } else if (button.dataset.digit) call.say({ event: "dtmf", dtmf: { digit: button.dataset.digit } });
  else if (button.dataset.break) call.say({ event: "break", how: button.dataset.break });
});

// Digits on the keyboard are the telephone's while there is a call: they lead to no other page then.
document.addEventListener("keydown", (event) => {
  if (!call || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input")) return;
  const key = form.querySelector(`[data-digit="${CSS.escape(event.key)}"]`);
  if (!key) return;
  key.click();
  event.preventDefault();
  event.stopPropagation();
}, { capture: true });

show("over");
