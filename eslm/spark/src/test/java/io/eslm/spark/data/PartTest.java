// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.gpt2.data.source.Formats.Format;
import io.eslm.tensor.Rng;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Parts of a corpus have all of its bytes once, and lines are whole wherever a file is cut. */
class PartTest {
    private static final Cuts TEXT = new Cuts(false, new long[] {5, 11, 12, 30}, new long[] {8, 14, 14, 33});

    @TempDir
    private Path dir;

    private static Slice file(int number, long size, Cuts cuts) {
        return Slice.whole(number, 0, Path.of("/f" + number).toUri(), "f", "f", Format.JSONL, "all", cuts, size, 0);
    }

    @Test
    void partsHaveAllBytesOnceAndInOrder() {
        Rng rng = Rng.of(1);
        for (int round = 0; round < 300; round++) {
            List<Slice> files = new ArrayList<>();
            for (int i = 0; i <= rng.nextInt(6); i++) {
                files.add(file(i, rng.nextInt(50), List.of(Cuts.NONE, Cuts.LINES, TEXT).get(rng.nextInt(3))));
            }
            long size = 1L + rng.nextInt(40);
            List<Part> parts = Part.cut(files, size);
            List<Slice> joined = new ArrayList<>();
            for (int p = 0; p < parts.size(); p++) {
                assertEquals(p, parts.get(p).number());
                long bytes = parts.get(p).slices().stream().mapToLong(s -> s.end() - s.begin()).sum();
                assertTrue(bytes <= 2 * size || parts.get(p).slices().size() == 1, "a part has " + bytes);
                for (Slice slice : parts.get(p).slices()) {
                    Slice last = joined.isEmpty() ? null : joined.getLast();
                    if (last != null && last.file() == slice.file()) {
                        assertEquals(last.end(), slice.begin());
                        Slice whole = files.get(slice.file());
                        assertEquals(whole.cuts().from(slice.begin(), whole.size()), slice.begin());
                        assertEquals(whole.cuts().read(slice.begin()), slice.read());
                        joined.set(joined.size() - 1, last.of(last.begin(), slice.end()));
                    } else {
                        assertEquals(0, slice.begin());
                        joined.add(slice);
                    }
                }
            }
            assertEquals(files.stream().map(file -> file.of(0, file.size())).toList(), joined);
        }
    }

    /** By their texts a stopped job knows the parts again, in another JVM too. */
    @Test
    void equalPartsHaveEqualTexts() {
        Cuts same = new Cuts(false, TEXT.begins().clone(), TEXT.reads().clone());
        assertEquals(Part.cut(List.of(file(0, 40, TEXT)), 12).toString(),
                Part.cut(List.of(file(0, 40, same)), 12).toString());
    }

    @Test
    void documentsOfAFileGoOnInTheNextPart() {
        List<Part> parts = Part.cut(List.of(file(0, 40, Cuts.LINES), file(1, 5, Cuts.LINES)), 20);
        List<long[]> documents =
                parts.stream().map(part -> part.slices().stream().mapToLong(_ -> 3).toArray()).toList();
        List<long[]> before = Part.before(parts, documents);
        assertEquals(0, before.getFirst()[0]);
        assertEquals(3, before.get(1)[0], "the second slice of file 0");
        long[] last = before.getLast();
        assertEquals(0, last[last.length - 1], "another file begins again");
    }

    @Test
    void linesAreWholeWhereverTheFileIsCut() throws IOException {
        Rng rng = Rng.of(2);
        for (int round = 0; round < 60; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 1 + rng.nextInt(30); i++) {
                text.append("ab\n".charAt(rng.nextInt(3)));
            }
            Path file = Files.writeString(dir.resolve("f" + round), text);
            try (HadoopFile bytes = HadoopFile.of(file.toUri(), new Configuration(false))) {
                for (int width = 1; width <= text.length(); width++) {
                    StringBuilder joined = new StringBuilder();
                    for (int at = 0; at < text.length(); at += width) {
                        try (LineSlice lines = LineSlice.of(bytes, at, Math.min(text.length(), at + width))) {
                            String some = new String(lines.readAllBytes(), StandardCharsets.UTF_8);
                            assertEquals(joined.length(), some.isEmpty() ? joined.length() : (int) lines.start());
                            assertEquals(text.chars().limit(lines.start()).filter(c -> c == '\n').count(),
                                    LineSlice.lines(bytes, lines.start()));
                            joined.append(some);
                        }
                    }
                    assertEquals(text.toString(), joined.toString());
                }
            }
        }
    }
}
