// judge.js POLKA PROJECT MANIFEST: what Polka writes as the CloudEvents SDK reads it, and the other way (README.md).
const { CloudEvent, Kafka: Binding } = require('cloudevents');
const { Kafka, logLevel } = require('kafkajs');
const { execFileSync } = require('child_process');
const { createHash } = require('crypto');
const assert = require('assert');
const fs = require('fs');

const [polka, project, manifest] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'cloudevents', brokers: process.env.POLKA_BROKERS.split(','), logLevel: logLevel.ERROR });
const TOLD = 'cloudevents.told', HEARD = 'cloudevents.heard', SECONDS = 60;
const described = JSON.parse(fs.readFileSync(manifest, 'utf8'));
const fingerprints = { 'cloudevents.Told': described.reactions[0].fingerprint, 'cloudevents.Heard': described.emits[0].fingerprint };
const ask = (...words) => execFileSync(polka, words, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
const began = Date.now();
let compared = 0;
const same = (found, expected, what) => { assert.deepStrictEqual(found, expected, what); compared += Object.keys(expected).length; };

// ---- Avro, as far as these two records need it ----

const framed = (text) => {
  const body = Buffer.from(text);
  assert(body.length < 64);                                  // a length of one byte
  return Buffer.concat([Buffer.from([0xc3, 0x01]), Buffer.from(fingerprints['cloudevents.Told'], 'hex').reverse(), Buffer.from([2 * body.length]), body]);
};
function heardOf(value) {
  let at = 10;
  const long = () => {
    let number = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(value[at++]);
      number |= (byte & 127n) << shift;
      if (byte < 128n) return Number((number >> 1n) ^ -(number & 1n));
    }
  };
  const string = () => { const size = long(); at += size; return value.toString('utf8', at - size, at); };
  const nullable = () => (long() === 0 ? null : string());
  const heard = { id: string(), type: string(), source: string(), key: string(), correlationid: string(), causationid: nullable(),
    time_ms: long(), subject: nullable(), dataschema: nullable(), region: nullable(), text: string() };
  assert.strictEqual(at, value.length);
  return heard;
}

// ---- Kafka ----

async function read(topic, count) {
  const consumer = kafka.consumer({ groupId: `judge-${topic}`, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const records = [];
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${topic}: ${records.length} records after ${SECONDS} s, not ${count}`)), SECONDS * 1000);
    consumer.run({ eachMessage: async ({ message }) => { if (records.push(message) === count) { clearTimeout(timer); resolve(); } } });
  });
  await consumer.disconnect();
  return records;
}
// The SDK takes texts where kafkajs gives buffers.
const parsed = (record) => {
  const headers = Object.fromEntries(Object.entries(record.headers).map(([name, value]) => [name, value.toString()]));
  const message = { key: record.key.toString(), value: record.value, headers };
  assert(Binding.isEvent(message));
  const event = Binding.toEvent(message);
  assert(event.validate());
  return event;
};
const written = (message) => ({ ...message, headers: Object.fromEntries(Object.entries(message.headers).filter(([, value]) => value !== undefined)) });
const attributes = (event) => {
  const { data, data_base64, ...rest } = event;
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
};

// ---- what must come out ----

// UUIDv8 of six texts: framework/flow/README.md.
function derived(cause) {
  const hash = createHash('sha256');
  for (const text of [cause.source, cause.id, 'cloudevents_echo', 'cloudevents.Told', 'cloudevents.Heard', '0']) {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(Buffer.byteLength(text));
    hash.update(size).update(text);
  }
  const id = hash.digest().subarray(0, 16);
  id[6] = (id[6] & 0x0f) | 0x80;
  id[8] = (id[8] & 0x3f) | 0x80;
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
const timeOf = (event) => {
  assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  const time = Date.parse(event.time);
  assert(time >= began - 1000 && time <= Date.now() + 1000, `ce_time ${event.time} is not of this run`);
  return event.time;
};
const ours = (type, key, more) => ({ specversion: '1.0', type, subject: key, partitionkey: key, datacontenttype: 'application/avro', dataschema: `polka:${fingerprints[type]}`, ...more });

// What `polka emit` says it sent, as the SDK reads it.
async function roots() {
  const said = [];
  for (const text of ['plain', 'žluťoučký 北京 🐎'])
    said.push({ text, ...JSON.parse(ask('emit', 'cloudevents.Told', '--data', JSON.stringify({ text }))) });
  const events = (await read(TOLD, said.length)).map(parsed);
  for (const one of said) {
    const event = events.find((each) => each.id === one.id);
    assert(event, `${one.id} was not read`);
    assert.match(event.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    same(attributes(event), ours('cloudevents.Told', one.text, { id: one.id, source: event.source, correlationid: one.id, time: timeOf(event) }), 'of polka emit');
    same({ data: Buffer.from(event.data).toString('hex') }, { data: framed(one.text).toString('hex') }, 'its data');
  }
  return events;
}

// What the SDK writes: [event, record, mode].
function theirs(emitted) {
  const base = (text) => ({ id: `id ${text} ☂`, source: 'https://example.com/zdroj?a=b#c', type: 'cloudevents.Told', subject: `předmět ${text}`, partitionkey: `key ${text}`,
    time: '2026-02-28T23:59:59.123Z', correlationid: `flow ${text}`, causationid: `cause ${text}`, shopregion: 'jih – 南' });
  const avro = (text) => new CloudEvent({ ...base(text), datacontenttype: 'application/avro', dataschema: `polka:${fingerprints['cloudevents.Told']}`, data: framed(text) });
  const json = (text) => new CloudEvent({ ...base(text), datacontenttype: 'application/json', data: { text } });
  const bare = new CloudEvent({ id: 'bare', source: '/', type: 'cloudevents.Told', partitionkey: 'bare', data: framed('bare') });
  const all = [[avro('binary'), 'binary', 'binary'], [bare, 'bare', 'binary'], [json('json'), 'json', 'structured'], [avro('base64'), 'base64', 'structured']];
  for (const event of emitted)                               // ours, parsed by the SDK and written by it again
    all.push([event, event.partitionkey, 'binary'], [event, event.partitionkey, 'structured']);
  return all.map(([event, text, mode]) => ({ event, text, mode, record: written(Binding[mode](event)) }));
}
const seen = ({ event, text, mode }) => ({
  id: event.id, type: event.type, source: event.source, key: event.partitionkey, correlationid: event.correlationid || event.id,
  causationid: event.causationid || null, time_ms: Date.parse(event.time), text,
  ...(mode === 'binary' ? { subject: event.subject || null, dataschema: event.dataschema || null, region: event.shopregion || null } : { subject: null, dataschema: null, region: null }) });
const sorted = (rows) => rows.map((row) => JSON.stringify(row, Object.keys(row).sort())).sort().map((row) => JSON.parse(row));

(async () => {
  const emitted = await roots();
  const sent = theirs(emitted);
  const producer = kafka.producer();
  await producer.connect();
  for (const { record } of sent)
    await producer.send({ topic: TOLD, messages: [{ ...record, value: Buffer.from(record.value) }] });
  await producer.disconnect();

  // What the handler saw of all of them, first of those that polka emit wrote.
  const all = [...emitted.map((event) => ({ event, text: event.partitionkey, mode: 'binary' })), ...sent];
  const answers = await read(HEARD, all.length);
  const heard = sorted(answers.map((record) => heardOf(record.value))), expected = sorted(all.map(seen));
  assert.strictEqual(heard.length, expected.length);
  heard.forEach((row, number) => same(row, expected[number], 'what the handler saw'));

  // The answers as the SDK reads them: each has its cause, and the id that this cause gives.
  for (const record of answers) {
    const event = parsed(record), cause = heardOf(record.value);
    same(attributes(event), ours('cloudevents.Heard', cause.key, { id: derived(cause), source: '/cloudevents/cloudevents_echo', correlationid: cause.correlationid,
      causationid: cause.id, time: timeOf(event) }), 'of cloudevents_echo');
    same({ data: Buffer.from(event.data).toString('hex') }, { data: record.value.toString('hex') }, 'its data');
  }

  // And what polka tail says of what the SDK wrote.
  const told = ask('tail', TOLD, '-o', 'start', '-n', String(all.length), '--format', 'json', '--quiet').split('\n').filter(Boolean).map(JSON.parse);
  const row = ({ id, type, source, key, correlation_id, causation_id, time, value }) => ({ id, type, source, key, correlation_id, causation_id, time, text: value.text });
  const wanted = sorted(all.map(({ event, text }) => ({ id: event.id, type: event.type, source: event.source, key: event.partitionkey, time: event.time,
    correlation_id: event.correlationid || null, causation_id: event.causationid || null, text })));
  sorted(told.map(row)).forEach((each, number) => same(each, wanted[number], 'what polka tail says'));
  assert.strictEqual(told.length, wanted.length);
  console.log(`RESULT: ${emitted.length + answers.length} events of Polka read by cloudevents ${require('cloudevents/package.json').version}, ` +
    `${sent.length} of its own (binary and structured) handled; ${compared} attributes equal`);
})().catch((error) => { console.error(error); console.log(`RESULT: ${String(error.message).split('\n')[0]}`); process.exit(1); });
