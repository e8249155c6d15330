// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import io.eslm.tensor.io.AtomicFiles;
import io.eslm.tensor.io.FileTrees;
import it.unimi.dsi.fastutil.objects.Object2IntOpenHashMap;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Rebuilds GPT-2's {@code vocab.json} and {@code merges.txt} from the bytes of its tokens. */
final class VocabFiles {
    private static final int BYTE_TOKENS = 256;

    /** Each char is one byte (ISO 8859-1). */
    private final List<String> tokens = new ArrayList<>();
    private final Object2IntOpenHashMap<String> rank = new Object2IntOpenHashMap<>();

    VocabFiles(byte[][] vocabulary) {
        rank.defaultReturnValue(Integer.MAX_VALUE);
        for (int id = 0; id < Gpt2Tokenizer.END_OF_TEXT; id++) {
            String token = new String(vocabulary[id], StandardCharsets.ISO_8859_1);
            tokens.add(token);
            rank.put(token, id);
        }
    }

    void write(Path dir) {
        FileTrees.make(dir);
        AtomicFiles.writeString(dir.resolve("vocab.json"), vocab());
        AtomicFiles.writeString(dir.resolve("merges.txt"), merges());
    }

    private String vocab() {
        var json = new StringBuilder(1 << 20).append('{');
        for (int id = 0; id < tokens.size(); id++) {
            appendJson(json, printable(tokens.get(id))).append(": ").append(id).append(", ");
        }
        return appendJson(json, Gpt2Tokenizer.END_OF_TEXT_LITERAL).append(": ").append(Gpt2Tokenizer.END_OF_TEXT)
                .append('}').toString();
    }

    private String merges() {
        var text = new StringBuilder(1 << 19).append("#version: 0.2\n");
        for (int id = BYTE_TOKENS; id < tokens.size(); id++) {
            List<String> pair = pair(id);
            text.append(printable(pair.get(0))).append(' ').append(printable(pair.get(1))).append('\n');
        }
        return text.toString();
    }

    /** The merge that makes a token: BPE over its bytes with all earlier merges ends with these two parts. */
    private List<String> pair(int id) {
        String token = tokens.get(id);
        var parts = new ArrayList<String>(token.length());
        for (int i = 0; i < token.length(); i++) {
            parts.add(token.substring(i, i + 1));
        }
        while (parts.size() > 2) {
            int best = -1;
            int bestRank = id;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int r = rank.getInt(parts.get(i) + parts.get(i + 1));
                if (r < bestRank) {
                    bestRank = r;
                    best = i;
                }
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
        return parts;
    }

    /** GPT-2's bytes_to_unicode: visible bytes stay; the others become characters 256, 257, … */
    private static String printable(String bytes) {
        var shown = new StringBuilder(bytes.length());
        for (int i = 0; i < bytes.length(); i++) {
            shown.append(BYTE_TO_CHAR[bytes.charAt(i)]);
        }
        return shown.toString();
    }

    private static final char[] BYTE_TO_CHAR = byteToChar();

    private static char[] byteToChar() {
        var table = new char[256];
        char next = 256;
        for (char b = 0; b < 256; b++) {
            boolean visible = b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
            table[b] = visible ? b : next++;
        }
        return table;
    }

    private static StringBuilder appendJson(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < 0x7F) {
                json.append(c);
            } else {
                json.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            }
        }
        return json.append('"');
    }
}
