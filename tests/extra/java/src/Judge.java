import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.JsonDecoder;
import org.apache.avro.io.JsonEncoder;

/** Answers one JSON object a line: what Java Avro says to a schema, to a pair of schemas, to bytes and to values. */
public final class Judge {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        BufferedWriter out = new BufferedWriter(new OutputStreamWriter(System.out, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null;) {
            out.write(MAPPER.writeValueAsString(answer(MAPPER.readTree(line))));
            out.write('\n');
        }
        out.flush();
    }

    private static ObjectNode answer(JsonNode question) {
        ObjectNode answer = MAPPER.createObjectNode();
        try {
            switch (question.get("op").asText()) {
                case "schema" -> schema(question, answer);
                case "compat" -> compat(question, answer);
                case "decode" -> decode(question, answer);
                case "encode" -> encode(question, answer);
                default -> throw new IllegalArgumentException("no such op");
            }
            answer.put("ok", true);
        } catch (Throwable refusal) {
            refuse(answer, refusal);
        }
        return answer;
    }

    private static void refuse(ObjectNode answer, Throwable refusal) {
        String message = String.valueOf(refusal.getMessage());
        answer.put("ok", false);
        answer.put("error", refusal.getClass().getSimpleName() + ": " + message.substring(0, Math.min(300, message.length())));
    }

    private static Schema parse(JsonNode question, String name) {
        return new Schema.Parser().parse(question.get(name).asText());
    }

    private static void schema(JsonNode question, ObjectNode answer) throws Exception {
        Schema schema = parse(question, "text");
        answer.put("canonical", SchemaNormalization.toParsingForm(schema));
        answer.put("crc64", String.format("%016x", SchemaNormalization.parsingFingerprint64(schema)));
        for (String algorithm : new String[] {"SHA-256", "MD5"})
            answer.put(algorithm, HexFormat.of().formatHex(SchemaNormalization.parsingFingerprint(algorithm, schema)));
    }

    private static void compat(JsonNode question, ObjectNode answer) {
        Schema reader = parse(question, "reader"), writer = parse(question, "writer");
        answer.put("compatible", SchemaCompatibility.checkReaderWriterCompatibility(reader, writer).getType()
            == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE);
    }

    private static void decode(JsonNode question, ObjectNode answer) {
        Schema writer = parse(question, "writer"), reader = question.has("reader") ? parse(question, "reader") : writer;
        ArrayNode values = answer.putArray("values");
        for (JsonNode hex : question.get("hex")) {
            ObjectNode value = values.addObject();
            try {
                byte[] body = HexFormat.of().parseHex(hex.asText());
                BinaryDecoder decoder = DecoderFactory.get().binaryDecoder(body, null);
                Object datum = new GenericDatumReader<Object>(writer, reader).read(null, decoder);
                value.put("ok", true);
                value.put("end", decoder.isEnd());
                value.put("hex", binary(reader, datum));
                value.put("json", json(reader, datum));
            } catch (Throwable refusal) {
                refuse(value, refusal);
            }
        }
    }

    private static void encode(JsonNode question, ObjectNode answer) {
        Schema schema = parse(question, "writer");
        ArrayNode values = answer.putArray("values");
        for (JsonNode json : question.get("json")) {
            ObjectNode value = values.addObject();
            try {
                JsonDecoder decoder = DecoderFactory.get().jsonDecoder(schema, json.asText());
                Object datum = new GenericDatumReader<Object>(schema).read(null, decoder);
                value.put("ok", true);
                value.put("hex", binary(schema, datum));
            } catch (Throwable refusal) {
                refuse(value, refusal);
            }
        }
    }

    private static String binary(Schema schema, Object datum) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        var encoder = EncoderFactory.get().binaryEncoder(out, null);
        new GenericDatumWriter<Object>(schema).write(datum, encoder);
        encoder.flush();
        return HexFormat.of().formatHex(out.toByteArray());
    }

    private static String json(Schema schema, Object datum) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        JsonEncoder encoder = EncoderFactory.get().jsonEncoder(schema, out);
        new GenericDatumWriter<Object>(schema).write(datum, encoder);
        encoder.flush();
        return out.toString(StandardCharsets.UTF_8);
    }
}
