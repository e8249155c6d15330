// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileKind;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.UserCache;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;

/**
 * Keeps prepared folders between runs, as {@code <root>/<name>-<hash>}. The hash covers where the source is, the content of its
 * files (see {@link ContentIndex}) and the way to prepare it, so a changed source gets a new folder. A folder gets its name when
 * it is complete; a damaged one is replaced. Beside the folders are the indexes of the sources, and copies of what came through
 * a pipe. {@link CacheLimit} bounds all of it, whenever something is added.
 */
final class DataCache {
    /** Raised when the same source gives other tokens than before. */
    static final int PREPARATION_VERSION = 3;
    private static final String TEMPORARY = "eslm-data-";

    private final Path root;
    private final CacheLimit limit;

    DataCache(Path root, CacheLimit limit) {
        this.root = root.toAbsolutePath();
        this.limit = limit;
    }

    /** The user's cache, of at most {@code $ESLM_CACHE_GB} gigabytes, or 10. */
    static DataCache ofUser(Map<String, String> environment) {
        return new DataCache(UserCache.folder(environment), CacheLimit.of(environment));
    }

    /** What is known of the files of {@code source}. */
    ContentIndex index(String source, String name) {
        Path file = root.resolve(safe(name) + "-" + hash(Path.of(source).toAbsolutePath().toString()) + ".index");
        CacheLimit.touch(file);
        return ContentIndex.open(file);
    }

    /** The prepared folder of a corpus, from an earlier run or new. */
    Path prepared(Corpus corpus, String name, Division division, TextEncoder encoder, Progress progress) {
        Path folder = root.resolve(safe(name) + "-" + hash(corpus, division, encoder));
        if (isComplete(folder)) {
            InUse.hold(folder);
            if (isComplete(folder)) { // still, now that nobody may delete it
                CacheLimit.touch(folder);
                return folder;
            }
            InUse.release(folder);
        }
        Path scratch = scratch(folder.getFileName().toString(), progress);
        boolean done = false;
        try {
            corpus.prepare(scratch, division, encoder, progress);
            done = true;
        } finally {
            if (!done) {
                discard(scratch);
            }
        }
        if (!scratch.getParent().equals(root)) {
            return scratch;
        }
        Path kept = moveIntoPlace(scratch, folder);
        limit.apply(root);
        return kept;
    }

    /**
     * Copies a text that can be read only once. Equal texts share a copy.
     *
     * @throws UserError if it cannot be read to its end or written, or has a NUL byte
     */
    Path keep(InputStream text, String name, Progress progress) {
        Path scratch = scratch(safe(name), progress);
        boolean done = false;
        try {
            MessageDigest digest = ContentIndex.sha256();
            Path copy = scratch.resolve(safe(name));
            try (OutputStream out = Files.newOutputStream(copy)) {
                copy(text, out, digest, name);
            }
            done = true;
            if (!scratch.getParent().equals(root)) {
                return copy;
            }
            String ending = name.contains(".") ? name.replaceFirst(".*(?=\\.)", "") : "";
            Path kept = root.resolve(safe(name) + "-" + HexFormat.of().formatHex(digest.digest(), 0, 8) + safe(ending));
            Files.move(copy, kept, StandardCopyOption.ATOMIC_MOVE);
            discard(scratch);
            InUse.hold(kept);
            limit.apply(root);
            return kept;
        } catch (IOException e) {
            throw FileErrors.failed("keep", Path.of(name), e);
        } finally {
            if (!done) {
                discard(scratch);
            }
        }
    }

    /** Where the copy of what is at an address is, or will be. */
    Path copyOf(URI address, String name) {
        Path copy = root.resolve("download-" + hash(address.toString()) + "-" + safe(name));
        InUse.hold(copy);
        CacheLimit.touch(copy);
        return copy;
    }

    private static void copy(InputStream text, OutputStream out, MessageDigest digest, String name) throws IOException {
        byte[] buffer = new byte[1 << 16];
        boolean binary = false;
        boolean start = true;
        for (int n = text.readNBytes(buffer, 0, buffer.length); n > 0; n = text.readNBytes(buffer, 0, buffer.length)) {
            binary = start ? isReadable(buffer) : binary;
            start = false;
            for (int i = 0; i < n && !binary; i++) {
                if (buffer[i] == 0) { // a device such as /dev/zero has no end
                    throw new UserError(name + " is not text: it has a NUL byte. Name UTF-8 text.");
                }
            }
            digest.update(buffer, 0, n);
            out.write(buffer, 0, n);
        }
    }

    /** Whether it is no text, but something that can be read. */
    private static boolean isReadable(byte[] head) {
        return FileKind.of(head).filter(Set.of(FileKind.GZIP, FileKind.ZSTD, FileKind.PARQUET)::contains).isPresent();
    }

    private static void discard(Path scratch) {
        FileTrees.delete(scratch);
        InUse.release(scratch);
    }

    /** A new folder beside the final one, or in the folder for temporary files if the cache cannot be written. */
    private Path scratch(String name, Progress progress) {
        try {
            Files.createDirectories(root);
            return temporary(Files.createTempDirectory(root, "." + name + "-"));
        } catch (IOException e) {
            progress.report(0, 0, FileErrors.failed("write to the cache", root, e).getMessage()
                    + ". The data is prepared in a temporary folder, for this run only. "
                    + "To keep it, set XDG_CACHE_HOME to a folder that you can write to.");
        }
        Path all = Path.of(System.getProperty("java.io.tmpdir"));
        CacheLimit.removeAbandoned(all, TEMPORARY);
        try {
            return temporary(Files.createTempDirectory(TEMPORARY));
        } catch (IOException e) {
            throw FileErrors.failed("create a temporary folder in", all, e);
        }
    }

    private static Path temporary(Path folder) {
        InUse.hold(folder);
        FileTrees.deleteAtExit(folder);
        return folder;
    }

    private static Path moveIntoPlace(Path scratch, Path folder) {
        if (isComplete(folder)) {
            // another process was faster; its folder has the same bytes
            discard(scratch);
            InUse.hold(folder);
            return folder;
        }
        try {
            FileTrees.delete(folder);
            Files.move(scratch, folder);
            InUse.moved(scratch, folder);
            return folder;
        } catch (IOException e) {
            throw FileErrors.failed("write", folder, e);
        }
    }

    private static boolean isComplete(Path folder) {
        if (!Files.isRegularFile(folder.resolve(Meta.FILE))) {
            return false;
        }
        try {
            TokenData.open(folder);
            return true;
        } catch (UserError _) {
            return false;
        }
    }

    private static String hash(Corpus corpus, Division division, TextEncoder encoder) {
        return hash(PREPARATION_VERSION + "\n" + Meta.FORMAT_VERSION + "\n" + division.identity() + "\n"
                + encoder.identity()
                + corpus.identity());
    }

    private static String hash(String identity) {
        return HexFormat.of().formatHex(ContentIndex.sha256().digest(identity.getBytes(StandardCharsets.UTF_8)), 0, 8);
    }

    private static String safe(String name) {
        String kept = name.replaceAll("[^A-Za-z0-9._-]", "_");
        return kept.substring(0, Math.min(40, kept.length()));
    }
}
