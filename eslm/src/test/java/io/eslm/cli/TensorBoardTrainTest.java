// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.eslm.report.Events;
import io.eslm.report.RunLog;
import io.eslm.report.TensorBoard;
import io.eslm.tensor.io.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code train --tensorboard} leaves. */
class TensorBoardTrainTest {
    private static final String LAST = "checkpoints/step-000006/model.safetensors";
    @TempDir
    private static Path temp;
    private static Path data;
    private static Path run;

    @BeforeAll
    static void train() throws IOException {
        data = Program.tokens(temp.resolve("data"));
        run = temp.resolve("run");
        Program.Outcome o = train(run, "--tensorboard");
        assertTrue(o.err().contains("events:  tensorboard --logdir " + run), o.err());
    }

    private static Program.Outcome train(Path dir, String... more) {
        return Program.train(data, dir, Stream.concat(Stream.of("--max-iters", "6", "--eval-interval", "3",
                "--checkpoint-interval", "4", "--grad-accum", "2"), Stream.of(more)).toArray(String[]::new)).ok();
    }

    /** The histograms of a step, whose tags begin with {@code kind}, by the rest of the tag. */
    private static Map<String, Events.Buckets> histograms(String kind, long step) throws IOException {
        return Events.in(run).stream().filter(e -> e.step() == step)
                .flatMap(e -> e.histograms().entrySet().stream()).filter(e -> e.getKey().startsWith(kind))
                .collect(Collectors.toMap(e -> e.getKey().substring(kind.length()), Map.Entry::getValue));
    }

    @Test
    void viewCopiesARunThatIsThere() throws IOException {
        Path boards = temp.resolve("boards");
        Program.Outcome o = Program.run("view", run.toString(), "--tensorboard", "--out", boards.toString()).ok();
        assertTrue(o.err().contains("events:  " + boards.resolve("run").resolve("events.out.tfevents.")), o.err());
        assertTrue(Events.in(boards.resolve("run")).stream().anyMatch(e -> e.step() == 6));
        o = Program.run("view", run.toString(), "--tensorboard");
        assertTrue(o.err().contains("has event files of its own already"), o.err());
        o = Program.run("view", run.toString(), "--tensorboard", "--port", "1");
        assertTrue(o.err().contains("--tensorboard: writes files and serves nothing"), o.err());
    }

    @Test
    void lookingChangesNoBit() throws IOException {
        Path plain = temp.resolve("plain");
        train(plain);
        assertArrayEquals(Files.readAllBytes(plain.resolve(LAST)), Files.readAllBytes(run.resolve(LAST)));
        try (Stream<Path> files = Files.list(plain)) {
            assertTrue(files.noneMatch(file -> file.toString().contains("tfevents")));
        }
    }

    @Test
    void histogramsAreOfTheParametersInTheCheckpoint() throws IOException {
        Map<String, Events.Buckets> all = histograms("parameters/", 6);
        try (Safetensors file = Safetensors.open(run.resolve(LAST))) {
            assertEquals(new TreeSet<>(file.entries().stream().map(Safetensors.Entry::name).toList()),
                    new TreeSet<>(all.keySet()));
            all.forEach((name, h) -> {
                double[] values = file.doubles(name);
                assertEquals(List.of((double) values.length, Arrays.stream(values).min().orElseThrow(),
                        Arrays.stream(values).max().orElseThrow()), List.of(h.num(), h.min(), h.max()), name);
            });
        }
        assertEquals(all.keySet(), histograms("parameters/", 0).keySet(), "of the new model too");
    }

    /** A copy has the weights of the checkpoints, in the same histograms, and the same scalars. */
    @Test
    void aCopyHasWhatTheFolderHas() throws IOException {
        Path out = temp.resolve("copy");
        TensorBoard.write(run, out);
        Map<String, Events.Buckets> trained = histograms("parameters/", 6);
        Map<String, Events.Buckets> copied = Events.in(out).stream().filter(e -> e.step() == 6)
                .flatMap(e -> e.histograms().entrySet().stream())
                .collect(Collectors.toMap(e -> e.getKey().substring("parameters/".length()), Map.Entry::getValue));
        assertEquals(trained.keySet(), copied.keySet());
        trained.forEach((name, h) -> {
            assertArrayEquals(h.limits(), copied.get(name).limits(), name);
            assertArrayEquals(h.counts(), copied.get(name).counts(), name);
        });
        assertEquals(scalars(Events.in(run)), scalars(Events.in(out)));
    }

    private static List<Map<String, Float>> scalars(List<Events.Event> events) {
        return events.stream().map(Events.Event::scalars).filter(s -> !s.isEmpty())
                .<Map<String, Float>>map(s -> {
                    Map<String, Float> values = new TreeMap<>(s);
                    values.keySet().removeIf(name -> name.startsWith("speed/")); // the log rounds times
                    return values;
                }).toList();
    }

    /** The gradients are those whose norm the log has. */
    @Test
    void histogramsAreOfTheGradientsOfTheStep() throws IOException {
        for (JsonObject line : RunLog.read(run)) {
            long step = line.get("step").getAsLong();
            Map<String, Events.Buckets> all = histograms("gradients/", step);
            assertEquals(step > 0 && step % 3 == 0, !all.isEmpty(), "step " + step);
            if (line.has("grad_norm") && !all.isEmpty()) {
                double norm = Math.sqrt(all.values().stream().mapToDouble(Events.Buckets::squares).sum());
                // The log's norm is added up in floats.
                assertEquals(line.get("grad_norm").getAsDouble(), norm, 1e-5 * norm);
            }
        }
    }

    @Test
    void aResumedRunHasEachStepOnce() throws IOException {
        Path resumed = temp.resolve("resumed");
        TrainCommandTest.copy(run, resumed);
        TrainCommandTest.delete(resumed.resolve("checkpoints/step-000006"));
        Program.run("train", "--init-from", "resume", "--out-dir", resumed.toString(), "--threads", "1",
                "--tensorboard").ok();
        List<Events.Event> shown = Events.shown(Events.in(resumed));
        assertEquals(List.of(1L, 2L, 3L, 4L, 5L, 6L), shown.stream().filter(e -> e.scalars().containsKey("train/loss"))
                .map(Events.Event::step).toList());
        assertEquals(List.of(0L, 3L, 6L), shown.stream().filter(e -> e.scalars().containsKey("val/loss"))
                .map(Events.Event::step).toList());
        assertEquals(List.of(3L, 6L), shown.stream()
                .filter(e -> e.histograms().containsKey("gradients/transformer.wte.weight")).map(Events.Event::step)
                .toList());
        assertEquals(2, Events.in(resumed).stream().filter(Events.Event::start).count());
    }

    /** How to show a run is of each start, so the command that continues it has the option again. */
    @Test
    void theCommandToResumeKeepsTheOption() {
        Program.Outcome o = Program.train(data, temp.resolve("broken"), "--max-iters", "50", "--eval-interval", "0",
                "--learning-rate", "1e30", "--min-lr", "1e30", "--warmup-iters", "0", "--grad-clip", "0",
                "--tensorboard");
        assertEquals(1, o.code());
        assertTrue(o.err().contains(" --init-from resume --out-dir " + temp.resolve("broken")
                + " --tensorboard true --threads 1 "), o.err());
    }
}
