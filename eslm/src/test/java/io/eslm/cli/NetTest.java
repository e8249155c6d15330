// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Training, evaluation and scoring give the figures in {@code net.txt} to the last bit, and a run folder of an earlier
 * version still continues. All through the command line, on the scalar backend: its figures do not depend on the width
 * of the machine's vectors, nor on whether the JVM replaces {@link Math#exp} and its like by code of its own.
 *
 * <p>When a change is meant to move the figures, the failure shows the lines to put into {@code net.txt}.
 */
class NetTest {
    @TempDir
    private static Path temp;
    private static String data;
    private static String model;

    @BeforeAll
    static void makeDataAndModel() throws IOException {
        Files.write(temp.resolve("train.bin"), tokens(4000, 1));
        Files.write(temp.resolve("val.bin"), tokens(500, 2));
        data = temp.toString();
        model = train("model", "--method", "clm", "--max-iters", "2", "--seed", "7").toString();
    }

    /** Token ids as uint16, each of them a function of the one before, most of the time. */
    private static byte[] tokens(int n, long seed) {
        Random random = new Random(seed);
        byte[] bytes = new byte[2 * n];
        for (int i = 2; i < bytes.length; i += 2) {
            bytes[i] = (byte) (random.nextInt(4) == 0 ? random.nextInt(64) : (bytes[i - 2] * 5 + 1) % 64);
        }
        return bytes;
    }

    private static String run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        assertEquals(0, Main.run(new PrintWriter(out), new PrintWriter(err), false, arguments), err::toString);
        return out.toString();
    }

    private static Path train(String name, String... more) {
        Path dir = temp.resolve(name);
        String[] common = {"train", "--out-dir", dir.toString(), "--data", data, "--backend", "scalar", "--threads",
            "1",
            "--n-layer", "2", "--n-head", "2", "--n-embd", "16", "--block-size", "16", "--vocab-size", "64",
            "--dropout", "0.1", "--batch-size", "4", "--grad-accum", "2", "--eval-iters", "2"};
        run(Stream.of(common, more).flatMap(Stream::of).toArray(String[]::new));
        return dir;
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "clm", "random:alpha=0.3", "cvar-loss:alpha=0.2,alpha-end=0.4", "var-entropy:alpha=0.3",
        "ada-cvar-loss:alpha=0.2,interval=2", "ada-var-entropy:alpha=0.2,interval=2", "rho-1:reference=MODEL",
        "risk-sampling:keep-ratio=0.5", "shortlist-sampling:keep-ratio=0.5",
        "sampled-softmax:negatives=20,full-share=0.3", "instance:instance-alpha=0.5",
        "hierarchical:alpha=0.2,instance-alpha=0.5", "kd:alpha=0.2,teacher=MODEL"})
    void aMethodTrainsAsBefore(String method) throws IOException {
        String name = method.replaceFirst(":.*", "");
        assertFigures(name, ofRun(train(name, "--method", method.replace("MODEL", model), "--max-iters", "5")));
    }

    /**
     * {@code old-run} is a run of version 0.1.0 on the data of this test, and is never written again: {@code eslm train
     * --backend scalar --n-layer 1 --n-head 2 --n-embd 8 --block-size 8 --vocab-size 64 --batch-size 4 --grad-accum 2
     * --eval-iters 2 --dropout 0.1 --method ada-cvar-loss:interval=2 --max-iters 5}.
     */
    @Test
    void aRunOfAnEarlierVersionContinues() throws IOException, URISyntaxException {
        Path old = temp.resolve("old-run");
        copy(Path.of(NetTest.class.getResource("old-run").toURI()), old);
        JsonObject config = JsonParser.parseString(Files.readString(old.resolve("config.json"))).getAsJsonObject();
        config.addProperty("data", data);
        Files.writeString(old.resolve("config.json"), config.toString());
        Path ids = Files.writeString(temp.resolve("ids.txt"),
                IntStream.range(0, 13).mapToObj(i -> String.valueOf(i * 17 % 64)).collect(Collectors.joining(" ")));
        List<JsonObject> scores = objects(run("score", "--model", old.toString(), "--tokens", ids.toString(),
                "--backend", "scalar", "--threads", "1"));
        List<String> figures = new ArrayList<>();
        figures.add(line(scores, "loss"));
        figures.add(line(scores, "entropy"));
        figures.add(line(objects(run("eval", "--model", old.toString(), "--data", data, "--json", "--eval-iters", "2",
                "--backend", "scalar", "--threads", "1")), "cvar90"));
        run("train", "--init-from", "resume", "--out-dir", old.toString(), "--max-iters", "8",
                "--backend", "scalar", "--threads", "1");
        figures.addAll(ofRun(old));
        assertFigures("old-run", figures);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file).toString()));
            }
        }
    }

    private static List<String> ofRun(Path run) throws IOException {
        List<JsonObject> metrics = objects(Files.readString(run.resolve("metrics.jsonl")));
        List<JsonObject> flops =
                metrics.stream().filter(o -> o.has("flops")).map(o -> o.getAsJsonObject("flops")).toList();
        return Stream.concat(
                Stream.of("loss", "kept_loss", "alpha", "grad_norm", "val_loss").map(key -> line(metrics, key)),
                Stream.of("forward", "backward", "selection", "early_exit").map(key -> line(flops, key))).toList();
    }

    private static List<JsonObject> objects(String lines) {
        return lines.lines().map(line -> JsonParser.parseString(line).getAsJsonObject()).toList();
    }

    /** The figures of one kind, exactly: {@code key 0x1.8p1 0x1.0p0 …}. */
    private static String line(List<JsonObject> objects, String key) {
        return objects.stream().filter(o -> o.has(key)).map(o -> Double.toHexString(o.get(key).getAsDouble()))
                .collect(Collectors.joining(" ", key + " ", ""));
    }

    private static void assertFigures(String name, List<String> figures) throws IOException {
        String actual = figures.stream().map(line -> name + " " + line).collect(Collectors.joining("\n"));
        try (InputStream file = NetTest.class.getResourceAsStream("net.txt")) {
            String expected = new String(file.readAllBytes(), StandardCharsets.UTF_8).lines()
                    .filter(line -> line.startsWith(name + " ")).collect(Collectors.joining("\n"));
            assertEquals(expected, actual);
        }
    }
}
