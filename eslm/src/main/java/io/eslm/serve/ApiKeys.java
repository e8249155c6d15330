// SPDX-License-Identifier: Apache-2.0
package io.eslm.serve;

import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;

/** The keys of which a client must have one. */
final class ApiKeys {
    private static final String SCHEME = "bearer ";
    private static final int LONGEST = 512;

    private final List<byte[]> keys;

    private ApiKeys(List<byte[]> keys) {
        this.keys = keys;
    }

    /**
     * The lines of {@code file}.
     *
     * @throws OptionError if it holds no key, or a line that no header can carry
     */
    static ApiKeys read(Path file) {
        List<String> lines;
        try {
            lines = Files.readAllLines(file).stream().map(String::strip).filter(line -> !line.isEmpty()).toList();
        } catch (IOException e) {
            throw new OptionError(ServeOptions.API_KEY_FILE, FileErrors.failed("read", file, e));
        }
        if (lines.isEmpty()) {
            throw new OptionError(ServeOptions.API_KEY_FILE, file, "holds no key. Write one into it, in a line");
        }
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).matches("[\\x21-\\x7E]{1," + LONGEST + "}")) {
                throw new OptionError(ServeOptions.API_KEY_FILE, file, "key " + (i + 1)
                        + " must have 1 to " + LONGEST + " letters, digits and signs of ASCII, without spaces");
            }
        }
        return new ApiKeys(lines.stream().map(line -> line.getBytes(StandardCharsets.US_ASCII)).toList());
    }

    /** True if the header Authorization carries a key. Takes as long for every wrong one of a length. */
    boolean allow(Optional<String> authorization) {
        String given = authorization.orElse("");
        if (given.length() < SCHEME.length() || !given.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
            return false;
        }
        byte[] key = given.substring(SCHEME.length()).strip().getBytes(StandardCharsets.UTF_8);
        boolean known = false;
        for (byte[] k : keys) {
            known |= MessageDigest.isEqual(key, k); // all of them, so that the time does not tell which
        }
        return known;
    }
}
