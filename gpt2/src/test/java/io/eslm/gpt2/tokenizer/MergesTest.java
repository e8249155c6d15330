// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingType;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Long pieces get the tokens of the library, which is the reference, at a bounded cost. */
class MergesTest {
    private static final Encoding REFERENCE =
            Encodings.newLazyEncodingRegistry().getEncoding(EncodingType.R50K_BASE);
    private static final Gpt2Tokenizer TOKENIZER = new Gpt2Tokenizer();
    private static final String[] ALPHABETS = {"a", "ab", "abc", "abcdefghijklmnopqrstuvwxyz", "etaoin", "0123456789",
        "=-", "-", ".,;!?()", " ", "\n", " \n\t", "ÃÂ", "日本語中文字", "аеиос", "😀🎉", "éàü", "aA", "\u00a0 ", "'s", " a",
        "\u0000\u0001", "\u001c!", "\u0301a", "٣٤", "\ufffd"};

    private static void check(String text, String what) {
        assertArrayEquals(REFERENCE.encodeOrdinary(text).toArray(), TOKENIZER.encode(text), what);
    }

    private static String run(SplittableRandom random, String alphabet, int length) {
        int[] points = alphabet.codePoints().toArray();
        StringBuilder run = new StringBuilder();
        while (run.length() < length) {
            run.appendCodePoint(points[random.nextInt(points.length)]);
        }
        return run.toString();
    }

    @Test
    void randomLongPiecesHaveTheTokensOfTheReference() {
        SplittableRandom random = new SplittableRandom(11);
        for (int round = 0; round < 1500; round++) {
            String alphabet = ALPHABETS[random.nextInt(ALPHABETS.length)];
            check(run(random, alphabet, Gpt2Tokenizer.LONG_PIECE - 3 + random.nextInt(400)), "round " + round);
        }
    }

    /** What surrounds a long piece decides where it begins and ends. */
    @Test
    void longPiecesAmongShortOnesHaveTheTokensOfTheReference() {
        SplittableRandom random = new SplittableRandom(12);
        for (int round = 0; round < 1500; round++) {
            StringBuilder text = new StringBuilder();
            for (int part = 0; part < 6; part++) {
                int length = random.nextInt(4) == 0 ? random.nextInt(300) : random.nextInt(4);
                text.append(run(random, ALPHABETS[random.nextInt(ALPHABETS.length)], length));
            }
            check(text.toString(), "round " + round);
        }
    }

    /** Every token of the vocabulary, next to others of its kind: the pieces are the words of the vocabulary itself. */
    @Test
    void tokensInARowHaveTheTokensOfTheReference() {
        SplittableRandom random = new SplittableRandom(13);
        for (int round = 0; round < 800; round++) {
            StringBuilder text = new StringBuilder();
            while (text.length() < 200) {
                text.append(TOKENIZER.decode(random.nextInt(Gpt2Tokenizer.END_OF_TEXT)).replace(" ", "")
                        .replace("\ufffd", ""));
            }
            check(text.toString(), "round " + round);
        }
    }

    /** The library needs more than 300 bytes for each byte of such a piece. */
    @ParameterizedTest
    @ValueSource(strings = {"a", "ab", " ", "\n", "0123456789", "=", "😀", "日本語", "ÃÂ", "qzxj"})
    void memoryIsASmallMultipleOfThePiece(String unit) {
        String text = unit.repeat(1_000_000 / unit.length());
        TOKENIZER.encode(text.substring(0, 2000));
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        int[] ids = TOKENIZER.encode(text);
        long taken = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(taken < 32L * text.getBytes(StandardCharsets.UTF_8).length, unit + " takes " + taken);
        assertEquals(text, TOKENIZER.decode(ids));
    }

    @Test
    void anInterruptEndsALongPiece() {
        Thread.currentThread().interrupt();
        try {
            assertThrows(IllegalStateException.class, () -> TOKENIZER.encode("a".repeat(1000)));
        } finally {
            assertTrue(Thread.interrupted());
        }
    }
}
