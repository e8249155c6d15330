// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Reads tiktoken's rank files: a line holds the bytes of a token in base 64, a space, and its rank, which is its id. The file does not
 * say how a text is cut into pieces: it takes Llama 3's and GPT-4's pattern, and GPT-2's for GPT-2's 50,256 ranks.
 */
final class TiktokenFile {
    /** GPT-4's pieces (cl100k), which Llama 3 took over. */
    private static final String CL100K = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
            + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final int BYTES = 256;
    /** Llama 3 has 128,000 ranks; vocabularies of 200,000 cut texts differently. */
    private static final int MOST_KNOWN = 150_000;
    /** Twice the longest token of GPT-4; finding the merges of a token takes its square. */
    private static final int MOST_TOKEN_BYTES = 256;

    private TiktokenFile() {
    }

    /** True if {@code line}, the first of a file, is one of ranks. */
    static boolean begins(String line) {
        return line.matches("[A-Za-z0-9+/]{2,}={0,2} \\d+");
    }

    /** @throws UserError if the file cannot be read, or a line is not as described */
    static Tokenizer read(Path file) {
        try {
            return of(file, Files.readAllLines(file, StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw FileErrors.failed("read", file, e);
        }
    }

    static Tokenizer of(Path file, List<String> lines) {
        List<byte[]> tokens = new ArrayList<>();
        Map<String, Integer> ids = new HashMap<>();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).isBlank()) {
                continue;
            }
            if (!begins(lines.get(i)) || !lines.get(i).endsWith(" " + tokens.size())) {
                throw new UserError(file + " line " + (i + 1) + ": expected a token in base 64 and its rank, "
                        + tokens.size());
            }
            byte[] token;
            try {
                token = Base64.getDecoder().decode(lines.get(i).substring(0, lines.get(i).indexOf(' ')));
            } catch (IllegalArgumentException e) {
                throw new UserError(file + " line " + (i + 1) + ": is not base 64: " + e.getMessage());
            }
            if (token.length > MOST_TOKEN_BYTES) {
                throw new UserError(file + " line " + (i + 1) + ": a token of " + token.length
                        + " bytes, but no vocabulary in use has one above " + MOST_TOKEN_BYTES);
            }
            ids.put(ByteChars.of(token), tokens.size());
            tokens.add(token);
        }
        for (int b = 0; b < BYTES; b++) {
            if (!ids.containsKey(ByteChars.of(new byte[] {(byte) b}))) {
                throw new UserError(file + ": has no token for byte " + b + ", so it cannot take every text");
            }
        }
        if (tokens.size() > MOST_KNOWN) {
            throw new UserError(
                    file + ": has " + tokens.size() + " ranks. The file does not say how a text is cut, and only the "
                            + "patterns of GPT-2, GPT-4 and Llama 3 are known here; use a tokenizer.json");
        }
        boolean gpt2 = tokens.size() == Gpt2Tokenizer.END_OF_TEXT;
        Splitters.Splitter splitter = Splitters.sequence(gpt2 ? List.of()
                : List.of(Splitters.at(Splitters.pattern(CL100K), Splitters.Behaviour.ISOLATED, false)));
        return new BpeTokenizer(new BpeTokenizer.Parts("tiktoken's byte-level BPE", ids, tokens.toArray(byte[][]::new),
                merges(tokens, ids), List.of(), UnaryOperator.identity(), splitter,
                new Splitters.ByteLevel(false, gpt2), true, false, -1, false, false,
                Map.of(Tokenizers.RANKS, (String.join("\n", lines) + "\n").getBytes(StandardCharsets.ISO_8859_1))));
    }

    /** Tiktoken joins two neighbours if their bytes together are a token, the lowest rank first. */
    private static BpeMerges merges(List<byte[]> tokens, Map<String, Integer> ids) {
        BpeMerges merges = new BpeMerges();
        for (int id = 0; id < tokens.size(); id++) {
            String token = ByteChars.of(tokens.get(id));
            for (int cut = 1; cut < token.length(); cut++) {
                Integer left = ids.get(token.substring(0, cut));
                Integer right = ids.get(token.substring(cut));
                if (left != null && right != null) {
                    merges.add(id, left, right, id);
                }
            }
        }
        return merges;
    }
}
