import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.apache.avro.Conversions;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericFixed;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.BinaryMessageEncoder;
import org.apache.avro.message.SchemaStore;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Peer BROKERS REGISTRY: Apache Avro and Kafka's own clients at the end of a pipe; the requests are in peers.py. */
public final class Peer {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final HexFormat HEX = HexFormat.of();
    private static final Conversions.DecimalConversion DECIMAL = new Conversions.DecimalConversion();

    private final String brokers;
    private final String registry;
    private final HttpClient http = HttpClient.newHttpClient();
    private final Map<Integer, Schema> byId = new HashMap<>();
    private KafkaProducer<String, byte[]> producer;

    private Peer(String brokers, String registry) {
        this.brokers = brokers;
        this.registry = registry;
    }

    public static void main(String[] arguments) throws Exception {
        Peer peer = new Peer(arguments[0], arguments[1]);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            ObjectNode answer;
            try {
                JsonNode request = JSON.readTree(line);
                answer = request.get("do").asText().equals("write") ? peer.write(request) : peer.read(request);
            } catch (Exception why) {
                answer = NODES.objectNode().put("error", why + " " + List.of(why.getStackTrace()).subList(0, Math.min(4, why.getStackTrace().length)));
            }
            System.out.write((JSON.writeValueAsString(answer) + "\n").getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        }
        if (peer.producer != null) {
            peer.producer.close();
        }
    }

    // ---- the registry, by plain HTTP ----

    private JsonNode call(String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(registry + path)).timeout(Duration.ofSeconds(30));
        if (body != null) {
            request.header("Content-Type", "application/vnd.schemaregistry.v1+json").POST(HttpRequest.BodyPublishers.ofString(body));
        }
        HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IllegalStateException(path + ": " + answer.statusCode() + " " + answer.body());
        }
        return JSON.readTree(answer.body());
    }

    private int register(String subject, String schema) throws Exception {
        String body = JSON.writeValueAsString(NODES.objectNode().put("schema", schema));
        return call("/subjects/" + URLEncoder.encode(subject, StandardCharsets.UTF_8) + "/versions", body).get("id").asInt();
    }

    private Schema schema(int id) throws Exception {
        if (!byId.containsKey(id)) {
            byId.put(id, new Schema.Parser().parse(call("/schemas/ids/" + id, null).get("schema").asText()));
        }
        return byId.get(id);
    }

    // ---- writing ----

    private ObjectNode write(JsonNode request) throws Exception {
        if (producer == null) {
            producer = new KafkaProducer<>(Map.of("bootstrap.servers", brokers), new StringSerializer(), new ByteArraySerializer());
        }
        String text = request.get("schema").asText(), framing = request.get("framing").asText(), name;
        Schema schema = new Schema.Parser().parse(text);
        ByteBuffer frame = ByteBuffer.allocate(5);
        if (framing.equals("single-object")) {
            name = String.format("%016x", SchemaNormalization.parsingFingerprint64(schema));
            producer.send(new ProducerRecord<>("polka.schemas", name, text.getBytes(StandardCharsets.UTF_8))).get();
        } else {
            int id = register(request.get("subject").asText(), text);
            name = String.valueOf(id);
            frame.putInt(1, id);
        }
        for (JsonNode row : request.get("rows")) {
            Object value = typed(schema, row.get("value"));
            byte[] bytes = framing.equals("single-object") ? bytes(new BinaryMessageEncoder<>(GenericData.get(), schema).encode(value))
                : body(schema, value, framing.equals("confluent") ? frame.array() : new byte[0]);
            ProducerRecord<String, byte[]> record = new ProducerRecord<>(request.get("topic").asText(), row.get("key").asText(), bytes);
            Map<String, String> headers = Map.of("ce_specversion", "1.0", "ce_type", request.get("type").asText(), "ce_source", "/foreign/java",
                                                 "ce_id", row.get("key").asText());
            headers.forEach((key, header) -> record.headers().add(key, header.getBytes(StandardCharsets.UTF_8)));
            if (framing.equals("header")) {
                record.headers().add("__value_schema_id", frame.array());
            }
            producer.send(record).get();
        }
        return NODES.objectNode().put("schema", name);
    }

    private static byte[] body(Schema schema, Object value, byte[] frame) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(frame);
        BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<Object>(schema).write(value, encoder);
        encoder.flush();
        return out.toByteArray();
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] out = new byte[buffer.remaining()];
        buffer.duplicate().get(out);
        return out;
    }

    // ---- reading: until all topics have given what is asked for and every fingerprint has come on polka.schemas ----

    private ObjectNode read(JsonNode request) throws Exception {
        Map<String, Integer> left = new HashMap<>();
        request.get("topics").properties().forEach(entry -> left.put(entry.getKey(), entry.getValue().asInt()));
        SchemaStore.Cache store = new SchemaStore.Cache();
        List<ConsumerRecord<String, byte[]>> waiting = new ArrayList<>();
        ArrayNode rows = NODES.arrayNode();
        long until = System.nanoTime() + request.get("seconds").asLong() * 1_000_000_000L;
        try (KafkaConsumer<String, byte[]> consumer = consumer(left)) {
            while (left.values().stream().anyMatch(count -> count > 0) && System.nanoTime() < until) {
                for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    if (record.topic().equals("polka.schemas")) {
                        store.addSchema(announced(record));
                    } else {
                        waiting.add(record);
                    }
                }
                List<ConsumerRecord<String, byte[]>> again = new ArrayList<>();
                for (ConsumerRecord<String, byte[]> record : waiting) {
                    ObjectNode row = decoded(record, store);
                    if (row == null) {
                        again.add(record);
                    } else {
                        rows.add(row);
                        left.merge(record.topic(), -1, Integer::sum);
                    }
                }
                waiting = again;
            }
        }
        ObjectNode answer = NODES.objectNode().put("undecoded", waiting.size());
        answer.set("rows", rows);
        return answer;
    }

    private KafkaConsumer<String, byte[]> consumer(Map<String, Integer> topics) {
        KafkaConsumer<String, byte[]> consumer = new KafkaConsumer<>(Map.of("bootstrap.servers", brokers, "auto.offset.reset", "earliest",
            "enable.auto.commit", "false", "fetch.max.wait.ms", "100"), new StringDeserializer(), new ByteArrayDeserializer());
        List<String> names = new ArrayList<>(topics.keySet());
        names.add("polka.schemas");
        List<TopicPartition> partitions = new ArrayList<>();
        for (String name : names) {
            for (PartitionInfo partition : consumer.partitionsFor(name)) {
                partitions.add(new TopicPartition(name, partition.partition()));
            }
        }
        consumer.assign(partitions);
        // not seekToBeginning: librdkafka's mock broker cannot tell a Java client the offsets of several partitions at once
        partitions.forEach(partition -> consumer.seek(partition, 0));
        return consumer;
    }

    private static Schema announced(ConsumerRecord<String, byte[]> record) {
        Schema schema = new Schema.Parser().parse(new String(record.value(), StandardCharsets.UTF_8));
        String name = String.format("%016x", SchemaNormalization.parsingFingerprint64(schema));
        if (!name.equals(record.key())) {
            throw new IllegalStateException("polka.schemas: " + record.key() + " holds " + name);
        }
        return schema;
    }

    private ObjectNode decoded(ConsumerRecord<String, byte[]> record, SchemaStore store) throws Exception {
        ObjectNode row = NODES.objectNode().put("topic", record.topic()).put("key", record.key());
        row.put("type", header(record, "ce_type")).put("dataschema", header(record, "ce_dataschema"));
        ByteBuffer value = ByteBuffer.wrap(record.value());
        if (value.get(0) == 0) {
            int id = value.getInt(1);
            Schema schema = schema(id);
            BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(record.value(), 5, record.value().length - 5, null);
            Object datum = new GenericDatumReader<>(schema).read(null, decoder);
            if (!decoder.isEnd()) {
                throw new IllegalStateException(record + ": bytes left over");
            }
            row.put("framing", "confluent").put("schema", String.valueOf(id));
            row.set("value", plain(schema, datum));
            return row;
        }
        long name = Long.reverseBytes(value.getLong(2));
        Schema schema = store.findByFingerprint(name);
        if (schema == null) {
            return null;
        }
        BinaryMessageDecoder<Object> decoder = new BinaryMessageDecoder<>(GenericData.get(), schema);
        row.put("framing", "single-object").put("schema", String.format("%016x", name));
        row.set("value", plain(schema, decoder.decode(record.value())));
        return row;
    }

    private static String header(ConsumerRecord<String, byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? null : new String(header.value(), StandardCharsets.UTF_8);
    }

    // ---- values in the form that all peers share, and back ----

    private static BigDecimal decimal(Schema schema, Object value) {
        return schema.getType() == Schema.Type.FIXED ? DECIMAL.fromFixed((GenericFixed) value, schema, schema.getLogicalType())
            : DECIMAL.fromBytes((ByteBuffer) value, schema, schema.getLogicalType());
    }

    private static Object decimal(Schema schema, BigDecimal number) {
        return schema.getType() == Schema.Type.FIXED ? DECIMAL.toFixed(number, schema, schema.getLogicalType())
            : DECIMAL.toBytes(number, schema, schema.getLogicalType());
    }

    private static JsonNode plain(Schema schema, Object value) {
        if (schema.getLogicalType() instanceof LogicalTypes.Decimal) {
            return NODES.textNode(decimal(schema, value).toPlainString());
        }
        switch (schema.getType()) {
            case NULL: return NODES.nullNode();
            case BOOLEAN: return NODES.booleanNode((Boolean) value);
            case FLOAT: return NODES.textNode(((Float) value).isNaN() ? "NaN" : String.format("%08x", Float.floatToIntBits((Float) value)));
            case DOUBLE: return NODES.textNode(((Double) value).isNaN() ? "NaN" : String.format("%016x", Double.doubleToLongBits((Double) value)));
            case BYTES: return NODES.textNode(HEX.formatHex(bytes((ByteBuffer) value)));
            case FIXED: return NODES.textNode(HEX.formatHex(((GenericFixed) value).bytes()));
            case ARRAY:
                ArrayNode items = NODES.arrayNode();
                ((Iterable<?>) value).forEach(item -> items.add(plain(schema.getElementType(), item)));
                return items;
            case MAP:
                ObjectNode entries = NODES.objectNode();
                ((Map<?, ?>) value).forEach((key, item) -> entries.set(key.toString(), plain(schema.getValueType(), item)));
                return entries;
            case RECORD:
                ObjectNode fields = NODES.objectNode();
                schema.getFields().forEach(field -> fields.set(field.name(), plain(field.schema(), ((GenericRecord) value).get(field.pos()))));
                return fields;
            case UNION:
                Schema branch = schema.getTypes().get(GenericData.get().resolveUnion(schema, value));
                return branch.getType() == Schema.Type.NULL ? NODES.nullNode() : NODES.objectNode().set(branch.getFullName(), plain(branch, value));
            default: return NODES.textNode(value.toString());                   // int, long, string, enum
        }
    }

    private static Object typed(Schema schema, JsonNode value) {
        if (schema.getLogicalType() instanceof LogicalTypes.Decimal) {
            return decimal(schema, new BigDecimal(value.asText()));
        }
        switch (schema.getType()) {
            case NULL: return null;
            case BOOLEAN: return value.asBoolean();
            case INT: return Integer.valueOf(value.asText());
            case LONG: return Long.valueOf(value.asText());
            case FLOAT: return value.asText().equals("NaN") ? Float.NaN : Float.intBitsToFloat(Integer.parseUnsignedInt(value.asText(), 16));
            case DOUBLE: return value.asText().equals("NaN") ? Double.NaN : Double.longBitsToDouble(Long.parseUnsignedLong(value.asText(), 16));
            case BYTES: return ByteBuffer.wrap(HEX.parseHex(value.asText()));
            case FIXED: return new GenericData.Fixed(schema, HEX.parseHex(value.asText()));
            case ENUM: return new GenericData.EnumSymbol(schema, value.asText());
            case ARRAY:
                List<Object> items = new ArrayList<>();
                value.forEach(item -> items.add(typed(schema.getElementType(), item)));
                return items;
            case MAP:
                Map<String, Object> entries = new HashMap<>();
                value.properties().forEach(entry -> entries.put(entry.getKey(), typed(schema.getValueType(), entry.getValue())));
                return entries;
            case RECORD:
                GenericRecord record = new GenericData.Record(schema);
                schema.getFields().forEach(field -> record.put(field.pos(), typed(field.schema(), value.get(field.name()))));
                return record;
            case UNION:
                if (value.isNull()) {
                    return null;
                }
                Map.Entry<String, JsonNode> tagged = value.properties().iterator().next();
                return typed(schema.getTypes().get(schema.getIndexNamed(tagged.getKey())), tagged.getValue());
            default: return value.asText();
        }
    }
}
