// SPDX-License-Identifier: Apache-2.0
package io.eslm.cli;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Texts that a command takes: from a file, a pipe, or the standard input. */
final class Texts {
    /** Names the standard input where a file is expected. */
    static final String STDIN = "-";
    /** Begins a prompt that is in a file, as in nanoGPT. */
    static final String FILE = "FILE:";

    private Texts() {
    }

    /**
     * All of a file, or of the standard input for {@value #STDIN}, without a byte order mark.
     *
     * @throws UserError if it cannot be read or is not UTF-8
     */
    static String read(Path file) {
        boolean stdin = file.toString().equals(STDIN);
        try {
            byte[] bytes;
            try (var in = stdin ? new ByteArrayInputStream(System.in.readAllBytes()) : Files.newInputStream(file)) {
                bytes = in.readAllBytes();
            }
            String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
            return text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (IOException e) {
            throw FileErrors.failed("read", stdin ? Path.of("the standard input") : file, e);
        } catch (OutOfMemoryError e) {
            throw new UserError(file + ": is too large to read at once, or has no end", e);
        }
    }

    /** The prompt that {@code given} means: itself, the standard input for {@value #STDIN}, or a file after {@value #FILE}. */
    static String prompt(String given) {
        return given.equals(STDIN) ? read(Path.of(STDIN))
                : given.startsWith(FILE) ? read(Path.of(given.substring(FILE.length()))) : given;
    }

    /**
     * Token ids, separated by white space.
     *
     * @throws UserError naming the entry that is none
     */
    static int[] ids(Path file) {
        String[] words = read(file).strip().split("\\s+");
        int[] ids = new int[words[0].isEmpty() ? 0 : words.length];
        for (int i = 0; i < ids.length; i++) {
            try {
                ids[i] = Integer.parseInt(words[i]);
            } catch (NumberFormatException e) {
                throw new UserError(file + ": entry " + i + " (counted from 0) is '" + words[i] + "', not a token id",
                        e);
            }
        }
        return ids;
    }
}
