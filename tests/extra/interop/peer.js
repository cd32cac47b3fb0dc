// peer.js BROKERS REGISTRY: kafkajs, @kafkajs/confluent-schema-registry and avsc at the end of a pipe; the requests are in peers.py.
const { Kafka, logLevel } = require('kafkajs');
const { SchemaRegistry, SchemaType } = require('@kafkajs/confluent-schema-registry');
const avro = require('avsc');
const readline = require('readline');

const [brokers, registryUrl] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'interop-node', brokers: brokers.split(','), logLevel: logLevel.ERROR });

// ---- avsc: int64 as BigInt, decimals as text, a tag on every branch of a union ----

const Long = avro.types.LongType.__with({
  fromBuffer: (buffer) => buffer.readBigInt64LE(),
  toBuffer: (value) => { const buffer = Buffer.alloc(8); buffer.writeBigInt64LE(value); return buffer; },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value) => typeof value === 'bigint',
  compare: (a, b) => (a === b ? 0 : a < b ? -1 : 1),
});

class Decimal extends avro.types.LogicalType {
  constructor(schema, options) {
    super(schema, options);
    this.scale = schema.scale || 0;
  }
  _fromValue(buffer) {
    const unscaled = buffer.length ? BigInt.asIntN(8 * buffer.length, BigInt('0x' + buffer.toString('hex'))) : 0n;
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(this.scale + 1, '0');
    const at = digits.length - this.scale;
    return (unscaled < 0n ? '-' : '') + digits.slice(0, at) + (this.scale ? '.' + digits.slice(at) : '');
  }
  _toValue(text) {
    const unscaled = BigInt(text.replace('.', ''));
    const size = this.underlyingType.size || 17;
    const hex = BigInt.asUintN(8 * size, unscaled).toString(16).padStart(2 * size, '0');
    return Buffer.from(hex, 'hex');
  }
}

const options = {
  wrapUnions: true,
  logicalTypes: { decimal: Decimal },
  typeHook: (schema) => (schema === 'long' || (schema && schema.type === 'long') ? Long : undefined),
};
const typeOf = (text) => avro.Type.forSchema(JSON.parse(text), { ...options });      // it keeps the names it has seen there
const registry = new SchemaRegistry({ host: registryUrl, retry: { retries: 3 } }, { [SchemaType.AVRO]: options });

// CRC-64-AVRO of the canonical form; avsc has MD5 alone.
const EMPTY = 0xc15d213aa4d7a795n;
const TABLE = Array.from({ length: 256 }, (_, i) => {
  let crc = BigInt(i);
  for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? EMPTY : 0n);
  return crc;
});
function fingerprint(type) {
  const canonical = Buffer.from(JSON.stringify(type.schema()));
  const crc = canonical.reduce((at, byte) => (at >> 8n) ^ TABLE[Number((at ^ BigInt(byte)) & 0xffn)], EMPTY);
  return crc.toString(16).padStart(16, '0');
}

// ---- values in the form that all peers share, and back ----

const bits = (value, wide) => {
  const buffer = Buffer.alloc(wide ? 8 : 4);
  wide ? buffer.writeDoubleBE(value) : buffer.writeFloatBE(value);
  return Number.isNaN(value) ? 'NaN' : buffer.toString('hex');
};
const number = (text, wide) => {
  const buffer = Buffer.from(text, 'hex');
  return text === 'NaN' ? NaN : wide ? buffer.readDoubleBE() : buffer.readFloatBE();
};
const each = (object, change) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(key, value)]));

function plain(type, value) {
  switch (type.typeName) {
    case 'int': case 'abstract:long': case 'long': return String(value);
    case 'float': return bits(value, false);
    case 'double': return bits(value, true);
    case 'bytes': case 'fixed': return Buffer.from(value).toString('hex');
    case 'array': return value.map((item) => plain(type.itemsType, item));
    case 'map': return each(value, (_, item) => plain(type.valuesType, item));
    case 'record': return each(value, (name, item) => plain(type.field(name).type, item));
    case 'union:wrapped': return value && each(value, (name, item) => plain(branch(type, name), item));
    default: return value;                                      // null, boolean, string, enum, decimal
  }
}
function typed(type, value) {
  switch (type.typeName) {
    case 'int': return Number(value);
    case 'abstract:long': case 'long': return BigInt(value);
    case 'float': return number(value, false);
    case 'double': return number(value, true);
    case 'bytes': case 'fixed': return Buffer.from(value, 'hex');
    case 'array': return value.map((item) => typed(type.itemsType, item));
    case 'map': return each(value, (_, item) => typed(type.valuesType, item));
    case 'record': return each(value, (name, item) => typed(type.field(name).type, item));
    case 'union:wrapped': return value && each(value, (name, item) => typed(branch(type, name), item));
    default: return value;
  }
}
const branch = (union, name) => union.types.find((type) => type.branchName === name || type.name === name);

// ---- requests ----

let producer;
async function write({ topic, type: event, framing, schema, subject, level, rows }) {
  const type = typeOf(schema);
  if (!producer) {
    producer = kafka.producer();
    await producer.connect();
  }
  let name, frame;
  if (framing === 'single-object') {
    name = fingerprint(type);
    await producer.send({ topic: 'polka.schemas', messages: [{ key: name, value: schema }] });
    frame = (value) => ({ value: Buffer.concat([Buffer.from([0xc3, 1]), Buffer.from(name, 'hex').reverse(), type.toBuffer(value)]) });
  } else {
    const { id } = await registry.register({ type: SchemaType.AVRO, schema }, { subject, compatibility: level });
    name = String(id);
    const bytes = Buffer.alloc(5);
    bytes.writeInt32BE(id, 1);
    frame = framing === 'header'
      ? (value) => ({ value: type.toBuffer(value), header: { __value_schema_id: bytes } })
      : async (value) => ({ value: await registry.encode(id, value) });
  }
  const messages = [];
  for (const { key, value } of rows) {
    const { value: bytes, header } = await frame(typed(type, value));
    messages.push({ key, value: bytes, headers: { ce_specversion: '1.0', ce_type: event, ce_source: '/foreign/node', ce_id: key, ...header } });
  }
  await producer.send({ topic, messages });
  return { schema: name };
}

async function decoded(topic, { key, value, headers }, types) {
  const row = { topic, key: String(key), type: String(headers.ce_type), dataschema: String(headers.ce_dataschema) };
  if (value[0] === 0) {
    const id = value.readInt32BE(1);
    const { schema } = await registry._getSchema(id);
    return { ...row, framing: 'confluent', schema: String(id), value: plain(schema, await registry.decode(value)) };
  }
  const name = Buffer.from(value.subarray(2, 10)).reverse().toString('hex');
  if (value[0] !== 0xc3 || value[1] !== 1 || !types.has(name)) return null;
  return { ...row, framing: 'single-object', schema: name, value: plain(types.get(name), types.get(name).fromBuffer(value.subarray(10))) };
}

// Until all topics have given what is asked for and every fingerprint has come on polka.schemas.
async function read({ topics, seconds }) {
  const consumer = kafka.consumer({ groupId: 'interop-node-' + process.pid + '-' + Date.now(), maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...Object.keys(topics), 'polka.schemas'], fromBeginning: true });
  const types = new Map(), rows = [], left = { ...topics };
  let waiting = [], failure;
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    const eachMessage = async ({ topic, message }) => {
      try {
        if (topic === 'polka.schemas') {
          const type = typeOf(String(message.value));
          if (fingerprint(type) !== String(message.key)) throw new Error(`polka.schemas: ${message.key} holds ${fingerprint(type)}`);
          types.set(String(message.key), type);
        } else waiting.push([topic, message]);
        const again = [];
        for (const [from, each] of waiting) {
          const row = await decoded(from, each, types);
          row ? (rows.push(row), left[from]--) : again.push([from, each]);
        }
        waiting = again;
      } catch (error) { failure = failure || error; }
      if (failure || Object.values(left).every((count) => count <= 0)) { clearTimeout(timer); resolve(); }
    };
    consumer.run({ eachMessage }).catch((error) => { failure = error; clearTimeout(timer); resolve(); });
  });
  await consumer.disconnect();
  if (failure) throw failure;
  return { rows, undecoded: waiting.length };
}

(async () => {
  const verbs = { write, read };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const answer = await verbs[request.do](request).catch((error) => ({ error: error.stack }));
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
  if (producer) await producer.disconnect();
  process.exit(0);
})();
