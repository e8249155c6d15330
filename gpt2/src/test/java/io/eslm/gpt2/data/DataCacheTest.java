// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.eslm.tensor.UserError;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The cache is bounded, and never loses what is in use. */
class DataCacheTest {
    @TempDir
    private Path dir;
    private Path root;

    @BeforeEach
    void cache() throws IOException {
        root = Files.createDirectories(dir.resolve("cache"));
    }

    private Path entry(String name, int bytes, int ageInHours) throws IOException {
        Path folder = Files.createDirectories(root.resolve(name));
        Files.write(folder.resolve("train.bin"), new byte[bytes]);
        Files.setLastModifiedTime(folder, FileTime.from(Instant.now().minus(Duration.ofHours(ageInHours))));
        return folder;
    }

    private List<String> left() throws IOException {
        try (Stream<Path> all = Files.list(root)) {
            return all.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void theLongestUnusedGoesFirstAndWhatIsInUseStays() throws IOException {
        entry("a", 400, 5);
        InUse.hold(entry("b", 400, 9));
        entry("c", 400, 7);
        Files.write(root.resolve("d.txt"), new byte[100]);
        new CacheLimit(900).apply(root);
        assertEquals(List.of("a", "b", "d.txt"), left());
        new CacheLimit(0).apply(root);
        assertEquals(List.of("b"), left());
    }

    @Test
    void anotherProcessKeepsItsEntryWhileItLives() throws Exception {
        Path folder = entry("a", 10, 1);
        Process other =
                new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin/java").toString(), "-Xshare:auto",
                        "-cp", System.getProperty("java.class.path"), Holder.class.getName(), folder.toString())
                        .start();
        try {
            assertEquals('!', other.getInputStream().read());
            new CacheLimit(0).apply(root);
            assertEquals(List.of("a"), left());
        } finally {
            other.destroyForcibly();
            assertTrue(other.waitFor(1, TimeUnit.MINUTES));
        }
        new CacheLimit(0).apply(root);
        assertEquals(List.of(), left(), "it died without a word");
    }

    /** Another process that uses an entry. */
    static final class Holder {
        private Holder() {
        }

        public static void main(String[] args) throws IOException {
            InUse.hold(Path.of(args[0]));
            System.out.print('!');
            System.out.flush();
            System.in.read();
        }
    }

    @Test
    void workThatADeadProcessLeftIsRemoved() throws IOException {
        Files.createFile(entry(".book-123", 10, 0).resolve(".in-use")); // locked by nobody
        InUse.hold(entry(".book-456", 10, 0));
        entry(".book-new", 10, 0);
        entry(".book-old", 10, 48);
        new CacheLimit(1000).apply(root);
        assertEquals(List.of(".book-456", ".book-new"), left());
    }

    @Test
    void theLimitIsAnEnvironmentVariable() {
        assertEquals(10_000_000_000L, CacheLimit.of(Map.of()).bytes());
        assertEquals(500_000_000L, CacheLimit.of(Map.of("ESLM_CACHE_GB", "0.5")).bytes());
        for (String bad : List.of("-1", "10G", "NaN")) {
            String message =
                    assertThrows(UserError.class, () -> CacheLimit.of(Map.of("ESLM_CACHE_GB", bad))).getMessage();
            assertTrue(message.startsWith("ESLM_CACHE_GB=" + bad + ": must be a number"), message);
        }
    }

    @Test
    void preparingMoreThanTheLimitRemovesTheOld() throws IOException {
        DataCache cache = new DataCache(root, new CacheLimit(5000));
        entry("old", 6000, 1);
        Path text = Files.writeString(dir.resolve("t.txt"), "words ".repeat(500));
        Path folder = cache.prepared(TextCorpus.open(text, Progress.SILENT), "t", Division.MEASURED, Tokens.GPT2,
                Progress.SILENT);
        assertEquals(List.of(folder.getFileName().toString()), left());
        assertEquals(folder,
                cache.prepared(TextCorpus.open(text, Progress.SILENT), "t", Division.MEASURED, Tokens.GPT2,
                        Progress.SILENT));
    }

    @Test
    void aPipeIsKeptOnce() throws IOException {
        DataCache cache = new DataCache(root, new CacheLimit(1_000_000));
        Path kept = cache.keep(stream("some text"), "stdin", Progress.SILENT);
        assertEquals("some text", Files.readString(kept));
        assertEquals(kept, cache.keep(stream("some text"), "stdin", Progress.SILENT));
        assertFalse(kept.equals(cache.keep(stream("other text"), "stdin", Progress.SILENT)));
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return 0;
            }
        };
        assertThrows(UserError.class, () -> cache.keep(endless, "zero", Progress.SILENT));
        assertEquals(2, left().size(), "nothing else is left");
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Content, not dates: see also DataSourceTest. A file that is old enough is not read again. */
    @Test
    void onlyWhatMayHaveChangedIsReadAgain() throws IOException, InterruptedException {
        Path file = Files.writeString(dir.resolve("f"), "abc");
        Path at = root.resolve("f.index");
        Thread.sleep(2100); // until the index trusts the time of change
        String hash = index(at, file, 1);
        assertEquals(hash, index(at, file, 0));
        Files.writeString(dir.resolve("g"), "xyz");
        Files.setLastModifiedTime(dir.resolve("g"), Files.getLastModifiedTime(file));
        Files.move(dir.resolve("g"), file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertFalse(hash.equals(index(at, file, 1)), "the same name, size and date");
        index(at, file, 1); // changed a moment ago
        Files.writeString(at, "eslm-index 1\nnonsense\n1\tx\ty\tz\tf\n");
        index(at, file, 1);
    }

    private static String index(Path at, Path file, int reads) throws IOException {
        int[] count = new int[1];
        ContentIndex index = ContentIndex.open(at);
        String hash = index.of("f", file, path -> {
            count[0]++;
            return new FileCheck.Content(Files.size(path), ContentIndex.none().hash("f", path), null);
        }).hash();
        index.save();
        assertEquals(reads, count[0]);
        return hash;
    }
}
