// Asks masters for documents: JSON with version tags, and the operator event stream.

/** An answer other than success. Status 0: no answer at all. */
export class Refusal extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

/** This master sends requests on to another one: the leader has changed. */
export class LeaderMoved extends Error {}

const timeoutMilliseconds = 30_000;

/**
 * Gets a document of this master.
 * @param known The tag of the version at hand; if it is still the newest, `data` is null.
 * @param onBeginning Called with the first elements of the document's first list, if there is more of it than comes at once.
 */
export async function getDocument(path, known, onBeginning) {
  const headers = { Accept: 'application/json' };
  if (known) headers['If-None-Match'] = known;
  const response = await ask(path, { headers });
  const tag = response.headers.get('ETag');
  if (response.status === 304) return { data: null, tag: known };
  return { data: onBeginning ? JSON.parse(await readText(response, onBeginning)) : await response.json(), tag };
}

/** A large document is worth looking at before its end has come. */
async function readText(response, onBeginning) {
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  const parts = [];
  let isBeginning = true;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(decoder.decode(value, { stream: true }));
    if (isBeginning && parts.length > 1) {
      const elements = firstElements(parts.join(''));
      isBeginning = elements.length === 0 && parts.length < 20;
      if (elements.length > 0) onBeginning(elements);
    }
  }
  parts.push(decoder.decode());
  return parts.join('');
}

/** The complete objects at the beginning of the first list in a document that has been cut off: fifty are a screenful. */
export function firstElements(text) {
  const start = text.indexOf('[{') + 1;
  if (start === 0) return [];
  let depth = 0;
  let isText = false;
  let end = start;
  let count = 0;
  for (let index = start; index < text.length && count < 50; index += 1) {
    const character = text[index];
    if (isText) {
      if (character === '\\') index += 1;
      else if (character === '"') isText = false;
    } else if (character === '"') {
      isText = true;
    } else if (character === '{' || character === '[') {
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth < 0) break;
      if (depth === 0) {
        end = index + 1;
        count += 1;
      }
    }
  }
  return JSON.parse(`[${text.slice(start, end)}]`);
}

async function ask(path, options) {
  let response;
  try {
    // Redirects lead to another origin, which a script cannot follow; the whole page can.
    response = await fetch(path, {
      cache: 'no-store', redirect: 'manual', signal: AbortSignal.timeout(timeoutMilliseconds), ...options,
    });
  } catch (error) {
    throw new Refusal(0, error.name === 'TimeoutError' ? 'no answer within 30 s' : 'no answer');
  }
  if (response.type === 'opaqueredirect') throw new LeaderMoved();
  if (!response.ok && response.status !== 304) throw new Refusal(response.status, await response.text());
  return response;
}

/**
 * Follows the events of POST /api/v1 SUBSCRIBE until the stream ends.
 * @param onEvent Called with each event but the first, whose state of the whole cluster other documents tell in less.
 */
export async function followEvents(onOpen, onEvent, signal) {
  const response = await ask('/api/v1', {
    method: 'POST', body: '{"type":"SUBSCRIBE"}', signal,
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
  });
  const reader = response.body.getReader();
  const records = new RecordReader();
  let isFirst = true;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const record of records.take(value, isFirst)) {
      if (isFirst) {
        isFirst = false;
        onOpen();
      } else {
        onEvent(JSON.parse(record));
      }
    }
  }
}

/** Cuts a RecordIO stream (`length\nbytes`) into its records. */
export class RecordReader {
  #decoder = new TextDecoder();
  #header = '';
  /** Bytes of the current record that are still to come; null while its length is being read. */
  #missing = null;
  #parts = [];
  #isSkipping = false;

  /** @param skipsFirst Whether the bytes of the record that begins now are let go of as they come. */
  take(chunk, skipsFirst = false) {
    const records = [];
    let position = 0;
    while (position < chunk.length || this.#missing === 0) {
      if (this.#missing === null) {
        const byte = chunk[position++];
        if (byte !== 10) {
          this.#header += String.fromCharCode(byte);
          continue;
        }
        this.#missing = Number(this.#header);
        this.#header = '';
        this.#isSkipping = skipsFirst && records.length === 0;
      }
      const part = chunk.subarray(position, position + this.#missing);
      position += part.length;
      this.#missing -= part.length;
      if (!this.#isSkipping) this.#parts.push(part.slice());
      if (this.#missing > 0) break;
      records.push(this.#parts.map((bytes) => this.#decoder.decode(bytes, { stream: true })).join(''));
      this.#decoder.decode();
      this.#parts = [];
      this.#missing = null;
    }
    return records;
  }
}
