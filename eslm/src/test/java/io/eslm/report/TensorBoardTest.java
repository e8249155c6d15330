// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import java.util.OptionalDouble;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.gpt2.train.Evaluation;
import io.eslm.gpt2.train.Flops;
import io.eslm.gpt2.train.TrainEvent;
import io.eslm.report.Events.Event;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardTest {
    private static final String EVIL = "<script>alert('&')</script> | **b** `c` \u202e\u001b[2J";
    @TempDir
    private Path temp;
    private Path run;

    private static JsonObject config() {
        return Json.parse("""
                {"program": "eslm", "started": "2026-01-31T12:00:00Z", "data": "a|b_c", "arguments": ["--x", "1"],
                 "options": {"max_iters": 3}}""");
    }

    private static TrainEvent.Step step(long n) {
        return new TrainEvent.Step(n, n * 64, n * 80, 2.5 + n, 2.75, 0.9, 0.1, Double.NaN, 1e-3, 0.5, 0.25, 256,
                0.125, new Flops(1_000_000_007, 2, 3, 4));
    }

    private static TrainEvent.Evaluated evaluated(long n) {
        return new TrainEvent.Evaluated(n, new Evaluation.Result(4, Map.of("prose", 3.0 + n, EVIL, 5.0),
                new float[] {3, 5}, new double[] {0.5, 0.5}, OptionalDouble.empty()));
    }

    private static TrainEvent.Tasks tasks() {
        return new TrainEvent.Tasks(3, Map.of("piqa", Map.of("acc", 0.5, "acc_stderr", 0.25)));
    }

    private static List<TrainEvent> events() {
        return List.of(evaluated(0), step(1), step(2), new TrainEvent.Sampled(2, "Once", " upon\n\n" + EVIL), step(3),
                evaluated(3), tasks());
    }

    @BeforeEach
    void log() {
        run = temp.resolve("run");
        try (RunLog log = RunLog.open(run, config(), 0)) {
            events().forEach(log::log);
        }
    }

    /** Every number of the log, and nothing else. */
    private static void checkScalars(List<Event> events, Path run) {
        List<JsonObject> lines = RunLog.read(run);
        List<Event> scalars = events.stream().filter(e -> !e.scalars().isEmpty()).toList();
        assertEquals(lines.size(), scalars.size());
        for (int i = 0; i < lines.size(); i++) {
            JsonObject line = lines.get(i);
            Map<String, Float> values = scalars.get(i).scalars();
            assertEquals(line.get("step").getAsLong(), scalars.get(i).step());
            if (line.has("loss")) {
                assertEquals(line.get("loss").getAsFloat(), values.get("train/loss"));
                assertEquals(line.get("ms").getAsFloat(), values.get("speed/ms"));
                assertEquals(1_000_000_007f, values.get("flops/forward"));
                assertFalse(values.containsKey("train/var"), "there is no NaN");
                assertEquals(15, values.size(), values.toString());
            } else if (line.has("tasks")) {
                assertEquals(Map.of("tasks/piqa/acc", 0.5f, "tasks/piqa/acc_stderr", 0.25f), values);
            } else {
                assertEquals(line.get("val_loss").getAsFloat(), values.get("val/loss"));
                assertEquals(5f, values.get("val/loss/" + EVIL));
                assertEquals(5, values.size(), values.toString());
            }
        }
    }

    @Test
    void aFinishedRunIsCopied() throws IOException {
        Path out = temp.resolve("out");
        Path file = TensorBoard.write(run, out);
        assertEquals(List.of(file), EventFile.in(out));
        List<Event> events = Events.read(file);
        assertEquals("brain.Event:2", events.getFirst().version());
        assertTrue(events.get(1).start() && events.get(1).step() == 0);
        checkScalars(events, run);
        double start = 1769860800;
        assertEquals(List.of(start, start + 0.25, start + 0.5, start + 0.75, start + 0.75,
                start + 0.75),
                events.stream()
                        .filter(e -> !e.scalars().isEmpty()).map(Event::time).toList());
        byte[] first = Files.readAllBytes(file);
        assertEquals(file, TensorBoard.write(run, out));
        assertArrayEquals(first, Files.readAllBytes(file), "a second copy replaces the first");
    }

    @Test
    void textsAreShownAsTheyAre() throws IOException {
        Event sample = Events.read(TensorBoard.write(run, run)).stream().filter(e -> e.texts().containsKey("samples"))
                .findFirst().orElseThrow();
        assertEquals(2, sample.step());
        assertEquals("    Once upon\n    \n    " + EVIL.replace("\u202e", "\\u{202E}").replace('\u001b', '\u241b'),
                sample.texts().get("samples"), "an indented block, whose characters TensorBoard escapes");
        String settings = Events.in(run).get(2).texts().get("settings");
        assertEquals("""
                | setting | value |
                |---|---|
                | program | eslm |
                | started | 2026&#45;01&#45;31T12:00:00Z |
                | data | a&#124;b&#95;c |
                | arguments | &#45;&#45;x 1 |
                | options.max&#95;iters | 3 |
                """, settings);
    }

    @Test
    void aRunThatTrainsWritesTheSame() throws IOException {
        try (TensorBoard board = TensorBoard.open(run, config(), 0)) {
            events().forEach(board::log);
            board.histogram("none", 3, new Histogram());
        }
        List<Event> events = Events.in(run);
        checkScalars(events, run);
        assertEquals(2, events.stream().filter(e -> !e.texts().isEmpty()).count());
        assertTrue(events.stream().allMatch(e -> e.histograms().isEmpty()), "there is no empty histogram");
    }

    /** A kill leaves half a record; the next start writes a file that follows, and takes its steps again. */
    @Test
    void aStartAfterAKillTakesItsStepsAgain() throws IOException {
        try (TensorBoard board = TensorBoard.open(run, config(), 0)) {
            events().forEach(board::log);
        }
        Path torn = EventFile.in(run).getFirst();
        byte[] whole = Files.readAllBytes(torn);
        Files.write(torn, Arrays.copyOf(whole, whole.length - 7));
        try (TensorBoard board = TensorBoard.open(run, config(), 2)) {
            board.log(step(3));
            board.log(evaluated(3));
            board.log(tasks());
        }
        assertEquals(2, EventFile.in(run).size(), "the second start has another name, though within the same second");
        checkScalars(Events.shown(Events.in(run)), run);
        assertEquals(List.of(0L, 3L), Events.in(run).stream().filter(e -> e.texts().containsKey("settings"))
                .map(Event::step).toList());
    }

    /** A run that was started without event files has all of its steps in them later. */
    @Test
    void stepsBeforeTheFirstFileAreCopied() throws IOException {
        try (TensorBoard board = TensorBoard.open(run, config(), 2)) {
            board.log(step(3));
            board.log(evaluated(3));
            board.log(tasks());
        }
        checkScalars(Events.shown(Events.in(run)), run);
        assertEquals(List.of(2L), Events.in(run).stream().filter(e -> e.texts().containsKey("samples"))
                .map(Event::step).toList());
    }

    @Test
    void namesFollowThoseThatAreThere() throws IOException {
        Files.createFile(run.resolve("events.out.tfevents.99999999999.elsewhere"));
        EventFile.after(run, 5).close();
        assertTrue(Files.exists(run.resolve("events.out.tfevents.100000000000.eslm")));
    }

    @Test
    void errorsSayWhatIsWrong() throws IOException {
        Path other = temp.resolve("other");
        Files.createDirectories(other);
        assertTrue(assertThrows(UserError.class, () -> TensorBoard.write(other, other)).getMessage()
                .contains("config.json"));
        Files.createFile(other.resolve("events.out.tfevents.5.host"));
        assertTrue(assertThrows(UserError.class, () -> TensorBoard.write(run, other)).getMessage()
                .startsWith(other + ": has event files of its own already (events.out.tfevents.5.host)"));
        JsonObject config = config();
        config.addProperty("started", "today");
        Files.writeString(run.resolve(RunLog.CONFIG), Json.pretty(config));
        assertEquals(run.resolve(RunLog.CONFIG) + ": \"started\" is \"today\", expected a time such as "
                + "2026-01-31T12:00:00Z",
                assertThrows(UserError.class, () -> TensorBoard.write(run, temp.resolve("out"))).getMessage());
    }

    /**
     * The bytes of a file that TensorBoard 2.21.0 has read. Its EventAccumulator found: scalars train/loss (step 1: 2.5, step 2:
     * 2.25; not step 3, which the second start drops), val/loss (step 2: 3.0) and val/loss/prose (step 2: 3.5); histogram
     * parameters/h (step 2: min −2, max 3, num 5, sum 2.5, sum of squares 14.25, limits −2, −3·2^−12, 3·2^−12, 0.5, 0.625, 1, 1.25,
     * 3, 3.5, counts 1 0 1 0 1 0 1 0 1); and samples (step 2: one string, "    Once", of the text plugin).
     */
    @Test
    void theBytesAreThoseThatTensorBoardRead() throws IOException {
        assertArrayEquals(TensorBoardTest.class.getResourceAsStream("events.out.tfevents.1.golden").readAllBytes(),
                golden());
    }

    static byte[] golden() throws IOException {
        Histogram histogram = new Histogram();
        histogram.add(new float[] {-2, 0, 0.5f, 3, 1}, 5);
        Path file = Path.of("f");
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (byte[] event : List.of(BoardEvent.version(1.5), BoardEvent.start(1.5, 0),
                BoardEvent.scalars(2, Json.of(file, Json.parse("{\"step\":1,\"loss\":2.5,\"alpha\":null}"))),
                BoardEvent.scalars(3, Json.of(file, Json.parse("{\"step\":3,\"loss\":9}"))),
                BoardEvent.start(3.5, 2),
                BoardEvent.scalars(4, Json.of(file, Json.parse("{\"step\":2,\"loss\":2.25}"))),
                BoardEvent.scalars(5, Json.of(file,
                        Json.parse(
                                "{\"step\":2,\"val_loss\":3.0,\"domains\":{\"prose\":3.5},\"worst_domain\":\"p\"}"))),
                BoardEvent.histogram(6, 2, "parameters/h", histogram),
                BoardEvent.text(7, 2, "samples", BoardEvent.verbatim("Once")))) {
            bytes.writeBytes(EventFile.record(event));
        }
        return bytes.toByteArray();
    }
}
