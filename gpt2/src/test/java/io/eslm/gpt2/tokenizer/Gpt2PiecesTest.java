// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The scanner cuts where GPT-2's pattern cuts. */
class Gpt2PiecesTest {
    private static final Pattern PIECE = Splitters.pattern(Splitters.GPT2);
    private static final String[] PARTS = {"'", "s", "t", "ll", "l", "ve", "v", "re", "d", "m", " ", "  ", "\n", "\r\n",
        "\t",
        "a", "Z", "1", "½", "é", "ſ", "你", "🙂", "𝐀", "𝟘", "\u0301", "\u00a0", "\u0085", "\u2028", "\u3000", "\u200b",
        "\u180e", "\u001c", "\u0000", "!", "=", "_", "’"};

    private static void check(String text) {
        List<String> expected = new ArrayList<>();
        for (Matcher m = PIECE.matcher(text); m.find();) {
            expected.add(m.group());
        }
        List<String> pieces = new ArrayList<>();
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int from = 0; from < bytes.length;) {
            int to = Gpt2Pieces.end(bytes, from, bytes.length);
            pieces.add(new String(bytes, from, to - from, StandardCharsets.UTF_8));
            from = to;
        }
        assertEquals(expected, pieces, text);
    }

    @Test
    void randomTextsAreCutAsThePatternCuts() {
        SplittableRandom random = new SplittableRandom(1);
        for (int round = 0; round < 20_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int parts = random.nextInt(12); parts >= 0; parts--) {
                text.append(PARTS[random.nextInt(PARTS.length)]);
            }
            check(text.toString());
        }
    }

    /** Each character between others; of those without a meaning, some. */
    @Test
    void everyCharacterHasThePatternsKind() {
        StringBuilder text = new StringBuilder();
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            boolean surrogate = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
            if (!surrogate && (Character.isDefined(c) || c % 64 == 0)) {
                text.append('a').appendCodePoint(c).append('1').appendCodePoint(c).append('!')
                        .appendCodePoint(c).append(' ');
            }
            if (c % 1000 == 0 || c == Character.MAX_CODE_POINT) {
                check(text.toString());
                text.setLength(0);
            }
        }
    }
}
