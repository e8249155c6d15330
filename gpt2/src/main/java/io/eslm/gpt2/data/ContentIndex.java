// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.gpt2.data.FileCheck.Content;
import io.eslm.tensor.UserError;
import io.eslm.tensor.io.AtomicFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Knows files by their content, and reads them again only if they may have changed. A file whose size, inode, time of
 * modification and time of change are those of the last reading is taken to be the same. The system sets the time of change at
 * every write and nobody else can set it, so content that was exchanged behind an old name, size and date is noticed. A file
 * that changed in the last {@value #SETTLED_SECONDS} seconds before it was read is read again next time, because another write
 * in the same tick of the clock would leave no trace. Where a system has no such times, every file is read every time.
 */
final class ContentIndex {
    private static final String HEADER = "eslm-index 1";
    private static final int SETTLED_SECONDS = 2;
    private static final String TEXT = "-";

    private record Entry(String stamp, Content content) {
        String line(String name) {
            return String.join("\t", stamp, String.valueOf(content.bytes()), content.hash(),
                    content.defect() == null ? TEXT : content.defect(), name);
        }
    }

    /** Reads a file whole. */
    @FunctionalInterface
    interface Reader {
        Content read(Path file) throws IOException;
    }

    /** Null if nothing is kept. */
    private final Path file;
    private final Map<String, Entry> known = new ConcurrentHashMap<>();
    private final Map<String, Entry> now = new ConcurrentHashMap<>();

    private ContentIndex(Path file) {
        this.file = file;
    }

    /** An index that keeps nothing. */
    static ContentIndex none() {
        return new ContentIndex(null);
    }

    /** The index kept in {@code file}; empty if there is none, or a damaged one. */
    static ContentIndex open(Path file) {
        ContentIndex index = new ContentIndex(file);
        try {
            var lines = Files.readAllLines(file);
            if (!lines.isEmpty() && lines.getFirst().equals(HEADER)) {
                lines.stream().skip(1).map(line -> line.split("\t")).filter(f -> f.length == 5).forEach(f -> index.known
                        .put(f[4], new Entry(f[0],
                                new Content(Long.parseLong(f[1]), f[2], f[3].equals(TEXT) ? null : f[3]))));
            }
        } catch (IOException | NumberFormatException _) {
            index.known.clear();
        }
        return index;
    }

    /** The content of a file: known, or from {@code reader}. */
    Content of(String name, Path path, Reader reader) throws IOException {
        String stamp = stamp(path);
        Entry before = known.get(name);
        if (stamp != null && before != null && before.stamp.equals(stamp)) {
            now.put(name, before);
            return before.content;
        }
        Content content = reader.read(path);
        if (stamp != null && stamp.equals(stamp(path)) && name.indexOf('\n') < 0 && name.indexOf('\t') < 0) {
            now.put(name, new Entry(stamp, content));
        }
        return content;
    }

    /** The hash of a file that need not be text. */
    String hash(String name, Path path) throws IOException {
        return of(name, path, p -> {
            MessageDigest digest = sha256();
            byte[] buffer = new byte[1 << 16];
            try (InputStream in = Files.newInputStream(p)) {
                for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                    digest.update(buffer, 0, n);
                }
            }
            return new Content(Files.size(p), HexFormat.of().formatHex(digest.digest()), null);
        }).hash();
    }

    /** Keeps what is known now for the next time. Where that is not possible, the next time takes longer. */
    void save() {
        if (file == null || now.equals(known)) {
            return;
        }
        try {
            AtomicFiles.writeString(file, now.entrySet().stream().sorted(Map.Entry.comparingByKey())
                    .map(e -> e.getValue().line(e.getKey())).collect(Collectors.joining("\n", HEADER + "\n", "\n")));
        } catch (UserError _) {
            // a cache that cannot be written is said where data is prepared
        }
    }

    /** SHA-256 of a text, in hex. */
    static String hex(String text) {
        return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** Changes with every write to the file; null if the system cannot tell, or the last write is too recent to tell. */
    private static String stamp(Path path) throws IOException {
        try {
            Map<String, Object> a = Files.readAttributes(path, "unix:size,lastModifiedTime,ctime,ino,dev");
            FileTime changed = (FileTime) a.get("ctime");
            boolean settled =
                    System.currentTimeMillis() - changed.toMillis() > TimeUnit.SECONDS.toMillis(SETTLED_SECONDS);
            return settled ? a.get("size") + " " + ((FileTime) a.get("lastModifiedTime")).to(TimeUnit.NANOSECONDS) + " "
                    + changed.to(TimeUnit.NANOSECONDS) + " " + a.get("dev") + ":" + a.get("ino") : null;
        } catch (UnsupportedOperationException | IllegalArgumentException _) {
            return null;
        }
    }
}
