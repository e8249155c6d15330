// SPDX-License-Identifier: Apache-2.0
package io.eslm.bench.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.Gpt2;
import io.eslm.gpt2.Gpt2Config;
import io.eslm.gpt2.Weights;
import io.eslm.gpt2.data.TokenData;
import io.eslm.gpt2.train.Objective;
import io.eslm.gpt2.train.TrainOptions;
import io.eslm.gpt2.train.Trainer;
import io.eslm.tensor.Rng;
import io.eslm.tensor.backend.Backend;
import io.eslm.tensor.backend.Backends;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The reading list of a training step in docs/architecture.md names every file that a step runs, with its lines. */
class ReadingListTest {
    private static final Path DOCS = Path.of("").toAbsolutePath().getParent().resolve("docs");

    private static String section;

    /** What the other JVM runs: one step of plain training on the scalar backend. Its argument is a folder with train.bin. */
    static final class Step {
        private Step() {
        }

        public static void main(String[] args) {
            try (Backend backend = Backends.open("scalar", 1)) {
                Gpt2Config config = Gpt2Config.of(1, 2, 8, 8).with(Gpt2Config.VOCAB_SIZE, 256);
                try (Trainer trainer =
                        new Trainer(new Gpt2(config, backend, Weights.random(config, backend, Rng.of(1))),
                                new Objective.Mean(), TokenData.open(Path.of(args[0])), TrainOptions.defaults(), _ -> {
                                })) {
                    trainer.oneStep();
                }
            }
        }
    }

    @BeforeAll
    static void read() throws IOException {
        String text = Files.readString(DOCS.resolve("architecture.md"));
        int begin = text.indexOf("## Read a training step");
        section = text.substring(begin, text.indexOf("\n## ", begin));
    }

    private static List<MatchResult> listed() {
        return Pattern.compile("(?m)^- \\[(\\w+)]\\((\\S+)\\) (\\d+)").matcher(section).results().toList();
    }

    @Test
    void namesAndLinesAreTrue() throws IOException {
        int lines = 0;
        for (MatchResult file : listed()) {
            Path path = DOCS.resolve(file.group(2));
            assertTrue(Files.exists(path), path + " does not exist");
            assertEquals(file.group(1) + ".java", path.getFileName().toString());
            try (var all = Files.lines(path)) {
                assertEquals(all.count(), Integer.parseInt(file.group(3)), "lines of " + file.group(1));
            }
            lines += Integer.parseInt(file.group(3));
        }
        String total = String.format(Locale.ROOT, "%d files, %,d lines", listed().size(), lines);
        assertTrue(section.contains(total), "the list has " + total);
    }

    @Test
    void aStepRunsNothingElse(@TempDir Path dir) throws IOException, InterruptedException {
        Files.write(dir.resolve("train.bin"), new byte[2 * 2000]);
        Path log = dir.resolve("classes");
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector", "-Xlog:class+load:file=" + log + "::filecount=0", "-cp",
                System.getProperty("java.class.path"), Step.class.getName(), dir.toString())
                .redirectErrorStream(true).redirectOutput(dir.resolve("out").toFile()).start();
        assertEquals(0, process.waitFor(), () -> said(dir));
        Set<String> loaded = new TreeSet<>();
        Pattern.compile("io\\.eslm\\.(?!bench)[\\w.]*?(\\w+)(?=[$ ])").matcher(Files.readString(log)).results()
                .forEach(m -> loaded.add(m.group(1)));
        Set<String> known = listed().stream().map(m -> m.group(1)).collect(Collectors.toCollection(TreeSet::new));
        List<String> unread = new ArrayList<>(known);
        unread.removeAll(loaded);
        assertEquals(List.of(), unread, "listed, but no step runs it");
        Pattern.compile("`(\\w+)`").matcher(section.substring(section.indexOf("Skip on a first read"))).results()
                .forEach(m -> known.add(m.group(1)));
        loaded.removeAll(known);
        assertEquals(Set.of(), loaded, "a step runs it, but docs/architecture.md names it nowhere");
    }

    private static String said(Path dir) {
        try {
            return Files.readString(dir.resolve("out"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
