// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Finds the tokenizer that a user names. */
public final class Tokenizers {
    /** A file that says what its ids stand for, by the first name that a folder has. */
    private static final List<String> IN_FOLDER = List.of("tokenizer.json", "meta.pkl");
    private static final int FIRST_BYTES = 4096;

    private Tokenizers() {
    }

    /**
     * The tokenizer at {@code path}: the words {@code gpt2} and {@code bytes}; a Hugging Face {@code tokenizer.json}; nanoGPT's {@code
     * meta.pkl}; a tiktoken rank file; or a folder that holds one of the first two, or {@code vocab.json} with {@code merges.txt}.
     *
     * @throws UserError if there is none, naming what was looked for
     */
    public static Tokenizer open(String path) {
        switch (path) {
            case "gpt2" -> {
                return new Gpt2Tokenizer();
            }
            case "bytes" -> {
                return new ByteTokenizer();
            }
            default -> {
                Path at = Path.of(path);
                return Files.isDirectory(at) ? inFolder(at) : ofFile(at);
            }
        }
    }

    private static Tokenizer inFolder(Path folder) {
        for (String name : IN_FOLDER) {
            Path file = folder.resolve(name);
            if (Files.exists(file)) {
                return ofFile(file);
            }
        }
        if (Files.exists(folder.resolve(Gpt2Files.VOCAB)) && Files.exists(folder.resolve(Gpt2Files.MERGES))) {
            return Gpt2Files.read(folder);
        }
        throw new UserError(folder + ": holds no tokenizer; looked for " + String.join(", ", IN_FOLDER)
                + ", and vocab.json with merges.txt");
    }

    /** By its first bytes, whatever its name. */
    private static Tokenizer ofFile(Path file) {
        byte[] start;
        try (InputStream in = Files.newInputStream(file)) {
            start = in.readNBytes(FIRST_BYTES);
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
        String text = new String(start, StandardCharsets.ISO_8859_1);
        if (text.stripLeading().startsWith("{")) {
            return TokenizerJson.read(file);
        }
        if (text.lines().findFirst().filter(TiktokenFile::begins).isPresent()) {
            return TiktokenFile.read(file);
        }
        if (start.length > 0 && (start[0] & 0xFF) == 0x80 || file.toString().endsWith(".pkl")) {
            return CharTokenizer.readMeta(file);
        }
        throw new UserError(
                file + ": is no tokenizer that is known: a tokenizer.json of Hugging Face, a meta.pkl of nanoGPT, or "
                        + "ranks of tiktoken. The words gpt2 and bytes name the two built in");
    }
}
