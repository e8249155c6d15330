// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import io.eslm.tensor.io.FileTrees;
import io.eslm.tensor.io.UserCache;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

/**
 * Keeps prepared folders between runs, as {@code <root>/<name>-<hash>}. The hash covers the source and the way to prepare it,
 * so a changed source gets a new folder. A folder gets its name when it is complete; a damaged one is replaced.
 */
final class DataCache {
    /** Raised when the same source gives other tokens than before. */
    private static final int PREPARATION_VERSION = 1;

    private final Path root;

    DataCache(Path root) {
        this.root = root;
    }

    /** The user's cache. */
    static DataCache ofUser(Map<String, String> environment) {
        return new DataCache(UserCache.folder(environment));
    }

    /** The prepared folder of a corpus, from an earlier run or new. */
    Path prepared(Corpus corpus, String name, double heldOut, Progress progress) {
        Path folder = root.resolve(safe(name) + "-" + hash(corpus, heldOut));
        if (isComplete(folder)) {
            return folder;
        }
        Path scratch = scratch(folder, progress);
        boolean done = false;
        try {
            corpus.prepare(scratch, heldOut, progress);
            done = true;
        } finally {
            if (!done) {
                FileTrees.delete(scratch);
            }
        }
        return scratch.getParent().equals(root) ? moveIntoPlace(scratch, folder) : scratch;
    }

    /** A new folder beside the final one, or in the folder for temporary files if the cache cannot be written. */
    private Path scratch(Path folder, Progress progress) {
        try {
            Files.createDirectories(root);
            return temporary(Files.createTempDirectory(root, "." + folder.getFileName() + "-"));
        } catch (IOException e) {
            progress.report(0, 0, FileErrors.failed("write to the cache", root, e).getMessage()
                    + ". The data is prepared in a temporary folder, for this run only. "
                    + "To keep it, set XDG_CACHE_HOME to a folder that you can write to.");
        }
        try {
            return temporary(Files.createTempDirectory("eslm-data-"));
        } catch (IOException e) {
            throw FileErrors.failed("create a temporary folder in", Path.of(System.getProperty("java.io.tmpdir")), e);
        }
    }

    private static Path temporary(Path folder) {
        FileTrees.deleteAtExit(folder);
        return folder;
    }

    private static Path moveIntoPlace(Path scratch, Path folder) {
        if (isComplete(folder)) {
            // another process was faster; its folder has the same bytes
            FileTrees.delete(scratch);
            return folder;
        }
        try {
            FileTrees.delete(folder);
            return Files.move(scratch, folder);
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

    private static String hash(Corpus corpus, double heldOut) {
        String identity = PREPARATION_VERSION + "\n" + Meta.FORMAT_VERSION + "\n" + heldOut + "\n" + corpus.identity();
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(identity.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    private static String safe(String name) {
        String kept = name.replaceAll("[^A-Za-z0-9._-]", "_");
        return kept.substring(0, Math.min(40, kept.length()));
    }
}
