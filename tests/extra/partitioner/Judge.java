// Judge keys SEED: 1,000 keys, a JSON object a line for `polka emit`.
// Judge judge BROKERS FILE SEED: Kafka's own producer sends them, and where these of Polka went must be the same partition (README.md).
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;

public class Judge {
    static final int COUNT = 1000, SECONDS = 60;
    static final int[] PARTITIONS = {1, 3, 7, 24, 100};

    static byte[] random(Random chance, int size) {
        byte[] bytes = new byte[size];
        chance.nextBytes(bytes);
        return bytes;
    }

    static byte[] text(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    static List<byte[]> keys(long seed) {
        Random chance = new Random(seed);
        Map<ByteBuffer, byte[]> keys = new LinkedHashMap<>();
        List<byte[]> fixed = new ArrayList<>(List.of(new byte[0], random(chance, 10240), text("k".repeat(10240)), text("ключ"), text("žluťoučký 北京 🐎"), text("a\0b")));
        for (int one : new int[] {0, 1, 0x20, 0x7f, 0x80, 0xff})
            fixed.add(new byte[] {(byte) one});
        fixed.forEach(key -> keys.put(ByteBuffer.wrap(key), key));
        while (keys.size() < COUNT) {
            byte[] key = switch (chance.nextInt(4)) {
                case 0 -> text("order-" + chance.nextInt(1000000));
                case 1 -> text(new UUID(chance.nextLong(), chance.nextLong()).toString());
                case 2 -> text(chance.ints(1 + chance.nextInt(20), 0xa1, 0xd7ff).collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString());
                default -> random(chance, 1 + chance.nextInt(64));
            };
            keys.put(ByteBuffer.wrap(key), key);
        }
        return new ArrayList<>(keys.values());
    }

    /** {key: partition} as Kafka's producer has it, as it comes: no partitioner is set. */
    static Map<ByteBuffer, Integer> sent(Map<String, Object> to, String topic, List<byte[]> keys) throws Exception {
        Map<ByteBuffer, Integer> found = new HashMap<>();
        try (var producer = new KafkaProducer<>(to, new ByteArraySerializer(), new ByteArraySerializer())) {
            Map<byte[], Future<RecordMetadata>> all = new LinkedHashMap<>();
            for (byte[] key : keys)
                all.put(key, producer.send(new ProducerRecord<>(topic, key, new byte[0])));
            for (var one : all.entrySet())
                found.put(ByteBuffer.wrap(one.getKey()), one.getValue().get().partition());
        }
        return found;
    }

    /** So many records of a topic, each with its partition. */
    static List<ConsumerRecord<byte[], byte[]>> read(Map<String, Object> from, String topic, int count) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(from, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> all = consumer.partitionsFor(topic).stream().map(each -> new TopicPartition(topic, each.partition())).toList();
            consumer.assign(all);
            consumer.seekToBeginning(all);
            for (long until = System.nanoTime() + SECONDS * 1_000_000_000L; records.size() < count && System.nanoTime() < until;)
                consumer.poll(Duration.ofMillis(200)).forEach(records::add);
        }
        return records;
    }

    static int failures = 0;

    static void fail(String what) {
        failures++;
        System.err.println(what);
    }

    static String hex(byte[] key) { return key.length > 40 ? key.length + " bytes" : HexFormat.of().formatHex(key); }

    /** Every key, `times` times, and each record where Kafka's producer put that key. */
    static int judge(Map<String, Object> to, String topic, int partitions, Map<ByteBuffer, Integer> expected, int times) {
        Map<ByteBuffer, Integer> seen = new HashMap<>();
        List<ConsumerRecord<byte[], byte[]>> records = read(to, topic, times * COUNT);
        for (var record : records) {
            ByteBuffer key = record.key() == null ? null : ByteBuffer.wrap(record.key());
            Integer partition = expected.get(key);
            if (partition == null || partition != record.partition())
                fail(topic + ": " + (key == null ? "a record without a key" : "key " + hex(record.key())) + " is in partition " + record.partition() + ", by Kafka's producer in " + partition);
            seen.merge(key, 1, Integer::sum);
        }
        if (records.size() != times * COUNT || expected.keySet().stream().anyMatch(key -> seen.getOrDefault(key, 0) != times))
            fail(topic + ": " + records.size() + " records of " + seen.size() + " keys, not " + times + " of each of " + COUNT);
        System.out.printf("%-20s %3d partitions, %d records%n", topic, partitions, records.size());
        return records.size();
    }

    public static void main(String[] words) throws Exception {
        if (words[0].equals("keys")) {
            for (byte[] key : keys(Long.parseLong(words[1])))
                System.out.println("{\"key\": \"" + Base64.getEncoder().encodeToString(key) + "\"}");
            return;
        }
        List<byte[]> keys = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of(words[2])))
            keys.add(Base64.getDecoder().decode(line.split("\"")[3]));
        Map<String, Object> at = Map.of("bootstrap.servers", words[1], "isolation.level", "read_committed", "enable.auto.commit", "false");
        try (Admin admin = Admin.create(at)) {
            admin.createTopics(Arrays.stream(PARTITIONS).mapToObj(n -> new NewTopic("java.of-" + n, n, (short) 1)).toList()).all().get();
        }
        int records = 0;
        for (int n : PARTITIONS) {
            Map<ByteBuffer, Integer> expected = sent(at, "java.of-" + n, keys);
            for (byte[] key : keys)
                if (expected.get(ByteBuffer.wrap(key)) != Utils.toPositive(Utils.murmur2(key)) % n)
                    fail("Kafka's producer does not do as its own formula says: key " + hex(key));
            if (n == 7)
                records += judge(at, "partitioner.keyed", n, expected, 1);           // by polka emit
            records += judge(at, "partitioner.of-" + n, n, expected, 2);            // by a service at-least-once, and exactly-once
        }
        System.out.println(failures == 0 ? "RESULT: " + records + " records of " + COUNT + " keys where Kafka's Java producer puts them (seed " + words[3] + ")"
                                         : "RESULT: " + failures + " records are elsewhere (seed " + words[3] + ")");
        System.exit(failures == 0 ? 0 : 1);
    }
}
